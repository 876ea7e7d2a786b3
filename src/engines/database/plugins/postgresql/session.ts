import { badRequest, RequestError } from '../../../../protocol/request-error.ts';
import { fillIn } from '../../statement.ts';
import type { ConnectionFields, DatabaseSession, NewUser, RevokedUser, TriedUser } from '../plugin.ts';
import { atStatement, filledEach, userLeft, type StatementsField } from '../statement-failure.ts';
import { Clients, newClient, untilAborted, type Client } from './clients.ts';
import { dialect } from './dialect.ts';
import { failureOf } from './failure.ts';
import { revokeUser, whoIs } from './revocation.ts';
import { scramVerifier } from './scram-verifier.ts';
import { clientSettings } from './settings.ts';
import { anyControl, tryPassword, tryUser, type FilledStatements } from './trial.ts';
import { endHolder, inTransaction, lockOf } from './user-lock.ts';

/** PostgreSQL under one connection. */
export class PostgresqlSession implements DatabaseSession {
  readonly #connection: ConnectionFields;
  readonly #clients: Clients;

  constructor(connection: ConnectionFields) {
    this.#connection = connection;
    this.#clients = new Clients(connection);
  }

  async verify(signal: AbortSignal): Promise<void> {
    await this.#clients.use(signal, 'the database cannot be used', [], async (client) => {
      await client.query('SELECT 1');
    });
  }

  async create(user: NewUser, signal: AbortSignal): Promise<void> {
    const statements = this.#creation(user);
    await this.#clients.use(signal, 'creating the user', [user.password], async (client) => {
      try {
        await inTransaction(client, user.name, statements);
      } catch (error) {
        // A statement may have ended the transaction that was to undo it.
        const undo = fillAll(user.rollback, { name: user.name, username: user.name });
        if (undo.length > 0) await inTransaction(client, user.name, undo).catch(() => undefined);
        throw error;
      }
    });
  }

  async tryRole(user: TriedUser, signal: AbortSignal): Promise<readonly string[]> {
    const secrets = [user.password];
    const filled = this.#filled(user);
    return this.#clients.use(signal, 'trying what the role has for its users', secrets, async (client) => {
      try {
        await tryUser(client, user, filled, [...secrets, this.#connection.password]);
        return [];
      } finally {
        // A statement may have ended the transaction, and with it what it made is there.
        if ((await whoIs(client, user.name)) !== null) {
          await revokeUser(
            client,
            { name: user.name, options: { ...user.options, ownedObjects: 'drop' } },
            this.#elsewhere(signal),
          );
        }
      }
    });
  }

  async renew(
    { name, expiration, renewal }: { readonly name: string; readonly expiration: number; readonly renewal: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    const filled = fillAll(renewalOf(renewal), { name, username: name, expiration: timestamp(expiration) });
    await this.#clients.use(signal, 'renewing the user', [], (client) => inTransaction(client, name, filled));
  }

  async revoke(user: RevokedUser, signal: AbortSignal): Promise<boolean> {
    const statements = fillAll(user.revocation, { name: user.name, username: user.name });
    return this.#clients.use(signal, 'revoking the user', [], async (client) => {
      // What is still making the user holds this, on behalf of a request that nobody waits for any more.
      if (user.pending) await endHolder(client, user.name).catch(() => undefined);
      await client.query('SELECT pg_advisory_lock($1, $2)', lockOf(user.name));
      try {
        if ((await whoIs(client, user.name)) === null) return false;
        try {
          await runEach(client, statements);
        } catch (error) {
          if (!user.pending) throw error;
        }
        if (statements.length > 0) {
          const left = await whoIs(client, user.name);
          if (left === null) return true;
          // Statements that undo a making need not know how far it came.
          if (!user.pending && left.logsIn) throw userLeft(user.name);
          if (!user.pending) return true;
        }
        await revokeUser(client, user, this.#elsewhere(signal));
        return true;
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
    await this.#clients.use(signal, `setting the password of ${name}`, [password, verifier], async (client) => {
      const told = await this.#toldOf(rotation, client, password, verifier);
      await inTransaction(client, name, fillAll(rotationOf(rotation), { name, username: name, password: told }));
    });
  }

  async tryPassword(
    { name, password, rotation }: { readonly name: string; readonly password: string; readonly rotation: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    const verifier = scramVerifier(password);
    const secrets = [password, verifier];
    await this.#clients.use(signal, `seeing whether the password of ${name} can be set`, secrets, async (client) => {
      const values = { name, username: name, password: await this.#toldOf(rotation, client, password, verifier) };
      const fill = (statement: string): string => fillIn(statement, values, dialect);
      const statements = filledEach('rotation_statements', rotationOf(rotation), fill);
      try {
        await tryPassword(client, name, statements, [...secrets, this.#connection.password]);
      } catch (error) {
        throw rotation.length === 0 ? notAllowedToSet(name, error) : error;
      }
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
    await this.#clients.close();
  }

  #creation(user: NewUser): readonly string[] {
    const { name, password, expiration } = user;
    return fillAll(creationOf(user), { name, username: name, password: this.#told(password), expiration: timestamp(expiration) });
  }

  /** Throws RequestError, which names each statement that has a placeholder it can't have. */
  #filled(user: TriedUser): FilledStatements {
    const { name, password, renewal, rollback, revocation, expiration } = user;
    const names = { name, username: name };
    const fill = (field: StatementsField, statements: readonly string[], values: Readonly<Record<string, string>>) =>
      filledEach(field, statements, (statement) => fillIn(statement, values, dialect));
    const until = timestamp(expiration);
    return {
      creation_statements: fill('creation_statements', creationOf(user), {
        ...names,
        password: this.#told(password),
        expiration: until,
      }),
      renew_statements: fill('renew_statements', renewalOf(renewal), { ...names, expiration: until }),
      rollback_statements: fill('rollback_statements', rollback, names),
      revocation_statements: fill('revocation_statements', revocation, names),
    };
  }

  #elsewhere(signal: AbortSignal) {
    return (database: string, work: (client: Client) => Promise<void>): Promise<void> =>
      this.#clients.useIn(database, signal, `revoking the user in database "${database}"`, work);
  }

  /** Where the statement is ours, the server and its logs never see the password. */
  async #toldOf(rotation: readonly string[], client: Client, password: string, verifier: string): Promise<string> {
    return rotation.length === 0 && (await takesVerifiers(client)) ? verifier : this.#told(password);
  }

  /** What the server is told of a password. */
  #told(password: string): string {
    return this.#connection.details['password_authentication'] === 'scram-sha-256' ? scramVerifier(password) : password;
  }
}

/** Our own statement is none of the role's: what failed is told as what it is about. */
function notAllowedToSet(name: string, error: unknown): unknown {
  const place = atStatement('rotation_statements', 0);
  if (!(error instanceof RequestError) || !error.message.startsWith(place)) return error;
  const needed = 'the user of the connection needs CREATEROLE, and from PostgreSQL 16 on ADMIN OPTION on that role';
  const text = `username: the password of "${name}" cannot be set${error.message.slice(place.length)} (${needed})`;
  return new RequestError(error.status, text, { cause: error });
}

/** Each by itself. What they began and did not commit is undone, as it would be once the client is let go. */
async function runEach(client: Client, statements: readonly string[]): Promise<void> {
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    if (statements.some((statement) => anyControl.test(statement))) await client.query('ROLLBACK');
  }
}

/** Older servers, and what is made of them, would take a verifier for the password itself. */
async function takesVerifiers(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ version: number }>(`SELECT current_setting('server_version_num')::int AS version`);
  return (rows[0]?.version ?? 0) >= 100_000;
}

function creationOf({ creation }: NewUser): readonly string[] {
  if (creation.length > 0) return creation;
  throw badRequest('a role of a PostgreSQL database needs creation_statements');
}

function rotationOf(rotation: readonly string[]): readonly string[] {
  return rotation.length === 0 ? [`ALTER ROLE "{{name}}" WITH PASSWORD '{{password}}'`] : rotation;
}

function renewalOf(renewal: readonly string[]): readonly string[] {
  return renewal.length === 0 ? [`ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'`] : renewal;
}

function fillAll(statements: readonly string[], values: Readonly<Record<string, string>>): readonly string[] {
  return statements.map((statement) => fillIn(statement, values, dialect));
}

/** As `VALID UNTIL` takes it: in UTC, to the second. */
function timestamp(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')}+0000`;
}
