import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { apply, creation as creationOf } from '../../core/changes.ts';
import { mountedPostgres, userCreation } from '../../databases/mounted-postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import type { World } from '../../world.ts';

let server: PostgresServer;
let at: World;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  at = await mountedPostgres(server);
  at.system.reconciler.start();
  return async () => {
    await at.system.close();
    // Whatever a trial came to, nothing is left of it.
    expect(await server.users()).toEqual([]);
  };
});

/** What an apply of a role is answered: its warnings, or why it is refused. */
async function applied(role: JsonObject): Promise<readonly string[]> {
  const body = { db_name: 'main', creation_statements: userCreation, default_ttl: '1h', ...role };
  try {
    return (await apply(at, [creationOf('DatabaseRole', 'app', 'database/roles/app', body)])).warnings;
  } catch (error) {
    expect(await at.status('read', 'database/roles/app')).toBe(404);
    return (error as { errors: readonly string[] }).errors;
  }
}

const wrong = (text: string): string => `DatabaseRole/app would not work: ${text}`;

describe('the statements of a role, tried before an apply commits', () => {
  it('are each refused with the field that they are in and their place there, all at once', async () => {
    const refusals = await applied({
      rollback_statements: ['SELECT 1', 'DROP ROLL "{{name}}"'],
      renew_statements: [`ALTER ROLE "{{name}}" VALID UNTIL 'whenever'`],
      revocation_statements: ['REASSIGN OWNED BY "{{name}}" TO nobody_there', 'DROP ROLE "{{name}}"'],
    });
    expect(refusals).toEqual([
      wrong('rollback_statements[1]: syntax error at or near "ROLL"'),
      wrong('renew_statements[0]: invalid input syntax for type timestamp with time zone: "whenever"'),
      wrong('revocation_statements[0]: role "nobody_there" does not exist'),
    ]);
    expect(await applied({ creation_statements: [...userCreation, 'GRANT nothing_there TO "{{name}}"'] })).toEqual([
      wrong('creation_statements[1]: role "nothing_there" does not exist'),
    ]);
    expect(await applied({ revocation_statements: ['DROP ROLE "{{user}}"'] })).toEqual([
      'create DatabaseRole/app: {{user}} is no placeholder of revocation_statements: there are {{name}}, {{username}}',
    ]);
  });

  it('are refused where the connection has no user who could make others', async () => {
    const connection_url = `postgresql://{{username}}:{{password}}@127.0.0.1:${server.port}/postgres`;
    const own = { plugin_name: 'postgresql-database-plugin', connection_url, self_managed: true, allowed_roles: ['*'] };
    await at.write('database/config/own', own);
    expect(await applied({ db_name: 'own' })).toEqual([
      wrong('the connection "own" is self_managed: it has no user who could make others'),
    ]);
  });

  it('are taken where they work, and then do', async () => {
    const role = {
      rollback_statements: ['DROP ROLE IF EXISTS "{{name}}"'],
      renew_statements: [`ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'`],
      revocation_statements: [
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}'`,
        'DROP ROLE "{{name}}"',
      ],
    };
    expect(await applied(role)).toEqual([]);
    const { leaseId } = await at.read('database/creds/app');
    expect(await server.users()).toHaveLength(1);
    await at.write('sys/leases/renew', { lease_id: leaseId ?? '' });
    await at.write('sys/leases/revoke', { lease_id: leaseId ?? '', sync: true });
  });

  it('that run outside of transactions only are not held to be wrong, nor what comes after them', async () => {
    await server.query('CREATE DATABASE tried');
    expect(
      await applied({ revocation_statements: ['DROP DATABASE tried', 'DROP TABLE gone_with_it', 'DROP ROLE "{{name}}"'] }),
    ).toEqual([]);
    expect(await server.query(`SELECT 1 AS one FROM pg_database WHERE datname = 'tried'`)).toEqual([{ one: 1 }]);
    await server.query('DROP DATABASE tried');
    // A user is made in a transaction always, so there it is wrong.
    await at.delete('database/roles/app');
    expect(await applied({ creation_statements: [...userCreation, 'CREATE DATABASE tried'] })).toEqual([
      wrong('creation_statements[1]: CREATE DATABASE cannot run inside a transaction block'),
    ]);
  });

  it('that call a procedure which commits are taken: it runs when the user is removed, and not in a trial', async () => {
    await server.query('CREATE TABLE removals (name text)');
    await server.query(`CREATE PROCEDURE remove_user(name text) LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO removals VALUES (name); COMMIT; EXECUTE format('DROP ROLE %I', name); END $$`);
    expect(await applied({ revocation_statements: [`CALL remove_user('{{name}}')`] })).toEqual([]);
    expect(await server.query('SELECT 1 FROM removals')).toEqual([]);
    const { leaseId } = await at.read('database/creds/app');
    await at.write('sys/leases/revoke', { lease_id: leaseId ?? '', sync: true });
    expect(await server.query('SELECT 1 AS one FROM removals')).toEqual([{ one: 1 }]);
    await server.query('DROP PROCEDURE remove_user; DROP TABLE removals');
  });

  it.each([
    'SELECT 1',
    'REVOKE pg_read_all_data FROM "{{name}}"',
    `ALTER ROLE "{{name}}" VALID UNTIL '2999-01-01'`,
    `ALTER ROLE "{{name}}" VALID UNTIL 'infinity'`,
  ])('that leave a user who can log in when they are to remove it are refused: %s', async (statement) => {
    expect(await applied({ revocation_statements: [statement] })).toEqual([
      wrong(
        'revocation_statements: they leave the user, who can still log in: drop it, or take its login away; leave the statements out for the usual way',
      ),
    ]);
  });

  it.each([`ALTER ROLE "{{name}}" NOLOGIN`, `ALTER ROLE "{{name}}" VALID UNTIL '2001-01-01'`])(
    'that leave the user without a login are taken: %s',
    async (statement) => {
      expect(await applied({ revocation_statements: [statement] })).toEqual([]);
      const { leaseId, data } = await at.read('database/creds/app');
      await at.write('sys/leases/revoke', { lease_id: leaseId ?? '', sync: true });
      await server.removeUser((data as { username: string }).username);
    },
  );

  it('that remove the user in a transaction of their own which they do not commit do not count as a removal', async () => {
    await applied({ revocation_statements: [] });
    await at.write('database/roles/app', { revocation_statements: ['BEGIN', 'DROP ROLE "{{name}}"'] });
    const { leaseId } = await at.read('database/creds/app');
    const revoking = () => at.write('sys/leases/revoke', { lease_id: leaseId ?? '', sync: true });
    await expect(revoking()).rejects.toThrow('who can still log in');
    expect(await server.users()).toHaveLength(1);
    await at.write('database/roles/app', { revocation_statements: ['BEGIN', 'DROP ROLE "{{name}}"', 'COMMIT'] });
    await revoking();
  });

  it.each([
    ['as one statement', [`BEGIN; ${userCreation[0]}; COMMIT;`], []],
    ['as several', ['/* first */ BEGIN', ...userCreation, '-- last\nCOMMIT'], []],
    [
      'with a mistake',
      ['BEGIN', ...userCreation, 'GRANT nothing_there TO "{{name}}"', 'COMMIT'],
      [wrong('creation_statements[2]: role "nothing_there" does not exist')],
    ],
    ['with a way back', ['BEGIN', ...userCreation, 'ROLLBACK; GRANT nothing_there TO "{{name}}"', 'COMMIT'], []],
  ])('may have their own transaction, which commits nothing of the trial: %s', async (_, creation_statements, answer) => {
    expect(await applied({ creation_statements })).toEqual(answer);
  });

  it('include the usual revocation: to whom what is owned is given, and what is owned from the first', async () => {
    expect(await applied({ owned_objects: 'reassign', reassign_to: 'nobody_there' })).toEqual([
      wrong('reassign_to: there is no role "nobody_there" in the database, so no user who owns something could be removed'),
    ]);
    const creation_statements = [...userCreation, 'CREATE SCHEMA of_user AUTHORIZATION "{{name}}"'];
    expect(await applied({ creation_statements })).toEqual([
      expect.stringContaining(
        'owned_objects: each new user owns schema of_user in database "postgres", so none could be removed',
      ) as string,
    ]);
    expect(await applied({ creation_statements, owned_objects: 'reassign', reassign_to: 'postgres' })).toEqual([]);
    await at.delete('database/roles/app');
  });

  it('are taken of who is no superuser where they work for that user', async () => {
    await server.query(`CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'm4ker'`);
    await at.write('database/config/main', { username: 'maker', password: 'm4ker' });
    expect(await applied({})).toEqual([]);
    await at.delete('database/roles/app');
    expect(await applied({ owned_objects: 'reassign', reassign_to: 'postgres' })).toEqual([
      expect.stringContaining('permission denied to reassign objects') as string,
    ]);
    await server.query('DROP ROLE maker');
  });
});
