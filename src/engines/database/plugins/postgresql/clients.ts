import pg from 'pg';
import { TargetUnavailable } from '../../../../core/lease.ts';
import type { ConnectionFields } from '../plugin.ts';
import { failureOf } from './failure.ts';
import { clientSettings } from './settings.ts';

/** What runs statements: a client of the pool. */
export type Client = Pick<pg.ClientBase, 'query'>;

/** The clients of a connection: a pool of them, made as they are needed. */
export class Clients {
  readonly #connection: ConnectionFields;
  #pool: pg.Pool | null = null;
  /** Clients of the pool that have been used before. */
  readonly #used = new WeakSet<pg.PoolClient>();
  /** Clients of the pool to which the server has not answered yet. */
  readonly #connecting = new Set<pg.Client>();

  constructor(connection: ConnectionFields) {
    this.#connection = connection;
  }

  /**
   * Works with one of them; what comes first in `work` must change nothing, since it may be asked again. `doing` begins the
   * message of a failure, in which none of `secrets` is quoted. Throws RequestError.
   */
  async use<T>(signal: AbortSignal, doing: string, secrets: readonly string[], work: (client: Client) => Promise<T>): Promise<T> {
    for (;;) {
      let client: pg.PoolClient | null = null;
      let isUsed = false;
      let failed = true;
      const answers = { any: false };
      try {
        client = await taken(this.#open(), signal);
        isUsed = this.#used.has(client);
        this.#used.add(client);
        const own = client;
        const result = await untilAborted(own, signal, () => work(heard(own, answers)));
        failed = false;
        return result;
      } catch (error) {
        const failure = failureOf(error, doing, [...secrets, this.#connection.password]);
        // One that was cut while nobody used it: what comes first changes nothing, so it is asked again over another.
        const isStale = failure instanceof TargetUnavailable && isUsed && !answers.any && !signal.aborted;
        if (!isStale) throw failure;
      } finally {
        // Nobody knows in which state a failed one is.
        client?.release(failed);
      }
    }
  }

  /** Works in another database of the same server, over a client of its own. */
  async useIn<T>(database: string, signal: AbortSignal, doing: string, work: (client: Client) => Promise<T>): Promise<T> {
    const client = newClient(clientSettings(this.#connection, database));
    try {
      return await untilAborted(client, signal, async () => {
        await client.connect();
        return work(client);
      });
    } catch (error) {
      throw failureOf(error, doing, [this.#connection.password]);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = null;
    // The end of a pool waits for those that connect, which may take as long as a server says nothing.
    for (const client of this.#connecting) cut(client);
    await pool?.end();
  }

  #open(): pg.Pool {
    if (this.#pool !== null) return this.#pool;
    const { maxOpen, maxIdle, maxLifetime } = this.#connection;
    const connecting = this.#connecting;
    this.#pool = new pg.Pool({
      ...clientSettings(this.#connection),
      Client: class extends pg.Client {
        constructor(settings?: pg.ClientConfig) {
          super(settings);
          connecting.add(this);
          const over = () => connecting.delete(this);
          this.once('connect', over);
          this.once('end', over);
        }
      },
      max: maxOpen,
      min: 0,
      idleTimeoutMillis: maxIdle > 0 ? 60_000 : 1,
      ...(maxLifetime > 0 ? { maxLifetimeSeconds: maxLifetime } : {}),
      allowExitOnIdle: true,
    });
    // One that fails while nobody uses it is no news: the next request makes another.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', heedNoEnd);
    return this.#pool;
  }
}

/** A client, of which it is known whether it has answered anything. */
function heard(client: pg.ClientBase, answers: { any: boolean }): Client {
  const ask = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
  const query = async (...args: unknown[]): Promise<unknown> => {
    const result = await ask(...args);
    answers.any = true;
    return result;
  };
  return { query: query as unknown as pg.ClientBase['query'] };
}

export function newClient(settings: pg.ClientConfig): pg.Client {
  const client = new pg.Client(settings);
  heedNoEnd(client);
  return client;
}

/** A connection that ends is told by the query under way or the next one; an `error` without a listener ends the process. */
function heedNoEnd(client: pg.ClientBase): void {
  client.on('error', () => undefined);
}

/** A client of the pool, or an error where the time is over: then whoever connects too late is sent away. */
async function taken(pool: pg.Pool, signal: AbortSignal): Promise<pg.PoolClient> {
  signal.throwIfAborted();
  const connecting = pool.connect();
  let abort: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    abort = () => {
      reject(new Error(noAnswer));
      connecting.then((client) => client.release(true)).catch(() => undefined);
    };
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([connecting, late]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

const noAnswer = 'it did not answer in time';

function cut(client: pg.ClientBase): void {
  const { stream } = (client as unknown as { readonly connection: { readonly stream: { destroy(error: Error): void } } })
    .connection;
  stream.destroy(new Error(noAnswer));
}

/** Ends the connection where the time is over: what waits for an answer then fails. */
export async function untilAborted<T>(client: pg.ClientBase, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const abort = (): void => cut(client);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
