import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Operation } from '../protocol/request.ts';
import { RequestError } from '../protocol/request-error.ts';
import { readBody } from './body.ts';
import { type Command, targetOptions } from './command.ts';
import { authTable, leaseOf, leasedValues, nothing, printField, printJson, printWarnings, table, wireReply } from './output.ts';
import { withSession } from './session.ts';
import { apiPath, printWrapped, replyOptions, wrapping } from './session-command.ts';

function apiCommand(operation: Operation, command: Omit<Command, 'run' | 'path'>): Command {
  const path = [operation];
  return {
    ...command,
    path,
    options: { ...command.options, ...replyOptions, ...targetOptions },
    run: async (context, [operand = '', ...rest], options) => {
      // Before the store is opened: the other end of a pipe may need it.
      const body = await readBody(context, rest);
      return withSession(context, options, path, async (session) => {
        const target = apiPath(operand);
        let reply: Reply;
        try {
          reply = await session.request(operation, operation === 'list' ? target : target.replace(/\/+$/, ''), body, {
            // The API wraps what it is told to wrap for five minutes, where nobody says how long.
            wrapTtl:
              wrapping({ context, options }).wrapTtl ?? (operation === 'write' && target === 'sys/wrapping/wrap' ? 300 : null),
          });
        } catch (error) {
          if (error instanceof RequestError && error.status === 404 && error.errors.length === 0)
            return nothing(context, `No value found at ${target}`);
          throw error;
        }
        const wanted = options.text('field');
        const wrapped = printWrapped(context, reply, wanted);
        if (wrapped !== null) return wrapped;
        if ((operation === 'read' || operation === 'list') && !hasContent(reply))
          return nothing(context, `No value found at ${target}`, reply.warnings?.join('\n') ?? null);
        // Nothing was done: what is no error of the API, so that clients show its text, is one to a person.
        if (reply.status === 404 && !hasContent(reply)) throw new RequestError(404, reply.warnings ?? []);
        printWarnings(context, reply);
        if (wanted !== undefined) return printField(context, { ...leaseOf(reply), ...shown(reply) }, wanted);
        if (context.json) printJson(context, reply.json ?? wireReply(reply));
        else context.terminal.out(text(operation, target, reply));
        return 0;
      });
    },
  };
}

function hasContent({ data, auth, json }: Reply): boolean {
  return Object.keys(data ?? {}).length > 0 || (auth ?? null) !== null || json !== undefined;
}

function shown({ auth, data, json }: Reply): JsonObject {
  if (auth !== undefined && auth !== null) return authTable(auth);
  return isJsonObject(json) ? json : (data ?? {});
}

function text(operation: Operation, target: string, reply: Reply): string {
  const data = shown(reply);
  if (operation === 'list' && Array.isArray(data.keys))
    return table(
      ['Keys'],
      (data.keys as readonly string[]).map((key) => [key]),
    );
  if (Object.keys(data).length > 0) return leasedValues(reply, data);
  return `Success! Data ${operation === 'delete' ? 'deleted (if it existed) at' : 'written to'}: ${target}\n`;
}

const anything = { operands: 'PATH [KEY=VALUE…]', arity: { min: 1, max: 256 } };

export const read: Command = apiCommand('read', {
  summary: 'Read any path of the API',
  ...anything,
  description: 'Reads a path of the API, with KEY=VALUE as its query. Exit code 2: there is nothing.',
  examples: [{ command: 'secretctl read auth/approle/role/ci/role-id', explanation: 'The role id of an AppRole.' }],
  options: {},
});

export const write: Command = apiCommand('write', {
  summary: 'Write to any path of the API',
  ...anything,
  description: 'Writes to a path of the API. Changes that a config repo manages show up as drift in its next plan.',
  examples: [
    {
      command: 'secretctl write auth/approle/login role_id=… secret_id=@secret-id',
      explanation: 'Log in; the secret id comes from a file.',
    },
    { command: 'secretctl write -field=secret_id auth/approle/role/ci/secret-id', explanation: 'A new secret id, raw.' },
  ],
  options: { force: { type: 'flag', description: 'Accepted for compatibility: a write needs no KEY=VALUE.' } },
});

export const patch: Command = apiCommand('patch', {
  summary: 'Change parts of what any path of the API holds',
  ...anything,
  description:
    'Sends a merge patch (RFC 7396) to a path of the API: what is named changes, all else stays. A JSON null (@FILE, -) removes.',
  examples: [{ command: 'secretctl patch kv/metadata/app/db max_versions=5', explanation: 'One setting of a secret.' }],
  options: {},
});

export const list: Command = apiCommand('list', {
  summary: 'List a folder of any path of the API',
  operands: 'PATH',
  arity: { min: 1, max: 1 },
  description: 'Lists names. Exit code 2: there is nothing.',
  examples: [{ command: 'secretctl list sys/policies/acl', explanation: 'The names of all policies.' }],
  options: {},
});

export const remove: Command = apiCommand('delete', {
  summary: 'Delete any path of the API',
  ...anything,
  examples: [{ command: 'secretctl delete auth/approle/role/old', explanation: 'Delete a role by hand.' }],
  options: {},
});
