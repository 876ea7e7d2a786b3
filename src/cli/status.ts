import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { type Command, targetOptions } from './command.ts';
import { type Connection, reachServer } from './connection.ts';
import type { CliContext } from './context.ts';
import { keyValues, plain, printJson, table } from './output.ts';
import { type Session, sessionOf } from './session.ts';
import { storeStatus } from './store-status.ts';

export const status: Command = {
  path: ['status'],
  summary: 'Show whether a store is sealed, and what its server does',
  operands: '',
  arity: { min: 0, max: 0 },
  description:
    'Shows the seal of a server, its background tasks (to a token that may read sys/reconciler) and who holds the apply lock (sys/managed/lock). ' +
    'For a store that no server owns, its seal and keys. The seal is shown to everybody.\n' +
    'Exit codes: 0 unsealed, 2 sealed or not initialized, 1 an error.',
  examples: [
    { command: 'secretctl status', explanation: 'The store of this workspace, or its server.' },
    { command: 'secretctl status -address=https://secrets.example.com:8200', explanation: 'A server.' },
  ],
  options: targetOptions,
  async run(context, _operands, options) {
    const server = await reachServer(context, options);
    if (server === null) return storeStatus(context, options, ['status']);
    try {
      return await serverStatus(context, server);
    } finally {
      await server.close();
    }
  },
};

async function serverStatus(context: CliContext, connection: Connection): Promise<number> {
  const seal = await bareObject(connection, 'sys/seal-status');
  const sealed = seal.sealed !== false;
  const known = sealed ? nothingKnown : await forToken(sessionOf(context, connection));
  const shown: JsonObject = { ...seal, address: connection.address };
  if (context.json) printJson(context, { ...shown, ...known });
  else {
    context.terminal.out(sealText(shown));
    if (seal.initialized === false)
      context.terminal.err(
        'The server is not initialized: it has no keys and no store yet. To make them: secretctl operator init\n',
      );
    if (known.apply_lock !== null) context.terminal.out(`\n== Apply lock ==\n${keyValues(known.apply_lock)}`);
    if (known.reconciler !== null) {
      context.terminal.out(`\n== Background tasks ==\n${tasks(known.reconciler)}`);
      const failing = troubles(known.reconciler);
      if (failing !== null) context.terminal.out(`\n== What fails ==\n${failing}`);
    }
    const unended = unendedLeases(known.failing_leases);
    if (unended !== null) context.terminal.out(`\n== Leases that could not be ended ==\n${unended}`);
  }
  return sealed ? 2 : 0;
}

async function bareObject(connection: Connection, path: string): Promise<JsonObject> {
  const reply = await connection.handle({
    operation: 'read',
    path,
    data: {},
    token: null,
    wrapTtl: null,
    long: false,
    help: false,
  });
  return isJsonObject(reply.json) ? reply.json : (reply.data ?? {});
}

interface Known {
  readonly apply_lock: JsonObject | null;
  readonly reconciler: JsonObject | null;
  /** How many leases could not be ended, by mount. */
  readonly failing_leases: JsonObject | null;
}

const nothingKnown: Known = { apply_lock: null, reconciler: null, failing_leases: null };

/** What is shown to a token, where there is one and it may see it: the rest of a status needs none. */
async function forToken(session: Session): Promise<Known> {
  const shown = (path: string, data: JsonObject = {}) =>
    session.request('read', path, data).then(
      (reply) => reply.data ?? null,
      () => null,
    );
  return {
    apply_lock: await shown('sys/managed/lock'),
    reconciler: await shown('sys/reconciler'),
    failing_leases: await shown('sys/leases/count', { type: 'failing' }),
  };
}

const sealRows: readonly (readonly [string, string])[] = [
  ['address', 'Address'],
  ['type', 'Seal Type'],
  ['initialized', 'Initialized'],
  ['sealed', 'Sealed'],
  ['n', 'Total Shares'],
  ['t', 'Threshold'],
  ['progress', 'Unseal Progress'],
  ['nonce', 'Unseal Nonce'],
  ['version', 'Version'],
  ['storage_type', 'Storage Type'],
  ['cluster_name', 'Cluster Name'],
  ['cluster_id', 'Cluster ID'],
  ['warnings', 'Warnings'],
];

/** The seal in the words that the clients of the Vault API use, in their order. */
export function sealText(seal: JsonObject): string {
  const sealed = seal.sealed !== false;
  const rows = sealRows.flatMap(([name, title]) => {
    const value = seal[name];
    if (value === undefined || value === '') return [];
    if ((name === 'progress' || name === 'nonce') && !(sealed && Number(seal.n) > 0)) return [];
    return [[title, name === 'progress' ? `${String(value)}/${String(seal.t)}` : plain(value)]];
  });
  return table(['Key', 'Value'], rows);
}

const text = (value: Json | undefined): string => (value === null || value === undefined ? '-' : String(value));

/** Each task as an object, with its name. */
function tasksOf({ controllers }: JsonObject): readonly (readonly [string, JsonObject])[] {
  return Object.entries(isJsonObject(controllers) ? controllers : {}).map(([name, task]) => [
    name,
    isJsonObject(task) ? task : {},
  ]);
}

function tasks(reconciler: JsonObject): string {
  const { state, reason } = reconciler;
  const stopped = state === 'stopped' ? `Stopped: ${String(reason)}\n` : '';
  const rows = tasksOf(reconciler).map(([name, task]) => [
    name,
    text(task.queue_depth),
    text(task.failing),
    text(task.last_success),
    text(task.next_run),
  ]);
  return stopped + table(['Task', 'Waiting', 'Failing', 'Last success', 'Next run'], rows);
}

/** What the tasks can't do now, and why; null: nothing of the kind. */
function troubles(reconciler: JsonObject): string | null {
  const rows = tasksOf(reconciler).flatMap(([name, task]) =>
    (Array.isArray(task.troubles) ? (task.troubles as readonly Json[]) : []).map((trouble) => {
      const { of, since, error } = isJsonObject(trouble) ? trouble : {};
      return [name, text(of), text(since), text(error)];
    }),
  );
  return rows.length === 0 ? null : table(['Task', 'What', 'Since', 'Error'], rows);
}

/** Null: all could be ended. */
function unendedLeases(failing: JsonObject | null): string | null {
  const counts = isJsonObject(failing?.counts) ? failing.counts : {};
  const rows = Object.entries(counts).map(([mount, count]) => [mount, text(count)]);
  if (rows.length === 0) return null;
  return `${table(['Mount', 'Leases'], rows)}Why, and when each is tried again: secretctl lease list -failing\n`;
}
