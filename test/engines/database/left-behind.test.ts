import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyWorkspace } from '../../cli/workspace.ts';
import { serve } from '../../cli/serving.ts';
import { mountedPostgres, userCreation } from '../../databases/mounted-postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import type { World } from '../../world.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const user of await server.users()) await server.removeUser(user);
});

/** A role whose users cannot be removed, for a reason that is always the same. */
const stuck = { db_name: 'main', creation_statements: userCreation, revocation_statements: ['SELECT 1/0'], default_ttl: '1h' };

interface Left {
  readonly left_count: number;
  readonly left: readonly { readonly lease_id: string; readonly mount: string; readonly what: string; readonly reason: string }[];
}

describe('a revocation by force', () => {
  let at: World;
  beforeEach(async () => {
    at = await mountedPostgres(server);
    await at.write('database/roles/stuck', stuck);
    await at.write('database/roles/app', { ...stuck, revocation_statements: [] });
    at.system.reconciler.start();
  });
  afterEach(() => at.system.close());

  const made = async (role: string): Promise<{ readonly username: string; readonly leaseId: string }> => {
    const { data, leaseId = '' } = await at.read(`database/creds/${role}`);
    return { username: String(data?.['username']), leaseId };
  };

  it.each(['sys/leases/revoke-force', 'sys/revoke-force'])('by %s names the users that it leaves behind', async (path) => {
    const user = await made('stuck');
    await made('app');
    const { status, data, warnings } = await at.write(`${path}/database`);
    expect(status).toBe(200);
    expect(data).toEqual({
      left_count: 1,
      left: [
        {
          lease_id: user.leaseId,
          mount: 'database/',
          what: `user "${user.username}" of the connection "main"`,
          reason: expect.stringContaining('division by zero') as string,
        },
      ],
    });
    expect(warnings).toEqual([
      expect.stringMatching(
        /^1 lease was forgotten although what it stands for could not be ended \(.*division by zero.*\): it is still there/,
      ),
      `left behind: user "${user.username}" of the connection "main" (lease ${user.leaseId}, mount database/)`,
    ]);
    expect(await server.users()).toEqual([user.username]);
  });

  it('has each of them in the audit log, before it is forgotten, and no password', async () => {
    const { data, leaseId } = await at.read('database/creds/stuck');
    const { username, password } = data as { username: string; password: string };
    await at.write('sys/leases/revoke-force/database');
    const facts = at.sink
      .entries()
      .flatMap(({ request }) => (request?.facts?.['event'] === 'lease-left-behind' ? [request.facts] : []));
    expect(facts).toEqual([
      {
        event: 'lease-left-behind',
        of: leaseId,
        what: `user "${username}" of the connection "main"`,
        reason: expect.stringContaining('division by zero') as string,
      },
    ]);
    expect(JSON.stringify(at.sink.entries())).not.toContain(password);
  });

  it('answers 204 as ever where nothing is left, also when it was told of others before', async () => {
    await made('stuck');
    await at.write('sys/leases/revoke-force/database/creds/stuck');
    at.clock.time += 1000;
    await made('app');
    expect(await at.write('sys/leases/revoke-force/database')).toEqual({ status: 204 });
  });

  it('names twenty of many, and counts all', async () => {
    for (let user = 0; user < 23; user++) await made('stuck');
    const { data, warnings = [] } = await at.write('sys/leases/revoke-force/database/creds');
    const { left_count: count, left } = data as unknown as Left;
    expect([count, left.length, warnings.length]).toEqual([23, 20, 22]);
    expect(warnings.at(-1)).toBe('left behind: 3 more; the audit log names each of them (event lease-left-behind)');
  });

  it('says so of a database that is down', async () => {
    const { username } = await made('app');
    await server.kill();
    const { data } = await at.write('sys/leases/revoke-force/database');
    await server.run();
    expect(data).toMatchObject({ left_count: 1, left: [{ reason: expect.stringContaining('ECONNREFUSED') as string }] });
    expect(await server.users()).toEqual([username]);
  });
});

it.each(['beside no server', 'with a server'])('a command that forgets leases by force %s tells what is left', async (how) => {
  const at = await emptyWorkspace();
  await at.ok('secrets enable database');
  await at.ok([
    ...['write', 'database/config/main', 'plugin_name=postgresql-database-plugin', `connection_url=${server.url()}`],
    ...[`username=${server.username}`, `password=${server.password}`, 'allowed_roles=*'],
  ]);
  await at.ok([
    ...['write', 'database/roles/stuck', 'db_name=main', `creation_statements=${userCreation[0]}`],
    ...['revocation_statements=SELECT 1/0', 'default_ttl=1h'],
  ]);
  const served = how === 'with a server' ? await serve(at) : null;
  const { data } = await at.json<{ data: { username: string } }>('read -json database/creds/stuck');
  const { code, out, err } = await at.run('lease revoke -auto-approve -prefix -force database');
  expect([code, out]).toEqual([0, '1 of the leases below database/ left something behind. All others are revoked.\n']);
  expect(err).toContain(`Warning: left behind: user "${data.username}" of the connection "main" (lease database/creds/stuck/`);
  const again = await at.json<{ data: { username: string } }>('read -json database/creds/stuck');
  const json = await at.json<{ data: Left }>('lease revoke -json -auto-approve -prefix -force database');
  expect(json.data.left[0]?.what).toBe(`user "${again.data.username}" of the connection "main"`);
  expect(await at.ok('lease revoke -auto-approve -prefix -force database')).toContain('There are no leases below database/.');
  await served?.stop();
});
