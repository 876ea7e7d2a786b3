import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Fault } from '../base/error.ts';
import { ioCode, ioReason } from '../base/io-reason.ts';
import type { JsonObject } from '../base/json.ts';
import type { Reply } from '../protocol/reply.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { Operation } from '../protocol/request.ts';
import type { Options } from './command.ts';
import type { CliContext, OpenedStore, OpenStore } from './context.ts';
import { readNamedText } from './files.ts';
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
async function openStore(context: CliContext, options: Options, words: readonly string[]): Promise<OpenedStore> {
  return (await context.stores()).open(openOptions(context, options, words));
}

/** How the command line says which store is meant and how it is unsealed. */
export function openOptions(context: CliContext, options: Options, words: readonly string[]): OpenStore {
  const directory = storeDirectory(context, options);
  const sharesFile = options.text('unseal-from');
  const shares = sharesFile === undefined ? null : readShares(context, sharesFile);
  return {
    directory,
    configDirectory: configDirectory(context.env),
    // The words of the command only: operands may hold a secret.
    command: `secretctl ${words.join(' ')}`,
    lockTimeout: (options.number('lock-timeout') ?? 0) * 1000,
    acceptAuditLoss: options.flag('accept-audit-loss'),
    nextShare: shareSource(context, shares, sharesFile ?? ''),
    notify: (message) => context.terminal.err(`${message}\n`),
  };
}

/** The shares come from a file, or from the people at the terminal: a wrong one is asked for again. */
function shareSource(context: CliContext, shares: readonly ShareLine[] | null, path: string): OpenStore['nextShare'] {
  if (shares !== null) {
    let next = 0;
    return ({ refused }) => {
      const last = shares[next - 1];
      if (refused !== null && last !== undefined)
        throw new Fault(
          refused.code,
          `${path}:${last.line}: ${refused.message}`,
          refused.hint === null ? {} : { hint: refused.hint },
        );
      return Promise.resolve(shares[next++]?.share ?? null);
    };
  }
  return async ({ given, threshold, refused }) => {
    const { terminal } = context;
    if (!terminal.interactive) return null;
    if (refused !== null) terminal.err(`That share does not count: ${refused.message}\n`);
    const share = (await terminal.ask(`Share ${given + 1} of ${threshold}: `, { hidden: true })).trim();
    return share === '' ? null : share;
  };
}

interface ShareLine {
  readonly line: number;
  readonly share: string;
}

/** The shares of a file that only its owner can read. Throws Fault `seal-key-permissions` or `file`. */
function readShares(context: CliContext, path: string): readonly ShareLine[] {
  const text = readNamedText(context, path, 'the file of -unseal-from');
  if ((statSync(resolve(context.cwd, path)).mode & 0o077) !== 0)
    throw new Fault('seal-key-permissions', `others can read the shares in ${path}`, { hint: `Run: chmod 600 ${path}` });
  return text
    .split('\n')
    .map((line, index) => ({ line: index + 1, share: line.trim() }))
    .filter(({ share }) => share !== '' && !share.startsWith('#'));
}

function sessionOf(context: CliContext, store: OpenedStore): Session {
  const caller = callerToken(context, store.storeId);
  const request: Session['request'] = async (operation, path, data = {}) => {
    try {
      return await store.handle({ operation, path, data, token: caller.token });
    } catch (error) {
      throw isDenied(error) ? denied(error, operation, path, caller) : error;
    }
  };
  const orNull = async (reply: Promise<Reply>): Promise<JsonObject | null> => {
    try {
      return (await reply).data ?? null;
    } catch (error) {
      if (error instanceof RequestError && error.status === 404) return null;
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

function isDenied(error: unknown): error is RequestError {
  return error instanceof RequestError && error.status === 403 && /(^|: )permission denied$/.test(error.message);
}

/** The refusal says what was asked for and with which token: the two things to look at next. */
function denied(error: RequestError, operation: Operation, path: string, { origin }: CallerToken): RequestError {
  // What the command line asks for its own sake says nothing to a person; an apply names the request itself.
  const asked = !path.startsWith('sys/internal/') && error.message === 'permission denied';
  const message = asked ? `permission denied: ${operation} ${path}` : error.message;
  const capabilities = asked ? `, secretctl token capabilities ${path}` : '';
  const hint = `The token of ${origin} is unknown, expired or used up, or its policies do not allow this. See: secretctl token lookup${capabilities}`;
  return new RequestError(403, message, { cause: new Fault('request-failed', message, { hint }) });
}

interface CallerToken {
  readonly token: string;
  /** Where it comes from, for messages: `VAULT_TOKEN`, or a file. */
  readonly origin: string;
}

/** `VAULT_TOKEN`, else the token file of the store. Throws Fault `token-missing` or `token-permissions`. */
function callerToken(context: CliContext, storeId: string): CallerToken {
  const given = context.env.VAULT_TOKEN?.trim() ?? '';
  if (given !== '') return wellFormed(given, 'VAULT_TOKEN');
  const path = join(configDirectory(context.env), `${storeId}.token`);
  const text = tokenText(path);
  if (text === null || text === '') {
    throw new Fault('token-missing', 'there is no token to work with', {
      hint: `Set VAULT_TOKEN, or keep one in ${path} (mode 0600): the root token that init wrote there, or one from: secretctl token create`,
    });
  }
  return wellFormed(text, path);
}

function tokenText(path: string): string | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (ioCode(error) === 'ENOENT') return null;
    throw new Fault('token-missing', `the token file ${path} can't be read: ${ioReason(error)}`);
  }
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new Fault('token-permissions', `others can read the token in ${path}`, {
      hint: `Run: chmod 600 ${path}   If others may have read it, make a new token and revoke this one.`,
    });
  }
  return text;
}

function wellFormed(token: string, origin: string): CallerToken {
  if (!/^[\x21-\x7e]{1,4096}$/.test(token))
    throw new Fault('token-missing', `${origin} holds no token: a token is one word without spaces and line breaks`);
  return { token, origin };
}
