import { randomBytes } from 'node:crypto';
import type { Document, MongoClient, MongoClientOptions } from 'mongodb';
import { badRequest, RequestError } from '../../../../protocol/request-error.ts';
import type { ConnectionFields, DatabaseSession, NewUser, RevokedUser, TriedUser } from '../plugin.ts';
import { noSuchUser } from '../statement-failure.ts';
import { codeOf, errorCode, failureOf, madeNothing } from './failure.ts';
import { mongodbSettings, type MongodbSettings } from './settings.ts';
import { defaultDatabase, parseCreation, parseRevocation, type GivenRole } from './statement.ts';

type Send = (database: string, command: Document) => Promise<Document>;

const noRotation = 'MongoDB changes passwords without statements';
const noRenewal = 'a role of a MongoDB database has no renew_statements';

/** How many refused names are kept in mind. */
const mostRefused = 1000;

/** MongoDB under one connection. Its driver is loaded with the first command, and keeps the connections. */
export class MongodbSession implements DatabaseSession {
  readonly #settings: MongodbSettings;
  /** Users whom the server refused to make: there is none to remove, or one that is not ours. */
  readonly #refused = new Set<string>();
  #client: Promise<MongoClient> | null = null;

  constructor(connection: ConnectionFields) {
    this.#settings = mongodbSettings(connection);
  }

  async verify(signal: AbortSignal): Promise<void> {
    await this.#with(signal, 'the database cannot be used', [], (send) => send(defaultDatabase, { ping: 1 }));
  }

  async create({ name, password, creation }: NewUser, signal: AbortSignal): Promise<void> {
    const { db, roles } = parseCreation(creation);
    await this.#with(signal, 'creating the user', [password], async (send) => {
      try {
        await send(db, { createUser: name, pwd: password, roles, writeConcern: this.#settings.writeConcern });
      } catch (error) {
        if (madeNothing(error)) this.#noteRefused(name);
        throw error;
      }
    });
  }

  /** A user that is made is there for all at once, so only the roles are looked up. */
  async tryRole({ creation, renewal, revocation, rollback }: TriedUser, signal: AbortSignal): Promise<readonly string[]> {
    if (renewal.length > 0) throw badRequest(`renew_statements: ${noRenewal}`);
    parseRevocation(revocation);
    parseRevocation(rollback, 'rollback_statements');
    const { db, roles } = parseCreation(creation);
    await this.#with(signal, 'looking up the roles', [], async (send) => {
      const wanted = roles.map((role) => (typeof role === 'string' ? { role, db } : role));
      const known = await rolesOf(send, wanted);
      const missing = known === null ? undefined : wanted.find((each) => !known.some((role) => isSame(role, each)));
      if (missing !== undefined) {
        throw badRequest(`creation_statements[0]: there is no role "${missing.role}" in database "${missing.db}"`);
      }
    });
    return [];
  }

  /** The database knows no time at which a user ends. */
  async renew({ renewal }: { readonly renewal: readonly string[] }): Promise<void> {
    if (renewal.length > 0) throw badRequest(noRenewal);
  }

  async revoke(user: RevokedUser, signal: AbortSignal): Promise<boolean> {
    const { name, pending, options, place = defaultDatabase } = user;
    if (pending && this.#refused.delete(name)) return false;
    let wasThere = false;
    const databases = new Set([place, ...namedIn(user.revocation)]);
    await this.#with(signal, 'revoking the user', [], async (send) => {
      if (pending) await stopCreation(send, name);
      for (const database of databases) {
        if (options.terminateSessions) await endSessions(send, name, database, this.#settings);
        const dropped = await ifThere(send(database, { dropUser: name, writeConcern: this.#settings.writeConcern }));
        wasThere ||= dropped;
      }
    });
    return wasThere;
  }

  async setPassword(
    { name, password, rotation }: { readonly name: string; readonly password: string; readonly rotation: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    if (rotation.length > 0) throw badRequest(noRotation);
    await this.#with(signal, `setting the password of ${name}`, [password], (send) =>
      send(this.#databaseOf(name), { updateUser: name, pwd: password, writeConcern: this.#settings.writeConcern }),
    );
  }

  async tryPassword(
    { name, password, rotation }: { readonly name: string; readonly password: string; readonly rotation: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    if (rotation.length > 0) throw badRequest(`rotation_statements: ${noRotation}`);
    const db = this.#databaseOf(name);
    await this.#with(signal, `seeing whether the password of ${name} can be set`, [password], async (send) => {
      const told = await ifAllowed(send(db, { usersInfo: { user: name, db } }));
      if ((told as { readonly users?: readonly unknown[] } | null)?.users?.length === 0) throw noSuchUser(name);
      if (name === this.#settings.username) return;
      // Nobody has this name, so nothing comes of it; but who may not set passwords is told that first.
      await ifThere(send(db, { updateUser: `secretctl-${randomBytes(8).toString('hex')}`, pwd: password }));
    });
  }

  async letsIn(name: string, password: string, signal: AbortSignal): Promise<boolean> {
    const { url, options } = this.#settings;
    const { authMechanism, ...rest } = options;
    const scram = authMechanism === 'MONGODB-X509' ? {} : { authMechanism };
    const login = { ...rest, ...scram, auth: { username: name, password }, authSource: this.#databaseOf(name), maxPoolSize: 1 };
    const client = await newClient(url, login);
    try {
      await beforeAbort(signal, client.connect());
      return true;
    } catch (error) {
      if (codeOf(error) === errorCode.authenticationFailed) return false;
      throw failureOf(error, `logging in as ${name}`, [password, this.#settings.password]);
    } finally {
      void client.close().catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await (await client?.catch(() => null))?.close();
  }

  /** Where a user is who was not made here. */
  #databaseOf(name: string): string {
    const { username, authSource, database } = this.#settings;
    return name === username ? authSource : database;
  }

  #noteRefused(name: string): void {
    if (this.#refused.size >= mostRefused) this.#refused.clear();
    this.#refused.add(name);
  }

  #open(): Promise<MongoClient> {
    if (this.#client !== null) return this.#client;
    const opened = this.#connected();
    this.#client = opened;
    opened.catch(() => {
      if (this.#client === opened) this.#client = null;
    });
    return opened;
  }

  /** A client whose first connection fails is of no use any more, also when the server is back. */
  async #connected(): Promise<MongoClient> {
    const client = await newClient(this.#settings.url, this.#settings.options);
    try {
      return await client.connect();
    } catch (error) {
      await client.close().catch(() => undefined);
      throw error;
    }
  }

  async #with(
    signal: AbortSignal,
    doing: string,
    secrets: readonly string[],
    work: (send: Send) => Promise<unknown>,
  ): Promise<void> {
    try {
      signal.throwIfAborted();
      const client = await beforeAbort(signal, this.#open());
      // The driver's own time does not run for a connection that ends just when a command is written to it.
      const answered = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(this.#settings.answerWithin)]);
      const send: Send = (database, command) => client.db(database).command(command, { signal: answered() });
      await beforeAbort(signal, work(send));
    } catch (error) {
      throw failureOf(error, doing, [...secrets, this.#settings.password]);
    }
  }
}

async function newClient(url: string, options: MongoClientOptions): Promise<MongoClient> {
  const { MongoClient } = await import('mongodb');
  return new MongoClient(url, options);
}

/** What `work` gives, unless the signal aborts first: whatever becomes of the work then is no news. */
async function beforeAbort<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Those of the roles that there are; null: we may not know. */
async function rolesOf(
  send: Send,
  wanted: readonly Exclude<GivenRole, string>[],
): Promise<readonly Exclude<GivenRole, string>[] | null> {
  try {
    return ((await send(defaultDatabase, { rolesInfo: wanted })) as { readonly roles: readonly Exclude<GivenRole, string>[] })
      .roles;
  } catch (error) {
    if (codeOf(error) !== null) return null;
    throw error;
  }
}

const isSame = (a: Exclude<GivenRole, string>, b: Exclude<GivenRole, string>): boolean => a.role === b.role && a.db === b.db;

/** What statements name besides where the user was made; those that can't be read do not keep it from being removed. */
function namedIn(statements: readonly string[]): readonly string[] {
  try {
    const named = parseRevocation(statements);
    return named === null ? [] : [named];
  } catch {
    return [];
  }
}

/**
 * Stops the making of a user that nobody waits for any more. Throws RequestError where it was under way: whether it is
 * still done shows at the next try. It was begun by us, and what is ours we may see and stop.
 */
async function stopCreation(send: Send, name: string): Promise<void> {
  const pipeline = [{ $currentOp: { allUsers: false } }, { $match: { 'command.createUser': name } }];
  const reply = await ifAllowed(send(defaultDatabase, { aggregate: 1, pipeline, cursor: {} }));
  const running = (reply as { readonly cursor?: { readonly firstBatch: readonly Document[] } } | null)?.cursor?.firstBatch ?? [];
  for (const { opid } of running) await ifAllowed(send(defaultDatabase, { killOp: 1, op: opid as number | string }));
  if (running.length > 0)
    throw new RequestError(500, 'the user was still being made, and that was stopped: it is looked for again');
}

/** What the server answers; null: it refuses, or knows no such command. */
async function ifAllowed(answer: Promise<Document>): Promise<Document | null> {
  try {
    return await answer;
  } catch (error) {
    if (codeOf(error) !== null) return null;
    throw error;
  }
}

/** Waits for the end of a command. False: it names a user that is not there. */
async function ifThere(answer: Promise<Document>): Promise<boolean> {
  try {
    await answer;
    return true;
  } catch (error) {
    if (codeOf(error) === errorCode.userNotFound) return false;
    throw error;
  }
}

/** Takes a user its rights and ends what it does: a server before 7 knows sessions only of users that are there. */
async function endSessions(send: Send, user: string, db: string, { writeConcern }: MongodbSettings): Promise<void> {
  if (!(await ifThere(send(db, { updateUser: user, roles: [], writeConcern })))) return;
  try {
    await send(defaultDatabase, { killAllSessions: [{ user, db }] });
  } catch (error) {
    if (codeOf(error) !== errorCode.unauthorized) throw error;
    throw new RequestError(
      500,
      'the user of the connection may not end sessions: give it the role hostManager, or unset terminate_sessions',
      {
        cause: error,
      },
    );
  }
}
