import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mountedPostgres, userCreation } from '../../databases/mounted-postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import { Way } from '../../databases/way.ts';
import type { World } from '../../world.ts';

let server: PostgresServer;
let other: PostgresServer;
let at: World;
beforeAll(async () => {
  [server, other] = await Promise.all([PostgresServer.start(), PostgresServer.start()]);
});
afterAll(() => Promise.all([server.stop(), other.stop()]));

beforeEach(async () => {
  at = await mountedPostgres(server);
  await at.write('database/roles/app', { db_name: 'main', creation_statements: userCreation, default_ttl: '1h' });
  at.system.reconciler.start();
  return () => at.system.close();
});

const leadsTo = ({ username, password }: PostgresServer, url: string): Promise<unknown> =>
  at.write('database/config/main', { connection_url: url, username, password });

/** Why it could not be revoked; '': it was. */
const revoked = (leaseId: string): Promise<string> =>
  at.write('sys/leases/revoke', { lease_id: leaseId, sync: true }).then(
    () => '',
    (error: unknown) => (error as Error).message,
  );

describe('a lease whose connection leads elsewhere by now', () => {
  it('is kept where its user is not there, which is no sign that it was removed, until the connection leads back', async () => {
    const { data, leaseId = '' } = await at.read('database/creds/app');
    const username = String(data?.['username']);
    await leadsTo(other, other.url());
    expect(await revoked(leaseId)).toContain(
      `the connection "main" leads to another database than when the user was made, and there is no "${username}"`,
    );
    expect(await server.users()).toEqual([username]);
    // Of a user that was made there nothing of this is so.
    const second = await at.read('database/creds/app');
    await other.query(`DROP ROLE "${String(second.data?.['username'])}"`);
    expect(await revoked(second.leaseId ?? '')).toBe('');
    await leadsTo(server, server.url());
    expect(await revoked(leaseId)).toBe('');
    expect([await server.users(), await other.users()]).toEqual([[], []]);
  });

  it('is ended where its database has moved, and its user with it', async () => {
    const { leaseId = '' } = await at.read('database/creds/app');
    const way = await Way.to(server.port);
    await leadsTo(server, server.url(way.port));
    expect(await revoked(leaseId)).toBe('');
    expect(await server.users()).toEqual([]);
    await way.close();
  });
});
