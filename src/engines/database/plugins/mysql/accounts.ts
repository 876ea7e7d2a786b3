import { createHash, randomBytes } from 'node:crypto';
import { RequestError } from '../../../../protocol/request-error.ts';
import { fillIn, type SqlDialect } from '../../statement.ts';
import { noSuchUser } from '../statement-failure.ts';
import type { Client } from './client.ts';
import { numberOf } from './failure.ts';

export const dialect: SqlDialect = { nameQuote: '`', backslash: true, dollar: false, comments: 'mysql' };

/** What was to be done to an account could not be done: it is not there. */
const noSuchAccount = 1396;
/** That a user, or what it was granted, is not there: what was to be taken away is gone. */
const gone = new Set([1141, 1147, 1269, noSuchAccount]);
/** Servers before MySQL 5.7.6 and MariaDB 10.4.2 can lock no account. */
const syntaxError = 1064;
/**
 * A password was to be set of an account that is not there: MariaDB, MySQL, and MySQL where that password, which nobody gets, is
 * none that a policy of the server allows.
 */
const noAccount = new Set([1133, noSuchAccount, 1819]);
const noSuchThread = 1094;
/** No privilege to read a table, or a column of it. */
const mayNotRead = new Set([1142, 1143]);

/** That there is no such column, table or function, or no privilege to read it. */
const cannotTell = new Set([1054, 1146, 1305, ...mayNotRead]);

/** A user is an account for each host, or pattern of hosts, from which it may come. */
interface Account {
  readonly name: string;
  readonly host: string;
}

/** Null: the user of the connection may not see accounts. */
export async function accountsOf(client: Client, name: string): Promise<readonly Account[] | null> {
  try {
    const rows = await client.query('SELECT User AS name, Host AS host FROM mysql.user WHERE User = ?', [name]);
    return rows.map((row) => row as unknown as Account).filter((account) => account.name === name);
  } catch (error) {
    if (mayNotRead.has(numberOf(error) ?? 0)) return null;
    throw error;
  }
}

/** Is there an account of a user that is not locked? Of accounts that the user of the connection may not see: no. */
export async function canLogIn(client: Client, name: string): Promise<boolean> {
  const accounts = (await accountsOf(client, name)) ?? [];
  if (accounts.length === 0) return false;
  const locked = await lockedHosts(client, name);
  return accounts.some(({ host }) => !locked.has(host));
}

/** The hosts of the accounts of a user that are locked, as far as the user of the connection may see that. */
async function lockedHosts(client: Client, name: string): Promise<ReadonlySet<string>> {
  for (const locks of [
    `SELECT User AS name, Host AS host, account_locked AS isLocked FROM mysql.user WHERE User = ?`,
    // MariaDB.
    `SELECT User AS name, Host AS host, JSON_VALUE(Priv, '$.account_locked') AS isLocked FROM mysql.global_priv WHERE User = ?`,
  ]) {
    try {
      const rows = await client.query(locks, [name]);
      const locked = rows.filter((row) => row['name'] === name && /^(?:Y|1|true)$/.test(String(row['isLocked'])));
      return new Set(locked.map((row) => String(row['host'])));
    } catch (error) {
      if (!cannotTell.has(numberOf(error) ?? 0)) throw error;
    }
  }
  return new Set();
}

/** Removes every account of a user with what it was granted. */
export async function removeUser(client: Client, name: string): Promise<void> {
  const accounts = await accountsOf(client, name);
  if (accounts === null) {
    throw new RequestError(
      500,
      'the user of the connection may not see for which hosts it is: GRANT SELECT ON mysql.user to that, ' +
        'or give the role revocation_statements',
    );
  }
  for (const account of accounts) {
    // From here on nobody logs in with it, whatever becomes of the rest.
    await ifThere(client, onAccount('ALTER USER {{account}} ACCOUNT LOCK', account)).catch((error: unknown) => {
      if (numberOf(error) !== syntaxError) throw error;
    });
    await ifThere(client, onAccount('REVOKE ALL PRIVILEGES, GRANT OPTION FROM {{account}}', account));
    await ifThere(client, onAccount('DROP USER {{account}}', account));
  }
}

/** Runs a statement that takes something away: that it is gone already is success. Gives what the server said of an account that is not there. */
export async function ifThere(client: Client, statement: string): Promise<Error | null> {
  try {
    await client.query(statement);
    return null;
  } catch (error) {
    const number = numberOf(error) ?? 0;
    if (!gone.has(number)) throw error;
    return number === noSuchAccount ? (error as Error) : null;
  }
}

/** Of those sessions that the user of the connection sees: without the privilege PROCESS these are its own. */
export async function endSessions(client: Client, name: string): Promise<void> {
  const rows = await client.query('SELECT ID AS id, USER AS name FROM information_schema.PROCESSLIST WHERE USER = ?', [name]);
  for (const row of rows) {
    if (row['name'] === name) await endSession(client, Number(row['id']));
  }
}

/** Sets a password, and leaves the way in which the account is authenticated as it is, where it is by one. */
export async function setPassword(client: Client, name: string, password: string): Promise<void> {
  const { own, statement } = await ourselves(client);
  const accounts = own.name === name ? [own] : ((await accountsOf(client, name)) ?? [{ name, host: '%' }]);
  if (accounts.length === 0) throw new RequestError(500, 'there is no such user');
  for (const account of accounts) await client.query(onAccount(statement, account, { password }));
}

/**
 * Is a user there? And, where `ours` sets its password, may we do that to other users than our own? Throws noSuchUser, and
 * what the database says to somebody who may not.
 */
export async function checkPasswordOf(client: Client, name: string, ours: boolean): Promise<void> {
  const { own, statement } = await ourselves(client);
  if (own.name === name) return;
  if ((await accountsOf(client, name))?.length === 0) throw noSuchUser(name);
  if (!ours) return;
  // Nobody has this name, so nothing comes of it; but who may not set passwords is told that first.
  const nobody = { name: `secretctl-${randomBytes(8).toString('hex')}`, host: 'localhost' };
  await client.query(onAccount(statement, nobody, { password: nobody.name })).catch((error: unknown) => {
    if (!noAccount.has(numberOf(error) ?? 0)) throw error;
  });
}

/** The account of the connection, and what sets a password on this server. */
async function ourselves(client: Client): Promise<{ readonly own: Account; readonly statement: string }> {
  const [about] = await client.query('SELECT VERSION() AS version, CURRENT_USER() AS account');
  const account = String(about?.['account']);
  const at = account.lastIndexOf('@');
  const statement = /mariadb/i.test(String(about?.['version']))
    ? `SET PASSWORD FOR {{account}} = PASSWORD('{{password}}')`
    : `ALTER USER {{account}} IDENTIFIED BY '{{password}}'`;
  return { own: { name: account.slice(0, at), host: account.slice(at + 1) }, statement };
}

/**
 * Work on a user while nobody else is at it. `takeOver`: whoever is at work on it, on behalf of a request that nobody
 * waits for any more, is ended first.
 */
export async function alone<T>(client: Client, name: string, takeOver: boolean, work: () => Promise<T>): Promise<T> {
  const lock = `secretctl.${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
  if (takeOver) {
    const [row] = await client.query('SELECT IS_USED_LOCK(?) AS holder', [lock]);
    const holder = row?.['holder'] as string | number | null | undefined;
    if (holder !== null && holder !== undefined) await endSession(client, Number(holder));
  }
  const [row] = await client.query('SELECT GET_LOCK(?, 20) AS taken', [lock]);
  if (Number(row?.['taken']) !== 1) throw new RequestError(500, 'something else is at work on this user, and does not end');
  try {
    return await work();
  } finally {
    await client.query('DO RELEASE_LOCK(?)', [lock]).catch(() => undefined);
  }
}

async function endSession(client: Client, id: number): Promise<void> {
  try {
    await client.query(`KILL CONNECTION ${id}`);
  } catch (error) {
    if (numberOf(error) !== noSuchThread) throw error;
  }
}

function onAccount(statement: string, { name, host }: Account, more: Readonly<Record<string, string>> = {}): string {
  return fillIn(statement.replace('{{account}}', `'{{name}}'@'{{host}}'`), { name, host, ...more }, dialect);
}
