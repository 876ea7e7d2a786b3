import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyWorkspace, type Workspace } from '../../cli/workspace.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';

let server: PostgresServer;
let other: PostgresServer;
beforeAll(async () => {
  [server, other] = await Promise.all([PostgresServer.start(), PostgresServer.start()]);
});
afterAll(() => Promise.all([server.stop(), other.stop()]));

const connection = (name: string, url: string, variable: string): string => `---
apiVersion: secretctl/v1
kind: DatabaseConnection
metadata: { name: ${name} }
spec:
  engine: database
  plugin: postgresql
  connectionUrl: ${url}
  username: postgres
  password: { fromEnv: ${variable} }
  allowedRoles: ['*']
`;
const staticRole = `---
apiVersion: secretctl/v1
kind: DatabaseStaticRole
metadata: { name: batch }
spec: { engine: database, connection: here, username: orders_batch, rotationPeriod: 30d }
`;

let at: Workspace;
let env: Readonly<Record<string, string>>;
beforeEach(async () => {
  at = await emptyWorkspace();
  env = { HERE: server.password, THERE: other.password };
  const engine = 'apiVersion: secretctl/v1\nkind: SecretEngine\nmetadata: { name: database }\nspec: { type: database }\n';
  at.write(
    'database.yaml',
    engine + connection('here', server.url(), 'HERE') + connection('there', other.url(), 'THERE') + staticRole,
  );
  for (const each of [server, other])
    await each.query(`DROP ROLE IF EXISTS orders_batch; CREATE ROLE orders_batch LOGIN PASSWORD 'old'`);
});

describe('a static role whose document names another connection', () => {
  it('has the password of its user there changed at once, which the plan says', async () => {
    await at.ok('apply -auto-approve -wait', { env });
    at.edit('database.yaml', 'connection: here', 'connection: there');
    expect(await at.ok('plan', { env })).toContain('changes the password of "orders_batch" at once where "there" leads');
    await at.ok('apply -auto-approve -wait', { env });
    const { data } = await at.json<{ data: { password: string } }>('read -json database/static-creds/batch');
    expect(await other.query('SELECT current_user AS name', { user: 'orders_batch', password: data.password })).toEqual([
      { name: 'orders_batch' },
    ]);
    expect(await at.ok('plan', { env })).toContain('No changes.');
  });

  it('is refused where its user is not there, before anything is written', async () => {
    await at.ok('apply -auto-approve -wait', { env });
    await other.query('DROP ROLE orders_batch');
    at.edit('database.yaml', 'connection: here', 'connection: there');
    const { code, err } = await at.run('apply -auto-approve', { env });
    expect([code, err]).toEqual([1, expect.stringContaining('there is no user "orders_batch" in the database')]);
    await at.ok('write -force database/rotate-role/batch');
  });
});

it('a connection that leads elsewhere leaves the users of its leases where they are, which the plan says, and the leases too', async () => {
  const role =
    'kind: DatabaseRole\nmetadata: { name: reader }\nspec:\n  engine: database\n  connection: here\n  creationStatements:\n';
  const statement = `    - CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'\n`;
  at.write('role.yaml', `apiVersion: secretctl/v1\n${role}${statement}`);
  await at.ok('apply -auto-approve -wait', { env });
  const { lease_id: id, data } = await at.json<{ lease_id: string; data: { username: string } }>(
    'read -json database/creds/reader',
  );
  at.edit(
    'database.yaml',
    `${server.url()}\n  username: postgres\n  password: { fromEnv: HERE }`,
    `${other.url()}\n  username: postgres\n  password: { fromEnv: THERE, version: 2 }`,
  );
  const plan = await at.ok('plan', { env });
  expect(plan).toMatch(/1 lease of users that it made: if the new connectionUrl leads to another database, they stay/);
  expect(plan).toContain('the password of 1 static role is');
  await at.ok('apply -auto-approve', { env });
  const { code, err } = await at.run(`lease revoke -sync ${id}`);
  expect([code, err]).toEqual([1, expect.stringContaining(`there is no "${data.username}": remove it where it was made`)]);
  expect(await at.ok('lease list -failing')).toContain(data.username);
  expect(await server.users()).toEqual([data.username, 'orders_batch'].toSorted());
  at.edit(
    'database.yaml',
    `${other.url()}\n  username: postgres\n  password: { fromEnv: THERE, version: 2 }`,
    `${server.url()}\n  username: postgres\n  password: { fromEnv: HERE, version: 3 }`,
  );
  await at.ok('apply -auto-approve', { env });
  await at.ok(`lease revoke -sync ${id}`);
  expect(await server.users()).toEqual(['orders_batch']);
});

it('a password that is taken out of a document stays in use, as it was used when it stood there', async () => {
  await at.ok('apply -auto-approve -wait', { env });
  at.edit('database.yaml', '  password: { fromEnv: HERE }\n', '');
  await at.ok('apply -auto-approve', { env: {} });
  await at.ok('write -force database/rotate-role/batch');
  expect(await at.ok('plan', { env: {} })).toContain('No changes.');
});

it('a user whose password ours may not change is named, with the right that is missing, where no statements were given', async () => {
  await server.query(`DROP ROLE IF EXISTS modest; CREATE ROLE modest LOGIN PASSWORD 'modest'`);
  at.edit('database.yaml', 'username: postgres', 'username: modest');
  const { code, err } = await at.run('apply -auto-approve', { env: { ...env, HERE: 'modest' } });
  expect(code).toBe(1);
  expect(err).toMatch(/the password of "orders_batch" cannot be set: permission denied.*ADMIN OPTION/);
  expect(err).not.toContain('rotationStatements');
});
