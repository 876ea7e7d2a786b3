import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mountedPostgres, userCreation as creation } from '../../databases/mounted-postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import type { World } from '../../world.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

const place = (): Promise<World> => mountedPostgres(server);

/** Has the background do what is due. True: nothing of it failed. */
const settle = (at: World): Promise<boolean> => at.system.tidy(at.clock.now() + 10_000);

async function settled(at: World): Promise<void> {
  expect(await settle(at)).toBe(true);
}

describe('placeholders outside of quotes', () => {
  const wrong = (where: string, placeholder: string, form: string) => ({
    status: 400,
    message: `${where} has ${placeholder} outside of quotes, where its value would be read as part of the statement: write ${form}`,
  });

  it('are refused when the role, static role or connection is written', async () => {
    const at = await place();
    const role = { db_name: 'main', creation_statements: creation };
    await expect(
      at.write('database/roles/app', { ...role, revocation_statements: ['SELECT 1', 'DROP ROLE {{name}}'] }),
    ).rejects.toMatchObject(wrong('revocation_statements[1]', '{{name}}', `"{{name}}" for a name, '{{name}}' for a value`));
    await expect(
      at.write('database/roles/app', { ...role, creation_statements: ['CREATE ROLE "{{name}}" PASSWORD {{password}}'] }),
    ).rejects.toMatchObject(wrong('creation_statements[0]', '{{password}}', `'{{password}}'`));
    const bare = 'ALTER ROLE "{{name}}" PASSWORD {{password}}';
    await expect(
      at.write('database/static-roles/kept', {
        db_name: 'main',
        username: 'somebody',
        rotation_period: '1h',
        rotation_statements: [bare],
      }),
    ).rejects.toMatchObject(wrong('rotation_statements[0]', '{{password}}', `'{{password}}'`));
    await expect(at.write('database/config/main', { root_rotation_statements: [bare] })).rejects.toMatchObject(
      wrong('root_rotation_statements[0]', '{{password}}', `'{{password}}'`),
    );
    await at.system.close();
  });

  it('of a role that was written before its connection make no user', async () => {
    const at = await place();
    await at.delete('database/config/main');
    await at.write('database/roles/app', {
      db_name: 'main',
      creation_statements: ["CREATE ROLE {{name}} PASSWORD '{{password}}'"],
    });
    const { username, password } = server;
    await at.write('database/config/main', {
      plugin_name: 'postgresql-database-plugin',
      connection_url: server.url(),
      username,
      password,
      allowed_roles: '*',
    });
    await expect(at.read('database/creds/app')).rejects.toThrow('creation_statements[0] has {{name}} outside of quotes');
    expect(await server.users()).toEqual([]);
    await at.system.close();
  });
});

describe('a user of a PostgreSQL database', () => {
  it('that owns something is kept, and the reason says what it owns, until the role says what is to become of it', async () => {
    const at = await place();
    const grants = [...creation, `GRANT CREATE, USAGE ON SCHEMA public TO "{{name}}"`];
    await at.write('database/roles/owner', { db_name: 'main', creation_statements: grants, default_ttl: '1h' });
    const { data, leaseId } = await at.read('database/creds/owner');
    const { username, password } = data as { username: string; password: string };
    await server.query('CREATE TABLE orders (id int)', { user: username, password });
    await at.write('sys/leases/revoke', { lease_id: leaseId ?? '' });
    expect(await settle(at)).toBe(false);
    await expect(server.query('SELECT 1', { user: username, password })).rejects.toThrow('not permitted to log in');
    for (let tries = 1; tries < 6; tries++) {
      at.clock.time += 3_600_000;
      expect(await settle(at)).toBe(false);
    }
    const { leases } = (await at.read('sys/leases', { type: 'irrevocable' })).data as { leases: { error: string }[] };
    expect(leases[0]?.error).toContain('the user owns table orders in database "postgres": set owned_objects of the role');

    await at.write('database/roles/owner', { owned_objects: 'reassign' });
    at.clock.time += 25 * 3_600_000;
    await settled(at);
    expect(await server.users()).toEqual([]);
    expect(await server.query(`SELECT tableowner FROM pg_tables WHERE tablename = 'orders'`)).toEqual([
      { tableowner: 'postgres' },
    ]);
    await server.query('DROP TABLE orders');
    await at.system.close();
  });

  it.each(['reassign', 'drop'])(
    'that owns something in two databases is removed with owned_objects %s',
    async (owned_objects) => {
      const at = await place();
      await server.query('CREATE DATABASE other');
      const grants = [
        ...creation,
        `GRANT CREATE ON DATABASE other TO "{{name}}"`,
        `GRANT CREATE, USAGE ON SCHEMA public TO "{{name}}"`,
        `ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO "{{name}}"`,
      ];
      await at.write('database/roles/owner', {
        db_name: 'main',
        creation_statements: grants,
        default_ttl: '1h',
        owned_objects,
        terminate_sessions: true,
      });
      const { data, leaseId } = await at.read('database/creds/owner');
      const { username, password } = data as { username: string; password: string };
      await server.query('CREATE TABLE orders (id int)', { user: username, password });
      await server.query('CREATE SCHEMA mine; CREATE TABLE mine.orders (id int)', {
        user: username,
        password,
        database: 'other',
      });
      const session = server.query('SELECT pg_sleep(60)', { user: username, password });
      const ended = expect(session).rejects.toThrow('terminating connection');
      while ((await server.query('SELECT 1 FROM pg_stat_activity WHERE usename = $1', { values: [username] })).length === 0);
      await at.write('sys/leases/revoke', { lease_id: leaseId ?? '' });
      await settled(at);
      await ended;
      expect(await server.users()).toEqual([]);
      const here = await server.query(`SELECT tableowner FROM pg_tables WHERE tablename = 'orders'`);
      const there = await server.query(`SELECT tableowner FROM pg_tables WHERE tablename = 'orders'`, { database: 'other' });
      const left = owned_objects === 'drop' ? [] : [{ tableowner: 'postgres' }];
      expect([here, there]).toEqual([left, left]);
      await server.query('DROP TABLE IF EXISTS orders');
      await server.query('DROP DATABASE other');
      await at.system.close();
    },
  );
});
