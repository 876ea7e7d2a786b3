import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { mountedPostgres, userCreation } from '../../databases/mounted-postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import type { World } from '../../world.ts';

const minute = 60_000;
const hour = 60 * minute;

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

async function role(at: World, fields: JsonObject): Promise<void> {
  await at.write('database/roles/app', {
    db_name: 'main',
    creation_statements: userCreation,
    ...fields,
  });
}

async function place(): Promise<{ readonly at: World; readonly leaseId: string }> {
  const at = await mountedPostgres(server);
  await role(at, { default_ttl: '1h', max_ttl: '4h' });
  return { at, leaseId: (await at.read('database/creds/app')).leaseId ?? '' };
}

async function ended(at: World): Promise<void> {
  await at.write('sys/leases/revoke-prefix/database');
  expect(await at.system.tidy(at.clock.now() + 10_000)).toBe(true);
  expect(await server.users()).toEqual([]);
  await at.system.close();
}

const renewed = async ({ at, leaseId }: Awaited<ReturnType<typeof place>>, increment?: string): Promise<unknown> =>
  (await at.write('sys/leases/renew', { lease_id: leaseId, ...(increment === undefined ? {} : { increment }) })).leaseDuration;

describe('a renewal', () => {
  it('goes by what the role says now: a shorter maximum counts from the issue, a longer one too', async () => {
    const here = await place();
    here.at.clock.time += 30 * minute;
    expect(await renewed(here, '8h')).toBe(3.5 * 3600);
    await role(here.at, { default_ttl: '1h', max_ttl: '2h' });
    expect(await renewed(here, '8h')).toBe(1.5 * 3600);
    await role(here.at, { default_ttl: '1h', max_ttl: '6h' });
    expect(await renewed(here, '8h')).toBe(5.5 * 3600);
    await role(here.at, { default_ttl: '20m', max_ttl: '6h' });
    expect(await renewed(here)).toBe(1200);
    await ended(here.at);
  });

  it('goes by what its mount says now, too', async () => {
    const here = await place();
    await here.at.write('sys/mounts/database/tune', { max_lease_ttl: '90m' });
    const reply = await here.at.write('sys/leases/renew', { lease_id: here.leaseId, increment: '3h' });
    expect(reply).toMatchObject({ leaseDuration: 5400, warnings: [expect.stringContaining('effective max_ttl of "1h30m0s"')] });
    await ended(here.at);
  });

  it('is refused past the maximum, and the user is then gone with its hour', async () => {
    const here = await place();
    here.at.clock.time += 50 * minute;
    await role(here.at, { default_ttl: '30m', max_ttl: '45m' });
    await expect(renewed(here, '1h')).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('past the max TTL') as string,
    });
    expect((await here.at.write('sys/leases/lookup', { lease_id: here.leaseId })).data).toMatchObject({ ttl: 600 });
    here.at.clock.time += 10 * minute;
    expect(await here.at.system.tidy(here.at.clock.now() + 10_000)).toBe(true);
    expect(await server.users()).toEqual([]);
    await here.at.system.close();
  });

  it('is refused where the role is gone, and what it gave ends in time', async () => {
    const here = await place();
    await here.at.delete('database/roles/app');
    await expect(renewed(here, '1h')).rejects.toMatchObject({ status: 400 });
    here.at.clock.time += hour;
    expect(await here.at.system.tidy(here.at.clock.now() + 10_000)).toBe(true);
    expect(await server.users()).toEqual([]);
    await here.at.system.close();
  });

  it('is refused for a lease that is past its time, whatever the background has come to', async () => {
    const here = await place();
    here.at.clock.time += hour;
    await expect(renewed(here, '1h')).rejects.toMatchObject({ status: 400, message: 'lease not found' });
    expect(await here.at.status('write', 'sys/leases/renew', { lease_id: here.leaseId, increment: '-1h' })).toBe(400);
    await ended(here.at);
  });
});
