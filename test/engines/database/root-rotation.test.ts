import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { mountedPostgres } from '../../databases/mounted-postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import type { World } from '../../world.ts';

const creation = [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`];
/** Sets the password for good, and then keeps the request waiting until the server is killed. */
const hanging = [`ALTER ROLE "{{name}}" PASSWORD '{{password}}'`, 'COMMIT', 'SELECT pg_sleep(60)'];

let server: PostgresServer;
let root = '';
let roots = 0;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  root = `root_${++roots}`;
  await server.query(`CREATE ROLE ${root} LOGIN SUPERUSER PASSWORD 'first'`);
});

async function place(connection: JsonObject = {}): Promise<World> {
  const at = await mountedPostgres(server, { connection: { username: root, password: 'first', ...connection } });
  await at.write('database/roles/app', { db_name: 'main', creation_statements: creation, default_ttl: '1h' });
  at.system.reconciler.start();
  return at;
}

const settle = async (at: World): Promise<boolean> => {
  const clean = await at.system.tidy(at.clock.now() + 10_000);
  at.system.reconciler.start();
  return clean;
};

async function works(at: World): Promise<boolean> {
  await at.write('database/reset/main');
  return (await at.status('read', 'database/creds/app')) === 200;
}

const knowsRoot = async (password: string): Promise<boolean> =>
  server.query('SELECT 1', { user: root, password }).then(
    () => true,
    () => false,
  );

async function refused(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => '',
    (error: unknown) => `${(error as { status: number }).status} ${(error as Error).message}`,
  );
}

const journal = (at: World): readonly string[] => [...at.medium.entries.keys()].filter((key) => key.includes('/rotation/'));
const rotations = async (at: World): Promise<readonly JsonObject[]> =>
  (await at.read('database/rotations')).data!['rotations'] as readonly JsonObject[];

/** Kills the server as soon as it waits in `hanging`. */
async function killedInside(request: Promise<unknown>): Promise<string> {
  const outcome = refused(request);
  const inside = `SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()`;
  while ((await server.query(inside)).length === 0) await new Promise((resolve) => setImmediate(resolve));
  await server.kill('crash');
  return outcome;
}

describe('the password of a connection', () => {
  it('is changed on request, and then nobody but the store knows it', async () => {
    const at = await place();
    expect((await at.write('database/rotate-root/main')).status).toBe(204);
    expect([await knowsRoot('first'), await works(at), journal(at)]).toEqual([false, true, []]);
    expect(JSON.stringify((await at.read('database/config/main')).data)).not.toContain('password"');
    expect((await at.write('database/rotate-root/main')).status).toBe(204);
    expect(await works(at)).toBe(true);
    const [row] = await server.query<{ stored: string }>('SELECT rolpassword AS stored FROM pg_authid WHERE rolname = $1', {
      values: [root],
    });
    expect(row?.stored).toMatch(/^SCRAM-SHA-256\$4096:/);
    await at.system.close();
  });

  it('is changed while credentials are made, of which none fails', async () => {
    const at = await place({ max_open_connections: 2 });
    const made = Array.from({ length: 24 }, () => at.read('database/creds/app'));
    const rotated = [at.write('database/rotate-root/main'), at.write('database/rotate-root/main')];
    const results = await Promise.allSettled([...made, ...rotated]);
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect([await knowsRoot('first'), await works(at)]).toEqual([false, true]);
    await at.system.close();
  });

  it('is changed by statements of the connection', async () => {
    const at = await place({ root_rotation_statements: [`ALTER USER "{{username}}" WITH PASSWORD '{{password}}'`] });
    await at.write('database/rotate-root/main');
    expect([await knowsRoot('first'), await works(at)]).toEqual([false, true]);
    await at.system.close();
  });

  it.each<[string, JsonObject, string]>([
    ['no user', { username: '' }, 'no username in configuration'],
    ['no password', { password: '' }, 'no password in configuration'],
    [
      'a URL with a password of its own',
      { connection_url: 'postgresql://{{username}}:fixed@127.0.0.1/postgres' },
      'has no {{password}}',
    ],
  ])('is not changed with %s', async (_, fields, message) => {
    const at = await place();
    await at.write('database/config/main', { ...fields, verify_connection: false });
    expect(await refused(at.write('database/rotate-root/main'))).toContain(`400 unable to rotate root credentials: `);
    expect(await refused(at.write('database/rotate-root/main'))).toContain(message);
    expect(await refused(at.write('database/rotate-root/none'))).toBe(
      '400 failed to find entry for connection with name: "none"',
    );
    await at.system.close();
  });

  it('that was changed is kept where a document sends the old one, and set where somebody says so', async () => {
    const at = await place();
    await at.write('database/rotate-root/main');
    const { warnings } = await at.write('database/config/main', {
      password: 'first',
      keep_rotated: true,
      max_open_connections: 3,
    });
    expect(warnings).toEqual(['the password of "main" was rotated, so the one that was sent is not used']);
    expect(await works(at)).toBe(true);
    expect(await refused(at.write('database/config/main', { password: 'first' }))).toContain('error verifying connection');
    expect(await works(at)).toBe(true);
    await server.query(`ALTER ROLE ${root} PASSWORD 'second'`);
    await at.write('database/config/main', { password: 'second' });
    expect(await works(at)).toBe(true);
    await at.system.close();
  });
});

describe('a change of the password of a connection that is interrupted', () => {
  it('before the database heard of it, is carried out when it is back, over a crash of the server too', async () => {
    const at = await place();
    await server.kill();
    expect(await refused(at.write('database/rotate-root/main'))).toMatch(
      /^500 unable to finish rotating credentials;.*ECONNREFUSED/,
    );
    expect(await rotations(at)).toMatchObject([{ of: 'config/main', username: root, state: 'pending' }]);
    await at.system.close();
    await at.crash();
    await server.run();
    expect(await knowsRoot('first')).toBe(true);
    at.clock.time += 60_000;
    expect(await settle(at)).toBe(true);
    expect([await knowsRoot('first'), await works(at), journal(at)]).toEqual([false, true, []]);
    await at.system.close();
  });

  it('after the database took it, is found to hold', async () => {
    const at = await place({ root_rotation_statements: hanging });
    expect(await killedInside(at.write('database/rotate-root/main'))).toMatch(/^500 unable to finish/);
    await at.system.close();
    await at.crash();
    await server.run();
    expect(await knowsRoot('first')).toBe(false);
    at.clock.time += 60_000;
    expect(await settle(at)).toBe(true);
    expect([await works(at), journal(at)]).toEqual([true, []]);
    await at.system.close();
  });

  it('locks nobody out meanwhile: leases are given and ended with whichever password holds', async () => {
    const at = await place({ root_rotation_statements: hanging });
    const before = await server.users();
    await at.read('database/creds/app');
    await killedInside(at.write('database/rotate-root/main'));
    await at.system.close();
    await at.crash();
    await server.run();
    expect(journal(at)).toHaveLength(1);
    expect([await knowsRoot('first'), await at.status('read', 'database/creds/app')]).toEqual([false, 200]);
    await at.delete('sys/mounts/database');
    expect(await settle(at)).toBe(true);
    at.clock.time += 600_000;
    expect(await settle(at)).toBe(true);
    expect(await server.users()).toEqual(before);
    await at.system.close();
  });

  it('by somebody who sets another, needs a person, and goes on with what they tell', async () => {
    const at = await place();
    await server.query(`ALTER ROLE ${root} PASSWORD 'by hand'`);
    await at.write('database/reset/main');
    expect(await refused(at.write('database/rotate-root/main'))).toContain(
      'the database wants neither the old password nor the new one',
    );
    expect(await rotations(at)).toMatchObject([{ of: 'config/main', state: 'needs-operator', attempts: 1 }]);
    expect(await refused(at.write('database/config/main', { username: 'other', verify_connection: false }))).toMatch(
      /is being changed/,
    );
    await at.write('database/config/main', { password: 'by hand' });
    expect(await settle(at)).toBe(true);
    expect([await knowsRoot('by hand'), await works(at), journal(at)]).toEqual([false, true, []]);
    await at.system.close();
  });

  it('keeps a connection that leases need, and ends with one that nothing needs', async () => {
    const at = await place();
    const { leaseId } = await at.read('database/creds/app');
    await server.query(`ALTER ROLE ${root} PASSWORD 'by hand'`);
    await at.write('database/reset/main');
    await refused(at.write('database/rotate-root/main'));
    expect(await refused(at.delete('database/config/main'))).toMatch(/^400 .* leases need it to be ended/);
    await at.write('database/config/main', { password: 'by hand' });
    await at.write('sys/leases/revoke', { lease_id: leaseId ?? '' });
    expect(await settle(at)).toBe(true);
    await server.kill();
    await refused(at.write('database/rotate-root/main'));
    expect(journal(at)).toHaveLength(1);
    await at.delete('database/config/main');
    expect(journal(at)).toEqual([]);
    await server.run();
    await at.system.close();
  });
});
