import { Fault } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import type { Client } from '../client/client.ts';
import { listensOn } from '../client/probe.ts';
import type { Setting } from '../client/variable.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Operation } from '../protocol/request.ts';
import type { Options } from './command.ts';
import type { CliContext, OpenedStore, OpenStore } from './context.ts';
import { shareSource } from './shares.ts';
import { connectionFlags, targetOf } from './target.ts';
import { configDirectory, isStoreNamed, storeDirectory } from './workspace.ts';

/** One request, as every target takes it. */
export interface TargetRequest {
  readonly operation: Operation;
  readonly path: string;
  readonly data: JsonObject;
  /** Null: none. */
  readonly token: string | null;
  /** Seconds; null: the reply is not wrapped. */
  readonly wrapTtl: number | null;
  /** It may take minutes. */
  readonly long: boolean;
  /** What is the path for? A read of nothing else. */
  readonly help: boolean;
}

/** What answers the requests of a command. */
export interface Connection {
  /** For messages: an address; null: the store that this command has opened itself. */
  readonly address: string | null;
  /** The store's id, by which its tokens are kept; null: a server by address, whose store need not be known. */
  readonly storeId: string | null;
  /** Null: a server owns the store, and everything is a request. */
  readonly store: OpenedStore | null;
  /** Null: there is no server. */
  readonly client: Client | null;
  handle(request: TargetRequest): Promise<Reply>;
  /** Gives up what others may wait for, to be taken back by `resume`: nobody works with it meanwhile. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Reaches what the command line means: a server by address, the server that owns the store of a directory through its
 * socket, or that store itself. Throws Fault.
 */
export async function connect(context: CliContext, options: Options, words: readonly string[]): Promise<Connection> {
  const server = await reachServer(context, options);
  if (server !== null) return server;
  const stores = await context.stores();
  const opening = openOptions(context, options, words);
  try {
    const opened = await stores.open(opening);
    return storeConnection(opened, () => stores.open(opening));
  } catch (error) {
    // A server that starts owns its store before it listens.
    const started = error instanceof Fault && error.code === 'store-locked' ? await reachServer(context, options) : null;
    if (started === null) throw error;
    return started;
  }
}

/** The server that the command line means, by its address or as the owner of a store; null: no server owns that store. */
export async function reachServer(context: CliContext, options: Options): Promise<Connection | null> {
  const target = targetOf(context, options);
  if (target.kind === 'server') return serverConnection(context, options, target.address, null);
  const { storeId, socketPath } = await (await context.stores()).locate(storeDirectory(context, options));
  // Whoever only changes into a directory has not decided to trust whose it is.
  const owner = isStoreNamed(context, options) ? null : (process.geteuid?.() ?? null);
  if (!(await listensOn(socketPath, owner))) return null;
  return serverConnection(context, options, { value: `unix://${socketPath}`, origin: socketOrigin }, storeId ?? '');
}

const socketOrigin = 'the socket of the server';

/** How the command line says which store of this machine is meant, and how it is unsealed. */
export function openOptions(context: CliContext, options: Options, words: readonly string[]): OpenStore {
  return {
    directory: storeDirectory(context, options),
    configDirectory: configDirectory(context.env),
    // The words of the command only: operands may hold a secret.
    command: `secretctl ${words.join(' ')}`,
    lockTimeout: (options.number('lock-timeout') ?? 0) * 1000,
    acceptAuditLoss: options.flag('accept-audit-loss'),
    nextShare: shareSource(context, options.text('unseal-from')),
    notify: (message) => context.terminal.err(`${message}\n`),
  };
}

/** A client of the server at an address, as the command line says how to reach it. Loaded where there is a server. */
async function clientOf(context: CliContext, options: Options, address: Setting): Promise<Client> {
  const [{ Client }, { clientSettings }] = await Promise.all([import('../client/client.ts'), import('../client/settings.ts')]);
  // A namespace is asked of servers by address; the one beside the store is ours.
  const env = address.origin === socketOrigin ? {} : context.env;
  const { clock, random, sleep, interrupted, cwd } = context;
  return new Client(clientSettings(env, address, connectionFlags(options), cwd), { clock, random, sleep, interrupted });
}

async function serverConnection(
  context: CliContext,
  options: Options,
  address: Setting,
  storeId: string | null,
): Promise<Connection> {
  const client = await clientOf(context, options, address);
  return {
    address: client.address,
    storeId,
    store: null,
    client,
    handle: ({ help, data, ...request }) => client.request({ ...request, data: help ? { help: 1 } : data }),
    pause: async () => {},
    resume: async () => {},
    close: async () => client.close(),
  };
}

function storeConnection(first: OpenedStore, reopen: () => Promise<OpenedStore>): Connection {
  let open: OpenedStore | null = first;
  const store = (): OpenedStore => {
    if (open === null) throw new Error('the store is closed');
    return open;
  };
  const pause = async (): Promise<void> => {
    const closing = open;
    open = null;
    await closing?.close();
  };
  return {
    address: null,
    storeId: first.storeId,
    get store() {
      return store();
    },
    client: null,
    handle: ({ operation, path, data, token, wrapTtl, help }) =>
      store().handle({ operation, path, data, token, wrapTtl, ...(help ? { help } : {}) }),
    pause,
    async resume() {
      open = await reopen();
    },
    close: pause,
  };
}
