import { badRequest, RequestError } from '../../../../protocol/request-error.ts';
import type { RevokedUser } from '../plugin.ts';
import type { Client } from './clients.ts';

/**
 * Removes a role with all that hangs on it: its privileges, also the default ones, in every database, and what it owns
 * where the options say so. Each database is a transaction of its own, so what is done is done: a second run goes on.
 */
export async function revokeUser(
  client: Client,
  { name, options }: Pick<RevokedUser, 'name' | 'options'>,
  elsewhere: (database: string, work: (client: Client) => Promise<void>) => Promise<void>,
): Promise<void> {
  const role = quoted(name);
  // From here on nobody logs in with it, whatever becomes of the rest.
  await client.query(`ALTER ROLE ${role} NOLOGIN`);
  if (options.terminateSessions) {
    await client.query('SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = $1', [name]);
  }
  const { isSuperuser, here } = await ourselves(client);
  // Who only may make roles must be a member of one to take away what it has.
  if (!isSuperuser) await client.query(`GRANT ${role} TO CURRENT_USER`).catch(() => undefined);
  const drop = `DROP ROLE IF EXISTS ${role}`;
  const databases = await databasesWith(client, name);
  for (const database of databases) {
    if (database !== here) await elsewhere(database, (at) => clearDatabase(at, database, name, options));
  }
  // Here it goes with the role itself, as one.
  if (databases.includes(here)) await clearDatabase(client, here, name, options, drop);
  else await client.query(drop);
}

/** Removes a role as `revokeUser` does, of what is in this database, within a transaction of the caller. */
export async function revokeHere(client: Client, name: string, options: RevokedUser['options']): Promise<void> {
  const role = quoted(name);
  const { isSuperuser, here } = await ourselves(client);
  await client.query(`ALTER ROLE ${role} NOLOGIN`);
  if (!isSuperuser) {
    await client.query('SAVEPOINT secretctl_grant');
    await client.query(`GRANT ${role} TO CURRENT_USER`).catch(() => client.query('ROLLBACK TO SAVEPOINT secretctl_grant'));
  }
  const owned = await ownedBy(client, name);
  if (owned.length > 0 && options.ownedObjects === 'keep') {
    throw badRequest(
      `owned_objects: each new user owns ${listed(owned)} in database "${here}", so none could be removed: set it to reassign or drop`,
    );
  }
  if (options.ownedObjects === 'reassign') await client.query(reassignment(role, options));
  await client.query(`DROP OWNED BY ${role}`);
  await client.query(`DROP ROLE ${role}`);
}

/** Null: there is no such role. */
export async function whoIs(client: Client, name: string): Promise<{ readonly logsIn: boolean } | null> {
  const { rows } = await client.query<{ logsIn: boolean }>(
    `SELECT rolcanlogin AND coalesce(rolvaliduntil > now(), true) AS "logsIn" FROM pg_catalog.pg_roles WHERE rolname = $1`,
    [name],
  );
  return rows[0] ?? null;
}

async function ourselves(client: Client): Promise<{ readonly isSuperuser: boolean; readonly here: string }> {
  const { rows } = await client.query<{ isSuperuser: boolean; here: string }>(
    'SELECT rolsuper AS "isSuperuser", pg_catalog.current_database() AS here FROM pg_catalog.pg_roles WHERE rolname = current_user',
  );
  return rows[0] ?? { isSuperuser: false, here: '' };
}

/** The databases in which something depends on a role; this one too, for what is shared among all of them. */
async function databasesWith(client: Client, name: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT d.datname AS name
       FROM pg_catalog.pg_shdepend s
       JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid
       JOIN pg_catalog.pg_database d
         ON d.oid = s.dbid OR (s.dbid = 0 AND d.datname = pg_catalog.current_database())
      WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND r.rolname = $1 AND d.datallowconn
      ORDER BY 1`,
    [name],
  );
  return rows.map((row) => row.name);
}

/** One transaction, sent as one: `last` comes before its end. */
async function clearDatabase(
  client: Client,
  database: string,
  name: string,
  options: RevokedUser['options'],
  last: string | null = null,
): Promise<void> {
  const role = quoted(name);
  const owned = await ownedBy(client, name);
  if (owned.length > 0 && options.ownedObjects === 'keep') throw ownsSomething(database, owned);
  const statements = ['BEGIN'];
  if (owned.length > 0 && options.ownedObjects === 'reassign') statements.push(reassignment(role, options));
  // Takes the privileges away, and drops what is owned still: nothing, unless that was asked for.
  statements.push(`DROP OWNED BY ${role}`);
  if (last !== null) statements.push(last);
  statements.push('COMMIT');
  try {
    await client.query(statements.join('; '));
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function reassignment(role: string, { reassignTo }: RevokedUser['options']): string {
  return `REASSIGN OWNED BY ${role} TO ${reassignTo === '' ? 'CURRENT_USER' : quoted(reassignTo)}`;
}

/** Some of what a role owns here, each as PostgreSQL describes it. */
async function ownedBy(client: Client, name: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ object: string }>(
    `SELECT pg_catalog.pg_describe_object(s.classid, s.objid, s.objsubid) AS object
       FROM pg_catalog.pg_shdepend s
       JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid
      WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND r.rolname = $1 AND s.deptype = 'o'
        AND s.dbid IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
      ORDER BY 1 LIMIT 4`,
    [name],
  );
  return rows.map(({ object }) => object);
}

function listed(owned: readonly string[]): string {
  return (owned.length > 3 ? [...owned.slice(0, 3), '…'] : owned).join(', ');
}

function ownsSomething(database: string, owned: readonly string[]): RequestError {
  return new RequestError(
    500,
    `the user owns ${listed(owned)} in database "${database}": set owned_objects of the role to reassign or drop, or give them away`,
  );
}

/** A name as SQL wants it, whatever it holds. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
