import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Fault } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Operation } from '../protocol/request.ts';
import type { Options } from './command.ts';
import type { CliContext, OpenedStore, OpenStore } from './context.ts';
import { configDirectory, storeDirectory } from './workspace.ts';

/** An open store with the caller's token: what most commands work with. */
export interface Session {
  readonly storeId: string;
  readonly store: OpenedStore;
  /** Sends one request. Throws RequestError where it is refused. */
  request(operation: Operation, path: string, data?: JsonObject): Promise<Reply>;
  /** The data of a read, or null where there is nothing (404). */
  read(path: string, data?: JsonObject): Promise<JsonObject | null>;
  /** The names of a list; empty where there is nothing. */
  list(path: string): Promise<readonly string[]>;
}

/** Opens the store of the command line, runs `work` and closes it, also when `work` throws. */
export async function withSession<T>(
  context: CliContext,
  options: Options,
  words: readonly string[],
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const store = await openStore(context, options, words);
  try {
    return await work(sessionOf(context, store));
  } finally {
    await store.close();
  }
}

/** As `withSession`, for commands that need no token. */
export async function openStore(context: CliContext, options: Options, words: readonly string[]): Promise<OpenedStore> {
  return (await context.stores()).open(openOptions(context, options, words));
}

/** How the command line says which store is meant and how it is unsealed. */
export function openOptions(context: CliContext, options: Options, words: readonly string[]): OpenStore {
  const directory = storeDirectory(context, options);
  const shares =
    options.text('unseal-from') === undefined ? null : readShares(resolve(context.cwd, options.text('unseal-from') ?? ''));
  return {
    directory,
    configDirectory: configDirectory(context.env),
    // The words of the command only: operands may hold a secret.
    command: `secretctl ${words.join(' ')}`,
    lockTimeout: (options.number('lock-timeout') ?? 0) * 1000,
    acceptAuditLoss: options.flag('accept-audit-loss'),
    nextShare: shareSource(context, shares),
    notify: (message) => context.terminal.err(`${message}\n`),
  };
}

function shareSource(context: CliContext, shares: readonly string[] | null): OpenStore['nextShare'] {
  if (shares !== null) return ({ given }) => Promise.resolve(shares[given] ?? null);
  return async ({ given, threshold }) => {
    if (!context.terminal.interactive) return null;
    return (await context.terminal.ask(`Share ${given + 1} of ${threshold}: `, { hidden: true })).trim();
  };
}

/** The shares of a file that only its owner can read. Throws Fault `seal-key-permissions` or `file`. */
function readShares(path: string): readonly string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) throw new Fault('file', `there is no file ${path} to read shares from`);
  if ((stat.mode & 0o077) !== 0) {
    throw new Fault('seal-key-permissions', `others can read the shares in ${path}`, { hint: `Run: chmod 600 ${path}` });
  }
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function sessionOf(context: CliContext, store: OpenedStore): Session {
  const token = callerToken(context, store.storeId);
  const request: Session['request'] = (operation, path, data = {}) => store.handle({ operation, path, data, token });
  const orNull = async (reply: Promise<Reply>): Promise<JsonObject | null> => {
    try {
      return (await reply).data ?? null;
    } catch (error) {
      if ((error as { status?: number }).status === 404) return null;
      throw error;
    }
  };
  return {
    storeId: store.storeId,
    store,
    request,
    read: (path, data) => orNull(request('read', path, data)),
    async list(path) {
      const data = await orNull(request('list', path));
      return Array.isArray(data?.keys) ? (data.keys as readonly string[]) : [];
    },
  };
}

/** `VAULT_TOKEN`, else the token file of the store. Throws Fault `token-missing`. */
function callerToken(context: CliContext, storeId: string): string {
  const given = context.env.VAULT_TOKEN;
  if (given !== undefined && given !== '') return given;
  const path = join(configDirectory(context.env), `${storeId}.token`);
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    throw new Fault('token-missing', 'there is no token to work with', {
      hint: `Set VAULT_TOKEN, or keep one in ${path} (mode 0600): the root token that init wrote there, or one from: secretctl token create`,
    });
  }
}
