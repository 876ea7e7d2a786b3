import { Fault } from '../base/error.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { RequestError } from '../protocol/request-error.ts';
import { readBody } from './body.ts';
import { type Command, type Option, type Options, storeOptions } from './command.ts';
import type { CliContext } from './context.ts';
import { type KvPath, needVersion2, resolveKv } from './kv-mount.ts';
import { keyValues, printField, printJson, table, wireReply } from './output.ts';
import { type Session, withSession } from './session.ts';

const mount: Record<string, Option> = {
  mount: { type: 'text', value: 'PATH', description: 'The mount, where the operand is the path inside it only.' },
};
const cas: Record<string, Option> = {
  cas: {
    type: 'number',
    value: 'VERSION',
    description: 'Write only if this is the current version; 0: only if the secret does not exist.',
  },
};

type Work = (context: CliContext, session: Session, kv: KvPath, options: Options, rest: readonly string[]) => Promise<number>;

/** A command on one path of a kv mount. */
function kvCommand(command: Omit<Command, 'run'>, work: Work): Command {
  return {
    ...command,
    options: { ...command.options, ...mount, ...storeOptions },
    run: (context, [path = '', ...rest], options) =>
      withSession(context, options, command.path, async (session) =>
        work(context, session, await resolveKv(session, path, options.text('mount')), options, rest),
      ),
  };
}

const pathOperand = { operands: 'PATH', arity: { min: 1, max: 1 } };
const dataPath = (kv: KvPath): string => (kv.version === '2' ? `${kv.mount}/data/${kv.path}` : `${kv.mount}/${kv.path}`);

function nothingAt(context: CliContext, kv: KvPath): number {
  context.terminal.err(`No value found at ${dataPath(kv)}\n`);
  return 2;
}

export const get = kvCommand(
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
    },
  },
  async (context, session, kv, options) => {
    const version = options.number('version');
    if (version !== undefined) needVersion2(kv, 'kv get -version');
    let reply;
    try {
      reply = await session.request('read', dataPath(kv), version === undefined ? {} : { version });
    } catch (error) {
      if (error instanceof RequestError && error.status === 404) return nothingAt(context, kv);
      throw error;
    }
    const data = reply.data ?? {};
    const secret = kv.version === '2' ? data.data : data;
    const field = options.text('field');
    if (field !== undefined) return isJsonObject(secret) ? printField(context, secret, field) : nothingAt(context, kv);
    if (context.json) printJson(context, wireReply(reply));
    else {
      if (kv.version === '2')
        context.terminal.out(`${title('Secret Path')}${dataPath(kv)}\n\n${title('Metadata')}${keyValues(metadataOf(data))}\n`);
      if (isJsonObject(secret)) context.terminal.out(`${title('Data')}${keyValues(secret)}`);
    }
    return isJsonObject(secret) ? 0 : 2;
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
  const reply = await session.request(operation, dataPath(kv), body);
  if (context.json) printJson(context, wireReply(reply));
  else
    context.terminal.out(
      kv.version === '2'
        ? `${title('Secret Path')}${dataPath(kv)}\n\n${title('Metadata')}${keyValues(reply.data ?? {})}`
        : `Success! Data written to: ${dataPath(kv)}\n`,
    );
  return 0;
}

export const put = kvCommand(
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
  async (context, session, kv, options, rest) => {
    if (options.number('cas') !== undefined) needVersion2(kv, 'kv put -cas');
    return reportWrite(context, session, kv, 'write', writeBody(kv, await readBody(context, rest), options.number('cas')));
  },
);

export const patch = kvCommand(
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
  async (context, session, kv, options, rest) => {
    needVersion2(kv, 'kv patch');
    return reportWrite(context, session, kv, 'patch', writeBody(kv, await readBody(context, rest), options.number('cas')));
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
    if (!context.json) context.terminal.err(`No value found at ${kv.mount}/${folder}\n`);
    return 2;
  },
);

/** A command that does one thing to some versions. */
function versionsCommand(word: 'delete' | 'undelete' | 'destroy', summary: string, description: string): Command {
  return kvCommand(
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
      if (word !== 'delete' && versions.length === 0) throw new Fault('usage', `kv ${word} needs -versions=N,…`);
      if (versions.length === 0) await session.request('delete', dataPath(kv));
      else await session.request('write', `${kv.mount}/${word}/${kv.path}`, { versions });
      context.terminal.out(
        context.json
          ? '{}\n'
          : `Success! ${{ delete: 'Deleted', undelete: 'Restored', destroy: 'Destroyed' }[word]}: ${kv.mount}/${kv.path}\n`,
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

export const rollback = kvCommand(
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
    if (version === undefined) throw new Fault('usage', 'kv rollback needs -version=N');
    const metadata = await session.read(`${kv.mount}/metadata/${kv.path}`);
    if (metadata === null) return nothingAt(context, kv);
    const old = await session.read(dataPath(kv), { version });
    if (!isJsonObject(old?.data))
      throw new Fault('usage', `version ${version} of ${kv.mount}/${kv.path} is deleted, destroyed or was never there`);
    return reportWrite(context, session, kv, 'write', writeBody(kv, old.data, Number(metadata.current_version)));
  },
);
