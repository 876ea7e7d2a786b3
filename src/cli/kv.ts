import { Fault } from '../base/error.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { RequestError } from '../protocol/request-error.ts';
import { type Command, type Option, pickOptions } from './command.ts';
import type { CliContext } from './context.ts';
import {
  dataPath,
  kvCommand,
  noData,
  noSecret,
  noVersion,
  pathOperand,
  secretCommand,
  shownPath,
  versionsOf,
} from './kv-command.ts';
import { type KvPath, needVersion2 } from './kv-mount.ts';
import { keyValues, printField, printJson, printWarnings, table, wireReply } from './output.ts';
import type { Session } from './session.ts';
import { printWrapped, replyOptions, wrapping } from './session-command.ts';

const cas: Record<string, Option> = {
  cas: {
    type: 'number',
    value: 'VERSION',
    description: 'Write only if this is the current version; 0: only if the secret does not exist.',
  },
};

export const get = secretCommand(
  {
    path: ['kv', 'get'],
    summary: 'Read a secret',
    ...pathOperand,
    description: 'Reads a secret. Exit code 2: there is none, or the version is deleted.',
    examples: [
      { command: 'secretctl kv get kv/app/db', explanation: 'All fields, with the metadata of the version.' },
      { command: 'secretctl kv get -field=password kv/app/db', explanation: 'One field, raw, for scripts.' },
    ],
    options: {
      field: { type: 'text', value: 'NAME', description: 'Print only this field, raw.' },
      version: { type: 'number', value: 'N', description: 'An older version (version 2 mounts only).' },
      ...pickOptions(replyOptions, 'wrap-ttl'),
    },
  },
  async (context, session, kv, options) => {
    const version = options.number('version');
    if (version !== undefined) needVersion2(kv, 'kv get -version');
    let reply;
    try {
      reply = await session.request(
        'read',
        dataPath(kv),
        version === undefined ? {} : { version },
        wrapping({ context, options }),
      );
    } catch (error) {
      if (!(error instanceof RequestError) || error.status !== 404) throw error;
      return version === undefined ? noSecret(context, kv) : noVersion(context, kv, version);
    }
    const wrapped = printWrapped(context, reply, options.text('field'));
    if (wrapped !== null) return wrapped;
    printWarnings(context, reply);
    const data = reply.data ?? {};
    const secret = kv.version === '2' ? data.data : data;
    const field = options.text('field');
    if (field !== undefined)
      return isJsonObject(secret) ? printField(context, secret, field) : noData(context, kv, metadataOf(data));
    if (context.json) {
      printJson(context, wireReply(reply));
      return isJsonObject(secret) ? 0 : 2;
    }
    if (kv.version === '2')
      context.terminal.out(`${title('Secret Path')}${dataPath(kv)}\n\n${title('Metadata')}${keyValues(metadataOf(data))}\n`);
    if (!isJsonObject(secret)) return noData(context, kv, metadataOf(data));
    context.terminal.out(`${title('Data')}${keyValues(secret)}`);
    return 0;
  },
);

function title(text: string): string {
  return `== ${text} ==\n`;
}

function metadataOf(data: JsonObject): JsonObject {
  return isJsonObject(data.metadata) ? data.metadata : {};
}

function writeBody(kv: KvPath, data: JsonObject, version: number | undefined): JsonObject {
  return kv.version === '1' ? data : { data, options: version === undefined ? {} : { cas: version } };
}

async function reportWrite(
  context: CliContext,
  session: Session,
  kv: KvPath,
  operation: 'write' | 'patch',
  body: JsonObject,
): Promise<number> {
  let reply;
  try {
    reply = await session.request(operation, dataPath(kv), body);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    if (error.status === 404)
      return noSecret(context, kv, `kv patch changes a secret that is there. To write one: secretctl kv put ${shownPath(kv)}`);
    throw error.message.startsWith('check-and-set') ? casRefusal(error, kv) : error;
  }
  printWarnings(context, reply);
  if (context.json) printJson(context, wireReply(reply));
  else
    context.terminal.out(
      kv.version === '2'
        ? `${title('Secret Path')}${dataPath(kv)}\n\n${title('Metadata')}${keyValues(reply.data ?? {})}`
        : `Success! Data written to: ${dataPath(kv)}\n`,
    );
  return 0;
}

function casRefusal(error: RequestError, kv: KvPath): RequestError {
  const hint = `Its current version: secretctl kv metadata get ${shownPath(kv)}. Then write with -cas=VERSION.`;
  return new RequestError(error.status, error.errors, { cause: new Fault('request-failed', error.message, { hint }) });
}

export const put = secretCommand(
  {
    path: ['kv', 'put'],
    summary: 'Write a secret, as a new version',
    operands: 'PATH KEY=VALUE…',
    arity: { min: 2, max: 256 },
    description:
      'Writes a secret; on a version 2 mount as a new version that holds exactly these fields. Other users of the machine can see command lines: give secrets with KEY=- or KEY=@FILE.',
    examples: [
      { command: 'secretctl kv put kv/app/db user=app password=-', explanation: 'The password comes from standard input.' },
      { command: 'secretctl kv put kv/app/db @db.json', explanation: 'All fields from a JSON file.' },
    ],
    options: cas,
  },
  async (context, session, kv, options, body) => {
    if (options.number('cas') !== undefined) needVersion2(kv, 'kv put -cas');
    return reportWrite(context, session, kv, 'write', writeBody(kv, body, options.number('cas')));
  },
);

export const patch = secretCommand(
  {
    path: ['kv', 'patch'],
    summary: 'Change some fields of a secret',
    operands: 'PATH KEY=VALUE…',
    arity: { min: 2, max: 256 },
    description:
      'Makes a new version in which the given fields are changed and all others kept. A JSON null (@FILE, -) removes a field.',
    examples: [{ command: 'secretctl kv patch kv/app/db password=@new-password', explanation: 'Change one field.' }],
    options: cas,
  },
  async (context, session, kv, options, body) => {
    needVersion2(kv, 'kv patch');
    return reportWrite(context, session, kv, 'patch', writeBody(kv, body, options.number('cas')));
  },
);

export const list = kvCommand(
  {
    path: ['kv', 'list'],
    summary: 'List the names in a folder',
    ...pathOperand,
    description: 'Lists names; a folder ends in a slash. Exit code 2: there is nothing.',
    examples: [{ command: 'secretctl kv list kv/app', explanation: 'What lies below kv/app.' }],
    options: {},
  },
  async (context, session, kv) => {
    const folder = kv.path === '' ? '' : `${kv.path}/`;
    const names = await session.list(kv.version === '2' ? `${kv.mount}/metadata/${folder}` : `${kv.mount}/${folder}`);
    if (context.json) printJson(context, names);
    else if (names.length > 0)
      context.terminal.out(
        table(
          ['Keys'],
          names.map((name) => [name]),
        ),
      );
    if (names.length > 0) return 0;
    if (!context.json) context.terminal.err(`Nothing is in ${kv.mount}/${folder}\n`);
    return 2;
  },
);

/** A command that does one thing to some versions. */
function versionsCommand(word: 'delete' | 'undelete' | 'destroy', summary: string, description: string): Command {
  return secretCommand(
    {
      path: ['kv', word],
      summary,
      ...pathOperand,
      description,
      examples: [{ command: `secretctl kv ${word} -versions=3,4 kv/app/db`, explanation: 'Two versions by number.' }],
      options: {
        versions: {
          type: 'list',
          value: 'N,…',
          description: word === 'delete' ? 'Which versions (default: the current one).' : 'Which versions.',
        },
      },
    },
    async (context, session, kv, options) => {
      const versions = options
        .list('versions')
        .flatMap((item) => item.split(','))
        .map((item) => {
          if (!/^[1-9]\d*$/.test(item.trim())) throw new Fault('usage', `${JSON.stringify(item)} is not the number of a version`);
          return Number(item);
        });
      if (word !== 'delete' || versions.length > 0) needVersion2(kv, `kv ${word}`);
      if (word !== 'delete' && versions.length === 0)
        throw new Fault('usage', `kv ${word} needs -versions=N,…`, {
          hint: versionsOf(kv),
        });
      if (versions.length === 0) await session.request('delete', dataPath(kv));
      else await session.request('write', `${kv.mount}/${word}/${kv.path}`, { versions });
      context.terminal.out(
        context.json
          ? '{}\n'
          : `Success! ${{ delete: 'Deleted', undelete: 'Restored', destroy: 'Destroyed' }[word]} (if it existed): ${shownPath(kv)}\n`,
      );
      return 0;
    },
  );
}

export const remove = versionsCommand(
  'delete',
  'Delete a secret, or some of its versions',
  'Deletes the current version, or those named; on a version 2 mount they can be restored with kv undelete.',
);
export const undelete = versionsCommand(
  'undelete',
  'Restore deleted versions',
  'Restores versions that were deleted, unless they were destroyed.',
);
export const destroy = versionsCommand(
  'destroy',
  'Destroy versions for good',
  'Removes the data of versions for good. Their metadata stays.',
);

export const rollback = secretCommand(
  {
    path: ['kv', 'rollback'],
    summary: 'Make an older version the current one',
    ...pathOperand,
    description: 'Writes the data of an older version as a new one. Refused where somebody else writes at the same time.',
    examples: [{ command: 'secretctl kv rollback -version=3 kv/app/db', explanation: 'What version 3 said is current again.' }],
    options: { version: { type: 'number', value: 'N', description: 'The version to go back to.' } },
  },
  async (context, session, kv, options) => {
    needVersion2(kv, 'kv rollback');
    const version = options.number('version');
    if (version === undefined || version === 0)
      throw new Fault('usage', 'kv rollback needs -version=N', {
        hint: versionsOf(kv),
      });
    const metadata = await session.read(`${kv.mount}/metadata/${kv.path}`);
    if (metadata === null) return noSecret(context, kv);
    const old = await session.read(dataPath(kv), { version });
    if (!isJsonObject(old?.data))
      throw new Fault('usage', `version ${version} of ${shownPath(kv)} is deleted, destroyed or was never there`);
    return reportWrite(context, session, kv, 'write', writeBody(kv, old.data, Number(metadata.current_version)));
  },
);
