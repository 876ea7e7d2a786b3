import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { mountedPostgres, userCreation } from '../../databases/mounted-postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import type { World } from '../../world.ts';

const minute = 60_000;

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

async function place(): Promise<World> {
  const at = await mountedPostgres(server);
  await at.write('database/roles/app', {
    db_name: 'main',
    creation_statements: userCreation,
    default_ttl: '1h',
    max_ttl: '4h',
  });
  await at.write('sys/policies/acl/app', {
    policy:
      'path "database/creds/app" { capabilities = ["read"] }\n' +
      'path "sys/leases/renew" { capabilities = ["update"] }\n' +
      'path "auth/token/create" { capabilities = ["update"] }',
  });
  return at;
}

async function token(at: World, fields: JsonObject, by?: string): Promise<string> {
  return (await at.write('auth/token/create', { policies: ['app'], ...fields }, by)).auth!.client_token;
}

const batch = (at: World, fields: JsonObject, by?: string): Promise<string> => token(at, { type: 'batch', ...fields }, by);

async function settled(at: World): Promise<readonly string[]> {
  expect(await at.system.tidy(at.clock.now() + 10_000)).toBe(true);
  return server.users();
}

const leaseKeys = (at: World): readonly string[] => [...at.medium.entries.keys()].filter((key) => key.startsWith('core/lease/'));

describe('a user that a batch token got', () => {
  it('is there until the token ends and no longer, whatever its role allows', async () => {
    const at = await place();
    const holder = await batch(at, { ttl: '10m', no_parent: true });
    const { leaseId = '', leaseDuration, data } = await at.read('database/creds/app', {}, holder);
    expect(leaseDuration).toBe(600);
    at.clock.time += 9 * minute;
    const renewed = await at.write('sys/leases/renew', { lease_id: leaseId, increment: '1h' }, holder);
    expect(renewed).toMatchObject({ leaseDuration: 60, warnings: [expect.stringContaining('effective max_ttl of "1m0s"')] });
    expect(await settled(at)).toEqual([data?.['username']]);
    at.clock.time += minute;
    expect(await at.status('read', 'database/creds/app', {}, holder)).toBe(403);
    expect(await at.status('write', 'sys/leases/renew', { lease_id: leaseId, increment: '1h' })).toBe(400);
    expect(await settled(at)).toEqual([]);
    expect(leaseKeys(at)).toEqual([]);
    await at.system.close();
  });

  it('has what its role allows where the token lives longer', async () => {
    const at = await place();
    const holder = await batch(at, { ttl: '5h', no_parent: true });
    expect(await at.read('database/creds/app', {}, holder)).toMatchObject({ leaseDuration: 3600 });
    at.clock.time += 61 * minute;
    expect(await settled(at)).toEqual([]);
    await at.system.close();
  });

  it.each(['auth/token/revoke', 'sys/leases/revoke-prefix'])(
    'is gone when the parent of the token is revoked by %s',
    async (by) => {
      const at = await place();
      const parent = await token(at, { ttl: '2h' });
      const [mine, other] = [await batch(at, { ttl: '1h' }, parent), await batch(at, { ttl: '1h' })];
      const { leaseId = '' } = await at.read('database/creds/app', {}, mine);
      const kept = await at.read('database/creds/app', {}, other);
      if (by === 'auth/token/revoke') await at.write(by, { token: parent });
      else await at.write(`${by}/auth/token/create`);
      expect(await at.status('read', 'database/creds/app', {}, mine)).toBe(403);
      expect(await at.status('write', 'sys/leases/lookup', { lease_id: leaseId })).toBe(400);
      expect(await settled(at)).toEqual([kept.data?.['username']]);
      await at.write('sys/leases/revoke', { lease_id: kept.leaseId ?? '' });
      expect(await settled(at)).toEqual([]);
      await at.system.close();
    },
  );

  it('is gone when one further up is revoked, or the parent’s own time is over', async () => {
    const at = await place();
    const grandparent = await token(at, { ttl: '2h' });
    const first = await batch(at, { ttl: '1h' }, await token(at, { ttl: '2h' }, grandparent));
    await at.read('database/creds/app', {}, first);
    const second = await batch(at, { ttl: '1h' }, await token(at, { ttl: '10m' }));
    const { data } = await at.read('database/creds/app', {}, second);
    await at.write('auth/token/revoke', { token: grandparent });
    expect(await settled(at)).toEqual([data?.['username']]);
    at.clock.time += 10 * minute;
    expect(await settled(at)).toEqual([]);
    await at.system.close();
  });

  it('goes on where another child of the parent is revoked, and after a crash it still ends with the parent', async () => {
    const at = await place();
    const parent = await token(at, { ttl: '2h' });
    const holder = await batch(at, { ttl: '1h' }, parent);
    const { data } = await at.read('database/creds/app', {}, holder);
    await at.write('auth/token/revoke', { token: await token(at, { ttl: '1h' }, parent) });
    expect(await settled(at)).toEqual([data?.['username']]);
    await at.write('auth/token/revoke', { token: parent });
    await at.crash();
    expect(await settled(at)).toEqual([]);
    expect(leaseKeys(at)).toEqual([]);
    await at.system.close();
  });
});
