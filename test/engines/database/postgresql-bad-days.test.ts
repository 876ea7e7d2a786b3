import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../../databases/postgres-server.ts';
import { world, type World } from '../../world.ts';

const creation = [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`];

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

async function place(role: Record<string, string | string[]> = {}): Promise<World> {
  const at = await world({ time: Date.now() });
  await at.write('sys/mounts/database', { type: 'database' });
  await at.write('database/config/main', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: server.url(),
    username: 'postgres',
    password: server.password,
    allowed_roles: '*',
  });
  await at.write('database/roles/app', {
    db_name: 'main',
    creation_statements: creation,
    default_ttl: '1h',
    max_ttl: '4h',
    ...role,
  });
  at.system.reconciler.start();
  return at;
}

interface Credential {
  readonly leaseId: string;
  readonly username: string;
  readonly password: string;
}

async function credential(at: World): Promise<Credential> {
  const { data, leaseId } = await at.read('database/creds/app');
  const { username, password } = data as { username: string; password: string };
  return { leaseId: leaseId ?? '', username, password };
}

/** The refusal of a request. */
async function refused(request: Promise<unknown>): Promise<{ readonly status: number; readonly message: string }> {
  return request.then(
    () => ({ status: 200, message: '' }),
    (error: unknown) => error as { readonly status: number; readonly message: string },
  );
}

const settle = (at: World): Promise<boolean> => at.system.tidy(at.clock.now() + 10_000);
const leaseKeys = (at: World): readonly string[] => [...at.medium.entries.keys()].filter((key) => key.startsWith('core/lease/'));

/** Lets the waits after failures pass, and has what is due done then. */
async function recovered(at: World): Promise<void> {
  at.clock.time += 1_200_000;
  await settle(at);
  at.clock.time += 1_200_000;
  expect(await settle(at)).toBe(true);
}

describe('a PostgreSQL database that is down', () => {
  it('refuses a credential with the reason, and owes nothing when it is back', async () => {
    const at = await place();
    await server.kill();
    const { status, message } = await refused(at.read('database/creds/app'));
    expect([status, message]).toEqual([500, expect.stringMatching(/^creating the user: .*ECONNREFUSED/)]);
    expect(message).not.toContain(server.password);
    expect(leaseKeys(at)).not.toEqual([]);
    await server.run();
    await recovered(at);
    expect([leaseKeys(at), await server.users()]).toEqual([[], []]);
    await at.system.close();
  });

  it('refuses a renewal, and the lease keeps the time that it has', async () => {
    const at = await place();
    const { leaseId, username } = await credential(at);
    const before = (await at.write('sys/leases/lookup', { lease_id: leaseId })).data!['expire_time'];
    at.clock.time += 600_000;
    await server.kill();
    expect(await refused(at.write('sys/leases/renew', { lease_id: leaseId }))).toMatchObject({
      status: 500,
      message: expect.stringContaining('renewing the user') as string,
    });
    expect((await at.write('sys/leases/lookup', { lease_id: leaseId })).data!['expire_time']).toBe(before);
    await server.run();
    at.clock.time += 3_600_000;
    await recovered(at);
    expect(await server.users()).not.toContain(username);
    await at.system.close();
  });

  it('answers a revocation as accepted, with sync as failed, and the user is gone soon after it is back', async () => {
    const at = await place();
    const [one, two, three] = [await credential(at), await credential(at), await credential(at)];
    await server.kill();
    expect(await at.status('write', 'sys/leases/revoke', { lease_id: two.leaseId, sync: true })).toBe(500);
    expect(await at.status('write', 'sys/leases/revoke', { lease_id: one.leaseId })).toBe(202);
    expect(await at.status('write', 'sys/leases/renew', { lease_id: one.leaseId })).toBe(400);
    // From the second failure on only one lease is tried with the database; the others fail with it.
    expect(await refused(at.write('sys/leases/revoke', { lease_id: three.leaseId, sync: true }))).toMatchObject({
      status: 500,
      message: expect.stringMatching(/^it is not ended yet, and tried again: .*ECONNREFUSED/) as string,
    });
    await server.run();
    await recovered(at);
    expect([leaseKeys(at), await server.users()]).toEqual([[], []]);
    await at.system.close();
  });

  it('takes nothing with it that is under way: a crash in the middle of a creation leaves neither user nor lease', async () => {
    const at = await place({ creation_statements: [...creation, 'SELECT pg_sleep(60)'] });
    const request = refused(at.read('database/creds/app'));
    while (
      (await server.query(`SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()`))
        .length === 0
    );
    await server.kill('SIGQUIT');
    expect((await request).status).toBe(500);
    await server.run();
    await recovered(at);
    expect([leaseKeys(at), await server.users()]).toEqual([[], []]);
    await at.system.close();
  });
});

describe('a PostgreSQL database without a connection to spare', () => {
  it('refuses a credential with its own words, and gives one when there is room again', async () => {
    const at = await place();
    await at.write('database/reset/main');
    const taken: pg.Client[] = [];
    for (;;) {
      const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', password: server.password });
      client.on('error', () => undefined);
      const room = await client.connect().then(
        () => true,
        () => false,
      );
      if (!room) break;
      taken.push(client);
    }
    expect(await refused(at.read('database/creds/app'))).toMatchObject({
      status: 500,
      message: expect.stringContaining('too many clients') as string,
    });
    await Promise.all(taken.map((client) => client.end()));
    while (
      (
        await server.query<{ n: number }>(
          'SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type = $$client backend$$',
        )
      )[0]!.n > 2
    );
    const { username } = await credential(at);
    await recovered(at);
    expect(await server.users()).toEqual([username]);
    await at.write('sys/leases/revoke-prefix/database');
    await recovered(at);
    await at.system.close();
  });
});

describe('what changes under leases that stand', () => {
  it('a deleted connection still serves to end them', async () => {
    const at = await place();
    const { leaseId } = await credential(at);
    await at.delete('database/config/main');
    expect(await at.status('read', 'database/creds/app')).toBe(400);
    expect(await at.status('write', 'sys/leases/revoke', { lease_id: leaseId, sync: true })).toBe(204);
    expect([leaseKeys(at), await server.users()]).toEqual([[], []]);
    await at.system.close();
  });

  it('a connection that was made anew under its name does not take them over', async () => {
    const at = await place();
    const { leaseId } = await credential(at);
    await at.delete('database/config/main');
    await at.write('database/config/main', {
      plugin_name: 'postgresql-database-plugin',
      connection_url: 'postgresql://127.0.0.1:1/none',
      verify_connection: false,
      allowed_roles: '*',
    });
    expect(await at.status('write', 'sys/leases/revoke', { lease_id: leaseId, sync: true })).toBe(204);
    expect(await server.users()).toEqual([]);
    await at.system.close();
  });

  it('a changed role is what renewals go by; a user is removed as it was to be when it was made', async () => {
    const at = await place({ revocation_statements: ['DROP ROLE "{{name}}"'] });
    const { leaseId } = await credential(at);
    await at.write('database/roles/app', { default_ttl: '10m', max_ttl: '30m', revocation_statements: ['SELECT 1/0'] });
    expect(await at.write('sys/leases/renew', { lease_id: leaseId })).toMatchObject({ leaseDuration: 600 });
    at.clock.time += 500_000;
    expect(await at.write('sys/leases/renew', { lease_id: leaseId, increment: '4h' })).toMatchObject({ leaseDuration: 1300 });
    expect(await at.status('write', 'sys/leases/revoke', { lease_id: leaseId, sync: true })).toBe(204);
    expect(await server.users()).toEqual([]);
    await at.system.close();
  });

  it('a deleted role renews nothing, and its users are removed in time', async () => {
    const at = await place();
    const { leaseId, username } = await credential(at);
    await at.delete('database/roles/app');
    expect(await refused(at.write('sys/leases/renew', { lease_id: leaseId }))).toMatchObject({
      status: 400,
      message: expect.stringContaining('could not find role with name "app"') as string,
    });
    expect(await server.users()).toEqual([username]);
    at.clock.time += 3_601_000;
    await settle(at);
    expect(await server.users()).toEqual([]);
    await at.system.close();
  });

  it('a user that somebody removed by hand is success', async () => {
    const at = await place();
    const { leaseId, username } = await credential(at);
    await server.query(`DROP ROLE "${username}"`);
    expect(await at.status('write', 'sys/leases/revoke', { lease_id: leaseId, sync: true })).toBe(204);
    expect(leaseKeys(at)).toEqual([]);
    await at.system.close();
  });
});

describe('removal that fails half way', () => {
  it('is tried again with the statements of its role, and says why until then', async () => {
    const at = await place({
      revocation_statements: ['ALTER ROLE "{{name}}" NOLOGIN', 'DROP TABLE no_such_table', 'DROP ROLE "{{name}}"'],
    });
    const { leaseId, username, password } = await credential(at);
    expect(await refused(at.write('sys/leases/revoke', { lease_id: leaseId, sync: true }))).toMatchObject({ status: 500 });
    await expect(server.query('SELECT 1', { user: username, password })).rejects.toThrow('not permitted to log in');
    await server.query('CREATE TABLE no_such_table ()');
    await recovered(at);
    expect([leaseKeys(at), await server.users()]).toEqual([[], []]);
    await at.system.close();
  });
});
