import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mountedPostgres, userCreation } from '../../databases/mounted-postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import type { World } from '../../world.ts';

const hour = 3_600_000;

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

async function place(): Promise<World> {
  const at = await mountedPostgres(server);
  for (const role of ['app', 'apple'])
    await at.write(`database/roles/${role}`, {
      db_name: 'main',
      creation_statements: userCreation,
      default_ttl: '1h',
    });
  return at;
}

/** The id of the lease, or the status of the refusal. */
const lease = (at: World, role = 'app'): Promise<string | number> =>
  at
    .read(`database/creds/${role}`)
    .then(({ leaseId = '' }) => leaseId)
    .catch((error: unknown) => (error as { readonly status: number }).status);

const settle = (at: World): Promise<boolean> => at.system.tidy(at.clock.now() + 10_000);
const counter = async (at: World, name = 'q'): Promise<unknown> =>
  (await at.read(`sys/quotas/lease-count/${name}`)).data?.['counter'];
const countKeys = (at: World): readonly string[] =>
  [...at.medium.entries.keys()].filter((key) => key.startsWith('core/lease/count/'));

describe('a lease-count quota for a database', () => {
  it('keeps users from being made, and from each that is gone one more may be', async () => {
    const at = await place();
    await at.write('sys/quotas/lease-count/q', { path: 'database', max_leases: 2 });
    const first = await lease(at);
    await lease(at, 'apple');
    expect(await lease(at)).toBe(429);
    expect((await server.users()).length).toBe(2);
    await at.write('sys/leases/revoke', { lease_id: first });
    expect(await settle(at)).toBe(true);
    expect(await lease(at)).toEqual(expect.any(String));
    at.clock.time += 2 * hour;
    expect(await settle(at)).toBe(true);
    expect(await counter(at)).toBe(0);
    expect(countKeys(at)).toEqual([]);
    await at.system.close();
  });

  it('for a path counts that path alone, for one with a * all that begin so', async () => {
    const at = await place();
    await at.write('sys/quotas/lease-count/q', { path: 'database/creds/app', max_leases: 1 });
    await at.write('sys/quotas/lease-count/both', { path: 'database/creds/*', max_leases: 2 });
    expect([await lease(at), await lease(at)]).toEqual([expect.any(String), 429]);
    expect([await lease(at, 'apple'), await lease(at, 'apple')]).toEqual([expect.any(String), 429]);
    expect([await counter(at), await counter(at, 'both')]).toEqual([1, 2]);
    await at.write('sys/leases/revoke-prefix/database');
    expect(await settle(at)).toBe(true);
    expect(countKeys(at)).toEqual([]);
    await at.system.close();
  });

  it('is exact among many that come at once, and counts none whose making failed', async () => {
    const at = await place();
    await at.write('sys/quotas/lease-count/q', { path: 'database', max_leases: 5 });
    const answers = await Promise.all(Array.from({ length: 12 }, () => lease(at)));
    expect(answers.filter((answer) => answer === 429).length).toBe(7);
    expect((await server.users()).length).toBe(5);
    await at.write('sys/leases/revoke-prefix/database');
    expect(await settle(at)).toBe(true);
    await at.write('database/roles/app', {
      db_name: 'main',
      creation_statements: [`CREATE ROLE "{{name}}" IN ROLE nobody PASSWORD '{{password}}'`],
    });
    expect([await lease(at), await lease(at)]).not.toContain(429);
    expect(await settle(at)).toBe(true);
    expect(await counter(at)).toBe(0);
    await at.system.close();
  });

  it('counts what can’t be ended until it is gone or forgotten by force, and after a crash the same', async () => {
    const at = await place();
    await at.write('database/roles/stuck', {
      db_name: 'main',
      creation_statements: [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}'`],
      revocation_statements: ['SELECT no_such_function()'],
      default_ttl: '1h',
    });
    await at.write('sys/quotas/lease-count/q', { path: 'database', max_leases: 1 });
    const stuck = await lease(at, 'stuck');
    await at.write('sys/leases/revoke', { lease_id: stuck });
    for (let tries = 0; tries < 7; tries++) {
      await settle(at);
      at.clock.time += hour;
    }
    expect((await at.read('sys/leases/count', { type: 'irrevocable' })).data).toMatchObject({ lease_count: 1 });
    expect([await counter(at), await lease(at)]).toEqual([1, 429]);
    await at.crash();
    expect([await counter(at), await lease(at)]).toEqual([1, 429]);
    await at.write('sys/leases/revoke-force/database');
    await settle(at);
    expect(await counter(at)).toBe(0);
    expect(countKeys(at)).toEqual([]);
    for (const user of await server.users()) await server.query(`DROP ROLE "${user}"`);
    await at.system.close();
  });

  it('for all counts those of a deleted mount until they have ended', async () => {
    const at = await place();
    await at.write('sys/quotas/lease-count/q', { max_leases: 1 });
    await lease(at);
    await server.kill();
    await at.delete('sys/mounts/database');
    await settle(at);
    expect(await counter(at)).toBe(1);
    await server.run();
    for (let tries = 0; tries < 3; tries++) {
      at.clock.time += hour;
      await settle(at);
    }
    expect(await counter(at)).toBe(0);
    expect(await server.users()).toEqual([]);
    expect(countKeys(at)).toEqual([]);
    await at.system.close();
  });
});
