import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyWorkspace, type Workspace } from '../../cli/workspace.ts';
import { mountedPostgres, userCreation } from '../../databases/mounted-postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import type { World } from '../../world.ts';

let server: PostgresServer;
let root = '';
let user = '';
let count = 0;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  root = `root_${++count}`;
  user = `reporting_${count}`;
  await server.query(`CREATE ROLE ${root} LOGIN SUPERUSER PASSWORD 'first'`);
  await server.query(`CREATE ROLE ${user} LOGIN PASSWORD 'first'`);
});

const letsIn = (name: string, password: string): Promise<boolean> =>
  server.query('SELECT 1', { user: name, password }).then(
    () => true,
    () => false,
  );

describe('a connection that is renamed', () => {
  let at: World;
  beforeEach(async () => {
    at = await mountedPostgres(server, { connection: { username: root, password: 'first' } });
    await at.write('database/roles/app', { db_name: 'main', creation_statements: userCreation, default_ttl: '8h' });
    at.system.reconciler.start();
  });

  const rename = (from = 'main', to = 'orders'): Promise<unknown> =>
    at.write('sys/managed/rename', { from: `database/config/${from}`, to: `database/config/${to}` });
  const refusal = (request: Promise<unknown>): Promise<string> =>
    request.then(
      () => '',
      (error: unknown) => (error as Error).message,
    );
  const credential = async (): Promise<{ readonly username: string; readonly leaseId: string }> => {
    const { data, leaseId = '' } = await at.read('database/creds/app');
    return { username: String(data?.['username']), leaseId };
  };
  const kept = (folder: string): readonly string[] => [...at.medium.entries.keys()].filter((key) => key.includes(`/${folder}/`));

  it('keeps its password and its leases, over a rotation, a second name and its deletion', async () => {
    await at.write('database/rotate-root/main');
    const [one, two, three] = [await credential(), await credential(), await credential()];
    await rename();
    expect(await at.status('read', 'database/config/main')).toBe(404);
    expect((await at.read('database/roles/app')).data).toMatchObject({ db_name: 'orders' });
    await at.write('database/rotate-root/orders');
    await credential();
    expect(await at.write('sys/leases/renew', { lease_id: one.leaseId })).toMatchObject({ leaseId: one.leaseId });
    await at.write('sys/leases/revoke', { lease_id: one.leaseId, sync: true });
    await rename('orders', 'invoices');
    await at.write('sys/leases/revoke', { lease_id: two.leaseId, sync: true });
    expect((await server.users()).filter((name) => [one.username, two.username].includes(name))).toEqual([]);
    await at.delete('database/config/invoices');
    await at.write('sys/leases/revoke', { lease_id: three.leaseId, sync: true });
    await at.write('sys/leases/revoke-prefix/database', { sync: true });
    expect(await server.users()).not.toContain(three.username);
    expect([...kept('renamed'), ...kept('retired'), ...kept('used-by')]).toEqual([]);
    await at.system.close();
  });

  it('is found by the leases of its old name once it is deleted and declared again under the new one', async () => {
    const { leaseId } = await credential();
    await rename();
    await at.write('database/reset/orders');
    await at.delete('database/config/orders');
    await server.query(`ALTER ROLE ${root} PASSWORD 'second'`);
    expect(await refusal(at.write('sys/leases/revoke', { lease_id: leaseId, sync: true }))).toContain(
      'the connection "orders" was deleted, and its password does not work any more: declare it again',
    );
    await at.write('database/config/orders', {
      plugin_name: 'postgresql-database-plugin',
      connection_url: server.url(),
      username: root,
      password: 'second',
    });
    await at.write('sys/leases/revoke', { lease_id: leaseId, sync: true });
    await at.system.close();
  });

  it('has users removed as their role says now, where it was corrected since', async () => {
    await at.write('database/roles/app', { revocation_statements: ['SELECT 1/0'] });
    const { username, leaseId } = await credential();
    await rename();
    await at.write('database/roles/app', { revocation_statements: [] });
    await at.write('sys/leases/revoke', { lease_id: leaseId, sync: true });
    expect(await server.users()).not.toContain(username);
    await at.system.close();
  });

  it('takes its static roles along: their passwords are changed in time by it, and nothing waits under the old name', async () => {
    await at.write('database/static-roles/reporting', { db_name: 'main', username: user, rotation_period: '1h' });
    const before = (await at.read('database/static-creds/reporting')).data as { password: string };
    await rename();
    expect((await at.read('database/static-creds/reporting')).data).toMatchObject({ password: before.password });
    at.clock.time += 3_601_000;
    expect(await at.system.tidy(at.clock.now() + 10_000)).toBe(true);
    const after = (await at.read('database/static-creds/reporting')).data as { password: string };
    expect([await letsIn(user, before.password), await letsIn(user, after.password)]).toEqual([false, true]);
    expect([...kept('due/main'), ...kept('static-user/main')]).toEqual([]);
    expect(
      await refusal(at.write('database/static-roles/other', { db_name: 'orders', username: user, rotation_period: '1h' })),
    ).toContain('is changed by the static role "reporting" already');
    await at.system.close();
  });

  it('stays as it is where another has that name, while its password is changed, and where there is none', async () => {
    await at.write('database/config/orders', {
      plugin_name: 'postgresql-database-plugin',
      connection_url: server.url(),
      username: root,
      password: 'first',
    });
    expect(await refusal(rename())).toContain('there is a connection "orders" already');
    expect(await at.status('write', 'sys/managed/rename', { from: 'database/config/no', to: 'database/config/x' })).toBe(404);
    const role = { from: 'database/roles/app', to: 'database/roles/other' };
    expect(await refusal(at.write('sys/managed/rename', role))).toContain('only connections can be renamed');
    await server.kill();
    await at.status('write', 'database/rotate-root/main');
    expect(await refusal(rename('main', 'x'))).toContain(
      `the password of "${root}" is being changed, see rotations: wait for that before you rename its connection`,
    );
    await server.run();
    await at.system.close();
  });
});

describe('documents that rename a connection', () => {
  const documents = (name: string): string => `apiVersion: secretctl/v1
kind: SecretEngine
metadata: { name: database }
spec: { type: database }
---
apiVersion: secretctl/v1
kind: DatabaseConnection
metadata: { name: ${name} }
spec:
  engine: database
  plugin: postgresql
  connectionUrl: ${server.url()}
  username: ${root}
  password: { fromEnv: DB_PASSWORD }
  allowedRoles: ['*']
---
apiVersion: secretctl/v1
kind: DatabaseRole
metadata: { name: reader }
spec:
  engine: database
  connection: ${name}
  creationStatements: [ "CREATE ROLE \\"{{name}}\\" LOGIN PASSWORD '{{password}}'" ]
  defaultTtl: 1h
---
apiVersion: secretctl/v1
kind: DatabaseStaticRole
metadata: { name: reporting }
spec: { engine: database, connection: ${name}, username: ${user}, rotationPeriod: 1h }
`;
  const moved = `---
apiVersion: secretctl/v1
kind: Refactor
metadata: { name: orders }
spec:
  move: [{ from: DatabaseConnection/database/main, to: DatabaseConnection/database/orders }]
`;

  let at: Workspace;
  beforeEach(async () => {
    at = await emptyWorkspace();
    at.write('database.yaml', documents('main'));
    await at.ok('apply -auto-approve -wait', { env: { DB_PASSWORD: 'first' } });
    await at.ok('write -force database/rotate-root/main');
  });

  it('with a move keep what only the store knows, and its leases', async () => {
    const { lease_id: lease } = await at.json<{ lease_id: string }>('read -json database/creds/reader');
    const before = await at.json<{ data: { password: string } }>('read -json database/static-creds/reporting');
    at.write('database.yaml', documents('orders') + moved);
    const plan = await at.ok('plan');
    expect(plan).toContain('DatabaseConnection/database/main has moved to DatabaseConnection/database/orders');
    expect(plan).not.toContain('LOSES');
    await at.ok('apply -auto-approve');
    expect(await at.ok('plan')).toContain('No changes.');
    await at.ok('read database/creds/reader');
    const after = await at.json<{ data: { password: string } }>('read -json database/static-creds/reporting');
    expect(after.data.password).toBe(before.data.password);
    await at.ok(`lease revoke -sync ${lease}`);
    expect((await at.run('read database/config/main')).code).not.toBe(0);
    await at.ok('lease revoke -auto-approve -prefix -sync database');
  });

  it('without a move are refused, as they would lose its password', async () => {
    at.write('database.yaml', documents('orders'));
    const { code, out, err } = await at.run('apply -auto-approve', { env: { DB_PASSWORD: 'first' } });
    expect([code, out + err]).toEqual([
      1,
      expect.stringContaining('DatabaseConnection/database/main would lose the password of'),
    ]);
    await at.ok('read database/creds/reader');
    await at.ok('lease revoke -auto-approve -prefix -sync database');
  });
});
