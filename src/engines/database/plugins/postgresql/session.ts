import pg from 'pg';
import { TargetUnavailable } from '../../../../core/lease.ts';
import { badRequest } from '../../../../protocol/request-error.ts';
import { fillIn, type SqlDialect } from '../../statement.ts';
import type { ConnectionFields, DatabaseSession, NewUser, RevokedUser } from '../plugin.ts';
import { failureOf } from './failure.ts';
import { revokeUser } from './revocation.ts';
import { scramVerifier } from './scram-verifier.ts';
import { clientSettings } from './settings.ts';

const dialect: SqlDialect = { nameQuote: '"', backslash: false, dollar: true, comments: 'standard' };

/** What runs statements: a client of the pool. */
export type Client = Pick<pg.ClientBase, 'query'>;

/** PostgreSQL under one connection: a pool of clients that are made as they are needed. */
export class PostgresqlSession implements DatabaseSession {
  readonly #connection: ConnectionFields;
  #pool: pg.Pool | null = null;
  /** Clients of the pool that have been used before. */
  readonly #used = new WeakSet<pg.PoolClient>();
  /** Clients of the pool to which the server has not answered yet. */
  readonly #connecting = new Set<pg.Client>();

  constructor(connection: ConnectionFields) {
    this.#connection = connection;
  }

  async verify(signal: AbortSignal): Promise<void> {
    await this.#with(signal, 'the database cannot be used', [], async (client) => {
      await client.query('SELECT 1');
    });
  }

  async create(user: NewUser, signal: AbortSignal): Promise<void> {
    const statements = this.#creation(user);
    await this.#with(signal, 'creating the user', [user.password], async (client) => {
      try {
        await inTransaction(client, user.name, 'COMMIT', statements);
      } catch (error) {
        // A statement may have ended the transaction that was to undo it.
        const undo = fillAll(user.rollback, { name: user.name, username: user.name });
        if (undo.length > 0) await inTransaction(client, user.name, 'COMMIT', undo).catch(() => undefined);
        throw error;
      }
    });
  }

  async tryCreation(user: NewUser, signal: AbortSignal): Promise<void> {
    const statements = this.#creation(user);
    await this.#with(signal, 'creating a user', [user.password], (client) =>
      inTransaction(client, user.name, 'ROLLBACK', statements),
    );
  }

  async renew(
    { name, expiration, renewal }: { readonly name: string; readonly expiration: number; readonly renewal: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    const statements = renewal.length === 0 ? [`ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'`] : renewal;
    const filled = fillAll(statements, { name, username: name, expiration: timestamp(expiration) });
    await this.#with(signal, 'renewing the user', [], (client) => inTransaction(client, name, 'COMMIT', filled));
  }

  async revoke(user: RevokedUser, signal: AbortSignal): Promise<void> {
    const statements = fillAll(user.revocation, { name: user.name, username: user.name });
    const elsewhere = (database: string, work: (client: Client) => Promise<void>): Promise<void> =>
      this.#in(database, signal, `revoking the user in database "${database}"`, work);
    await this.#with(signal, 'revoking the user', [], async (client) => {
      // What is still making the user holds this, on behalf of a request that nobody waits for any more.
      if (user.pending) await endHolder(client, user.name).catch(() => undefined);
      await client.query('SELECT pg_advisory_lock($1, $2)', lockOf(user.name));
      try {
        if (!(await isThere(client, user.name))) return;
        try {
          for (const statement of statements) await client.query(statement);
        } catch (error) {
          if (!user.pending) throw error;
        }
        // Statements that undo a making need not know how far it came.
        if (statements.length > 0 && !(user.pending && (await isThere(client, user.name)))) return;
        await revokeUser(client, user, elsewhere);
      } finally {
        await client.query('SELECT pg_advisory_unlock($1, $2)', lockOf(user.name));
      }
    });
  }

  async setPassword(
    { name, password, rotation }: { readonly name: string; readonly password: string; readonly rotation: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    const verifier = scramVerifier(password);
    await this.#with(signal, `setting the password of ${name}`, [password, verifier], async (client) => {
      // Where the statement is ours, the server and its logs never see the password.
      const ours = rotation.length === 0;
      const told = ours && (await takesVerifiers(client)) ? verifier : this.#told(password);
      const statements = ours ? [`ALTER ROLE "{{name}}" WITH PASSWORD '{{password}}'`] : rotation;
      await inTransaction(client, name, 'COMMIT', fillAll(statements, { name, username: name, password: told }));
    });
  }

  async letsIn(name: string, password: string, signal: AbortSignal): Promise<boolean> {
    const client = newClient({ ...clientSettings(this.#connection), user: name, password });
    try {
      await untilAborted(client, signal, () => client.connect());
      return true;
    } catch (error) {
      const { code, routine } = error as { readonly code?: string; readonly routine?: string };
      // Known, but without the right to use this database.
      if (code === '42501' || code === '3D000') return true;
      // Known too: its own limit of connections is reached.
      if (code === '53300' && routine === 'InitializeSessionUserId') return true;
      if (code === '28P01' || code === '28000') return false;
      throw failureOf(error, `logging in as ${name}`, [password, this.#connection.password]);
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

  #creation({ name, password, expiration, creation }: NewUser): readonly string[] {
    if (creation.length === 0) throw badRequest('a role of a PostgreSQL database needs creation_statements');
    return fillAll(creation, { name, username: name, password: this.#told(password), expiration: timestamp(expiration) });
  }

  /** What the server is told of a password. */
  #told(password: string): string {
    return this.#connection.details['password_authentication'] === 'scram-sha-256' ? scramVerifier(password) : password;
  }

  async #with<T>(
    signal: AbortSignal,
    doing: string,
    secrets: readonly string[],
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
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
  async #in<T>(database: string, signal: AbortSignal, doing: string, work: (client: Client) => Promise<T>): Promise<T> {
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

/** Older servers, and what is made of them, would take a verifier for the password itself. */
async function takesVerifiers(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ version: number }>(`SELECT current_setting('server_version_num')::int AS version`);
  return (rows[0]?.version ?? 0) >= 100_000;
}

function newClient(settings: pg.ClientConfig): pg.Client {
  const client = new pg.Client(settings);
  heedNoEnd(client);
  return client;
}

/** A connection that ends is told by the query under way or the next one; an `error` without a listener ends the process. */
function heedNoEnd(client: pg.ClientBase): void {
  client.on('error', () => undefined);
}

async function isThere(client: Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1', [name]);
  return rowCount === 1;
}

function fillAll(statements: readonly string[], values: Readonly<Record<string, string>>): readonly string[] {
  return statements.map((statement) => fillIn(statement, values, dialect));
}

/**
 * Runs statements of a user as one, and not beside others of the same user. They are sent when the lock is held and not
 * before: what was sent may be carried out long after we are gone, and whoever removes the user waits for the lock.
 */
async function inTransaction(
  client: Client,
  name: string,
  end: 'COMMIT' | 'ROLLBACK',
  statements: readonly string[],
): Promise<void> {
  try {
    await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${lockOf(name).join(', ')})`);
    // No statement is sent with another: a string that has no end in one would have it in the next.
    for (const statement of statements.slice(0, -1)) await client.query(statement);
    await client.query([...statements.slice(-1), end].join('\n;\n'));
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Ends the session that works on a user. */
async function endHolder(client: Client, name: string): Promise<void> {
  await client.query(
    `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_locks
      WHERE locktype = 'advisory' AND classid = $1::int4::oid AND objid = $2::int4::oid AND objsubid = 2 AND granted
        AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())`,
    lockOf(name),
  );
}

/** Who works on a user holds this: two numbers, the first of which is ours. */
function lockOf(name: string): number[] {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return [0x73636c6b, hash | 0];
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
async function untilAborted<T>(client: pg.ClientBase, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const abort = (): void => cut(client);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** As `VALID UNTIL` takes it: in UTC, to the second. */
function timestamp(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')}+0000`;
}
