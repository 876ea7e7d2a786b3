import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mountedPostgres } from '../databases/mounted-postgres.ts';
import { PostgresServer } from '../databases/postgres-server.ts';
import type { World } from '../world.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

async function place(): Promise<World> {
  const at = await mountedPostgres(server);
  const creation_statements = [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}'`];
  await at.write('database/roles/app', { db_name: 'main', creation_statements, default_ttl: '1h' });
  await at.write('database/roles/stuck', {
    db_name: 'main',
    creation_statements,
    revocation_statements: ['SELECT no_such_function()'],
    default_ttl: '1h',
  });
  return at;
}

const lease = async (at: World, role = 'app'): Promise<string> => (await at.read(`database/creds/${role}`)).leaseId ?? '';

describe('what a revocation is answered', () => {
  it.each(['sys/leases/revoke', 'sys/revoke'])('by %s is 204 when the user is gone, with sync and without', async (path) => {
    const at = await place();
    at.system.reconciler.start();
    for (const sync of [true, false]) {
      const id = await lease(at);
      expect(await at.status('write', path, { lease_id: id, sync })).toBe(204);
      expect(await server.users()).toEqual([]);
      expect(await at.status('write', `${path}/${id}`)).toBe(204);
    }
    await at.system.close();
  });

  it('is 202 with a warning where nobody ends it now', async () => {
    const at = await place();
    const id = await lease(at);
    for (const sync of [true, false]) {
      const reply = await at.write('sys/leases/revoke', { lease_id: id, sync });
      expect(reply).toMatchObject({ status: 202, warnings: [expect.stringContaining('in the background')] });
    }
    expect(await at.status('write', 'sys/leases/lookup', { lease_id: id })).toBe(400);
    expect(await at.system.tidy(at.clock.now() + 10_000)).toBe(true);
    expect(await server.users()).toEqual([]);
    await at.system.close();
  });

  it('is 202 where the database refuses, and with sync 500 with what it says', async () => {
    const at = await place();
    at.system.reconciler.start();
    const id = await lease(at, 'stuck');
    expect(await at.status('write', 'sys/leases/revoke', { lease_id: id })).toBe(202);
    await expect(at.write('sys/leases/revoke', { lease_id: id, sync: true })).rejects.toMatchObject({
      status: 500,
      message: expect.stringMatching(/^it is not ended yet, and tried again: .*no_such_function/) as string,
    });
    // It stands no more all the same.
    expect(await at.status('write', 'sys/leases/renew', { lease_id: id })).toBe(400);
    await at.system.close();
    for (const user of await server.users()) await server.removeUser(user);
  });

  it('is an error in the audit log where it was one to the caller', async () => {
    const at = await place();
    at.system.reconciler.start();
    const id = await lease(at, 'stuck');
    await at.status('write', 'sys/leases/revoke', { lease_id: id, sync: true });
    const entries = at.sink.entries().filter(({ request }) => request?.path === 'sys/leases/revoke');
    expect(entries.map(({ type }) => type)).toEqual(['request', 'response']);
    expect(entries[1]?.error).toContain('it is not ended yet');
    await at.system.close();
    for (const user of await server.users()) await server.removeUser(user);
  });
});
