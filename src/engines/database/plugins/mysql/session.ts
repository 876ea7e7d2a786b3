import { badRequest, RequestError } from '../../../../protocol/request-error.ts';
import { fillIn, splitStatements } from '../../statement.ts';
import type { ConnectionFields, DatabaseSession, NewUser, RevokedUser, TriedUser } from '../plugin.ts';
import { atStatement, filledEach, isRefusal, userLeft, type StatementsField } from '../statement-failure.ts';
import {
  accountsOf,
  alone,
  canLogIn,
  checkPasswordOf,
  dialect,
  endSessions,
  ifThere,
  removeUser,
  setPassword,
} from './accounts.ts';
import { Client } from './client.ts';
import { Clients } from './clients.ts';
import { failureOf, numberOf } from './failure.ts';
import { clientSettings, type ClientSettings } from './settings.ts';

/** A statement that can be run, but not prepared. */
const notPreparable = 1295;
/** The password is wrong; the account is not one with a password; it is locked (MySQL, MariaDB); its password is too old. */
const notLetIn = new Set([1045, 1698, 3118, 4151, 1820, 1862]);
/** Known, but without the right to use this database, or there is no such. */
const letInElsewhere = new Set([1044, 1049]);

/**
 * MySQL or MariaDB under one connection. Statements that make or change users are each a transaction of their own there:
 * what fails half way is undone by the rollback statements, and by the removal of the user.
 */
export class MysqlSession implements DatabaseSession {
  readonly #connection: ConnectionFields;
  readonly #clients: Clients;
  #settings: ClientSettings | null = null;

  constructor(connection: ConnectionFields) {
    this.#connection = connection;
    this.#clients = new Clients(() => (this.#settings ??= clientSettings(connection)), connection);
  }

  async verify(signal: AbortSignal): Promise<void> {
    await this.#with(signal, 'the database cannot be used', [], (client) => client.query('SELECT 1'));
  }

  async create(user: NewUser, signal: AbortSignal): Promise<void> {
    const { name, password } = user;
    const statements = fillAll(creationOf(user), { name, username: name, password, expiration: timestamp(user.expiration) });
    const undo = fillAll(user.rollback, { name, username: name });
    await this.#with(signal, 'creating the user', [password], (client) =>
      alone(client, name, false, async () => {
        try {
          for (const statement of statements) await client.query(statement);
        } catch (error) {
          for (const statement of undo) await client.query(statement).catch(() => undefined);
          throw error;
        }
      }),
    );
  }

  /**
   * Has the server read the statements: it can't take back the making of a user. So what they mean, such as a table that
   * is not there, is seen only when they are run; a statement that can't be prepared is not looked at.
   */
  async tryRole(user: TriedUser, signal: AbortSignal): Promise<readonly string[]> {
    const { name, password, renewal, revocation, rollback } = user;
    const expiration = timestamp(user.expiration);
    const names = { name, username: name };
    const all = [
      ...triedStatements('creation_statements', creationOf(user), { ...names, password, expiration }),
      ...triedStatements('renew_statements', renewal, { ...names, expiration }),
      ...triedStatements('revocation_statements', revocation, names),
      ...triedStatements('rollback_statements', rollback, names),
    ];
    await this.#with(signal, 'trying what the role has for its users', [password], (client) =>
      this.#readAll(client, all, [password]),
    );
    return [];
  }

  /** The server knows no time until which a user lives: nothing, unless the role has statements for it. */
  async renew(
    { name, expiration, renewal }: { readonly name: string; readonly expiration: number; readonly renewal: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    const statements = fillAll(renewal, { name, username: name, expiration: timestamp(expiration) });
    if (statements.length === 0) return;
    await this.#with(signal, 'renewing the user', [], (client) =>
      alone(client, name, false, async () => {
        for (const statement of statements) await client.query(statement);
      }),
    );
  }

  async revoke({ name, revocation, options, pending }: RevokedUser, signal: AbortSignal): Promise<boolean> {
    const statements = fillAll(revocation, { name, username: name });
    let wasThere = true;
    await this.#with(signal, 'revoking the user', [], (client) =>
      alone(client, name, pending, async () => {
        const accounts = await accountsOf(client, name);
        wasThere = accounts?.length !== 0;
        if (wasThere) {
          try {
            let missed: Error | null = null;
            for (const statement of statements) missed = (await ifThere(client, statement)) ?? missed;
            // What they missed may be of other hosts than the user is.
            if (statements.length > 0 && (await canLogIn(client, name))) throw missed ?? userLeft(name);
          } catch (error) {
            if (!pending) throw error;
          }
        }
        if (statements.length === 0 || pending) await removeUser(client, name);
        if (options.terminateSessions) await endSessions(client, name);
      }),
    );
    return wasThere;
  }

  async setPassword(
    { name, password, rotation }: { readonly name: string; readonly password: string; readonly rotation: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    const statements = fillAll(rotation, { name, username: name, password });
    await this.#with(signal, `setting the password of ${name}`, [password], (client) =>
      alone(client, name, false, async () => {
        if (statements.length === 0) await setPassword(client, name, password);
        for (const statement of statements) await client.query(statement);
      }),
    );
  }

  async tryPassword(
    { name, password, rotation }: { readonly name: string; readonly password: string; readonly rotation: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    const all = triedStatements('rotation_statements', rotation, { name, username: name, password });
    await this.#with(signal, `seeing whether the password of ${name} can be set`, [password], async (client) => {
      await checkPasswordOf(client, name, rotation.length === 0);
      await this.#readAll(client, all, [password]);
    });
  }

  async letsIn(name: string, password: string, signal: AbortSignal): Promise<boolean> {
    const { options, socket } = clientSettings(this.#connection);
    try {
      const client = await Client.open({ options: { ...options, user: name, password }, socket }, signal);
      client.end();
      return true;
    } catch (error) {
      const number = numberOf(error) ?? 0;
      if (letInElsewhere.has(number)) return true;
      if (notLetIn.has(number)) return false;
      throw failureOf(error, `logging in as ${name}`, [password, this.#connection.password]);
    }
  }

  close(): Promise<void> {
    this.#clients.close();
    return Promise.resolve();
  }

  /** Throws RequestError with a text for each that the server can't read. */
  async #readAll(client: Client, all: readonly TriedStatements[], secrets: readonly string[]): Promise<void> {
    const problems: string[] = [];
    for (const { where, statements } of all) {
      for (const statement of statements) {
        const failure = await this.#unreadable(client, statement, where, secrets);
        if (failure === null) continue;
        problems.push(failure.message);
        break;
      }
    }
    if (problems.length > 0) throw new RequestError(400, problems);
  }

  /** Why the server can't read a statement; null: it can, or says only when it is run. Throws what is not about the statement. */
  async #unreadable(client: Client, statement: string, where: string, secrets: readonly string[]): Promise<RequestError | null> {
    try {
      await client.parse(statement);
      return null;
    } catch (error) {
      if (numberOf(error) === notPreparable) return null;
      const failure = failureOf(error, where, [...secrets, this.#connection.password]);
      if (!isRefusal(failure)) throw error;
      return failure;
    }
  }

  async #with(
    signal: AbortSignal,
    doing: string,
    secrets: readonly string[],
    work: (client: Client) => Promise<unknown>,
  ): Promise<void> {
    try {
      await this.#clients.use(signal, work);
    } catch (error) {
      throw failureOf(error, doing, [...secrets, this.#connection.password]);
    }
  }
}

function creationOf({ creation }: NewUser): readonly string[] {
  if (creation.length > 0) return creation;
  throw badRequest('a role of a MySQL database needs creation_statements');
}

interface TriedStatements {
  readonly where: string;
  readonly statements: readonly string[];
}

function triedStatements(
  field: StatementsField,
  given: readonly string[],
  values: Readonly<Record<string, string>>,
): readonly TriedStatements[] {
  return filledEach(field, given, (statement) => fillAll([statement], values)).map((statements, index) => ({
    where: atStatement(field, index),
    statements,
  }));
}

/** Each is one statement or several with `;` between them; a body of code (`BEGIN … END`) is one. */
function fillAll(statements: readonly string[], values: Readonly<Record<string, string>>): readonly string[] {
  const split = statements.flatMap((text) => (/\bEND\s*;?\s*$/i.test(text) ? [text] : splitStatements(text, dialect)));
  return split.map((statement) => fillIn(statement, values, dialect));
}

/** As MySQL writes a time: in UTC, to the second. */
function timestamp(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ');
}
