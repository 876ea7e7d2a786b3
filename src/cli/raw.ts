import type { JsonObject } from '../base/json.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Operation } from '../protocol/request.ts';
import { RequestError } from '../protocol/request-error.ts';
import { readBody } from './body.ts';
import { type Command, targetOptions } from './command.ts';
import { keyValues, nothing, printField, printJson, printWarnings, table, wireReply } from './output.ts';
import { withSession } from './session.ts';

const field = { field: { type: 'text', value: 'NAME', description: 'Print only this field of the reply, raw.' } } as const;

function apiCommand(operation: Operation, command: Omit<Command, 'run' | 'path'>): Command {
  const path = [operation];
  return {
    ...command,
    path,
    options: { ...command.options, ...targetOptions },
    run: async (context, [operand = '', ...rest], options) => {
      // Before the store is opened: the other end of a pipe may need it.
      const body = await readBody(context, rest);
      return withSession(context, options, path, async (session) => {
        const target = operand.replace(/^\/+/, '').replace(/^v1\//, '');
        let reply: Reply;
        try {
          reply = await session.request(operation, operation === 'list' ? target : target.replace(/\/+$/, ''), body);
        } catch (error) {
          if (error instanceof RequestError && error.status === 404 && error.errors.length === 0)
            return nothing(context, `No value found at ${target}`);
          throw error;
        }
        if ((operation === 'read' || operation === 'list') && !hasContent(reply))
          return nothing(context, `No value found at ${target}`, reply.warnings?.join('\n') ?? null);
        printWarnings(context, reply);
        const wanted = options.text('field');
        if (wanted !== undefined) return printField(context, shown(reply), wanted);
        if (context.json) printJson(context, wireReply(reply));
        else context.terminal.out(text(operation, target, reply));
        return 0;
      });
    },
  };
}

function hasContent({ data, auth }: Reply): boolean {
  return Object.keys(data ?? {}).length > 0 || (auth ?? null) !== null;
}

function shown(reply: Reply): JsonObject {
  if (reply.auth === undefined || reply.auth === null) return reply.data ?? {};
  const { client_token: token, accessor, lease_duration: duration, renewable, policies } = reply.auth;
  return { token, token_accessor: accessor, token_duration: duration, token_renewable: renewable, token_policies: policies };
}

function text(operation: Operation, target: string, reply: Reply): string {
  const data = shown(reply);
  if (operation === 'list' && Array.isArray(data.keys))
    return table(
      ['Keys'],
      (data.keys as readonly string[]).map((key) => [key]),
    );
  if (Object.keys(data).length > 0) return keyValues(data);
  return `Success! Data ${operation === 'delete' ? 'deleted (if it existed) at' : 'written to'}: ${target}\n`;
}

const anything = { operands: 'PATH [KEY=VALUE…]', arity: { min: 1, max: 256 } };

export const read: Command = apiCommand('read', {
  summary: 'Read any path of the API',
  ...anything,
  description: 'Reads a path of the API, with KEY=VALUE as its query. Exit code 2: there is nothing.',
  examples: [{ command: 'secretctl read auth/approle/role/ci/role-id', explanation: 'The role id of an AppRole.' }],
  options: field,
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
  options: field,
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
