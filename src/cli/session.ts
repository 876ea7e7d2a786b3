import { Fault } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import type { FoundToken } from '../client/token-file.ts';
import type { Reply } from '../protocol/reply.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { Operation } from '../protocol/request.ts';
import { callerToken } from './caller-token.ts';
import type { Options } from './command.ts';
import { connect, type Connection, type TargetRequest } from './connection.ts';
import type { CliContext } from './context.ts';

/** How a request is sent, where it is not as most are. */
interface RequestOptions extends Partial<Pick<TargetRequest, 'wrapTtl' | 'long' | 'token' | 'help'>> {
  /** True: the caller's token is sent where there is one, and none where there is none. */
  readonly tokenIfAny?: boolean;
}

/** A target with the caller's token: what most commands work with, wherever the store is. */
export interface Session {
  readonly connection: Connection;
  /** Sends one request with the caller's token, unless `more` says another or none (null). Throws RequestError where it is refused. */
  request(operation: Operation, path: string, data?: JsonObject, more?: RequestOptions): Promise<Reply>;
  /** The data of a read, or null where there is nothing (404). */
  read(path: string, data?: JsonObject): Promise<JsonObject | null>;
  /** The names of a list; empty where there is nothing. */
  list(path: string): Promise<readonly string[]>;
  /** The caller's token. Throws Fault `token-missing`. */
  token(): Promise<FoundToken>;
  /** Does what may take a person's time: meanwhile the store is free for others. */
  apart<T>(work: () => Promise<T>): Promise<T>;
}

/** Reaches what the command line means, runs `work` and lets go of it, also when `work` throws. */
export async function withSession<T>(
  context: CliContext,
  options: Options,
  words: readonly string[],
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const connection = await connect(context, options, words);
  try {
    return await work(sessionOf(context, connection));
  } finally {
    await connection.close();
  }
}

/** The caller's session on a connection. */
export function sessionOf(context: CliContext, connection: Connection): Session {
  let found: Promise<FoundToken> | null = null;
  const token = (): Promise<FoundToken> => (found ??= callerToken(context, connection.storeId));
  const tokenIfAny = async (): Promise<FoundToken | null> => {
    try {
      return await token();
    } catch (error) {
      if (error instanceof Fault && error.code === 'token-missing') return null;
      throw error;
    }
  };
  const request: Session['request'] = async (operation, path, data = {}, more = {}) => {
    const own = more.token === undefined ? await (more.tokenIfAny === true ? tokenIfAny() : token()) : null;
    try {
      return await connection.handle({
        operation,
        path,
        data,
        token: own?.token ?? more.token ?? null,
        wrapTtl: more.wrapTtl ?? null,
        long: more.long ?? false,
        help: more.help ?? false,
      });
    } catch (error) {
      throw own !== null && isDenied(error) ? denied(error, operation, path, own, connection.address) : error;
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
    connection,
    token,
    request,
    read: (path, data) => orNull(request('read', path, data)),
    async list(path) {
      const data = await orNull(request('list', path));
      return Array.isArray(data?.keys) ? (data.keys as readonly string[]) : [];
    },
    async apart(work) {
      await connection.pause();
      let done;
      try {
        done = await work();
      } catch (error) {
        // Whoever holds something in the store gives it back; where that is not possible now, it expires.
        await connection.resume().catch(() => undefined);
        throw error;
      }
      await connection.resume();
      return done;
    },
  };
}

function isDenied(error: unknown): error is RequestError {
  return error instanceof RequestError && error.status === 403 && /(^|: )permission denied$/.test(error.message);
}

/** The refusal says what was asked for, where, and with which token: the things to look at next. */
function denied(
  error: RequestError,
  operation: Operation,
  path: string,
  { origin }: FoundToken,
  address: string | null,
): RequestError {
  // What the command line asks for its own sake says nothing to a person; an apply names the request itself.
  const asked = !path.startsWith('sys/internal/') && error.message === 'permission denied';
  const where = address === null ? '' : ` at ${address}`;
  const message = `${asked ? `permission denied: ${operation} ${path}` : error.message}${where}`;
  const capabilities = asked ? `, secretctl token capabilities ${path}` : '';
  const hint = `The token of ${origin} is unknown, expired or used up, or its policies do not allow this. See: secretctl token lookup${capabilities}`;
  return new RequestError(403, message, { cause: new Fault('request-failed', message, { hint }) });
}
