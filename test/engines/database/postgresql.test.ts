import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../../databases/postgres-server.ts';
import { world, type World } from '../../world.ts';

const creation = [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`];

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

async function place(): Promise<World> {
  const at = await world({ time: Date.now() });
  await at.write('sys/mounts/database', { type: 'database' });
  await at.write('database/config/main', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: server.url(),
    username: 'postgres',
    password: server.password,
    allowed_roles: '*',
  });
  return at;
}

/** Has the background do what is due. */
async function settled(at: World): Promise<void> {
  expect(await at.system.tidy(at.clock.now() + 10_000)).toBe(true);
}

describe('a user of a PostgreSQL database', () => {
  it('is made for whoever asks, can log in, lives on when renewed, and is gone when its lease is', async () => {
    const at = await place();
    await at.write('database/roles/app', { db_name: 'main', creation_statements: creation, default_ttl: '1h', max_ttl: '2h' });
    const reply = await at.read('database/creds/app');
    expect(reply).toMatchObject({
      leaseDuration: 3600,
      renewable: true,
      leaseId: expect.stringMatching(/^database\/creds\/app\/\w{24}$/) as string,
    });
    const { username, password } = reply.data as { username: string; password: string };
    expect(username).toMatch(/^v-root-app-\w{20}-\d{10}$/);
    expect(await server.query('SELECT current_user AS name', { user: username, password })).toEqual([{ name: username }]);

    at.clock.time += 3000 * 1000;
    expect(await at.write('sys/leases/renew', { lease_id: reply.leaseId ?? '', increment: '1h' })).toMatchObject({
      leaseDuration: 3600,
    });
    at.clock.time += 3599 * 1000;
    await settled(at);
    expect(await server.users()).toEqual([username]);
    at.clock.time += 2000;
    await settled(at);
    expect(await server.users()).toEqual([]);
    await at.system.close();
  });
});
