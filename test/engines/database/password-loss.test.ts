import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyWorkspace, type Workspace } from '../../cli/workspace.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';

let server: PostgresServer;
let at: Workspace;
let root = '';
let roots = 0;
const env = { DB_PASSWORD: 'first' };
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

const mount = `apiVersion: secretctl/v1
kind: SecretEngine
metadata: { name: database }
spec: { type: database }
`;
const connection = (): string => `---
apiVersion: secretctl/v1
kind: DatabaseConnection
metadata: { name: main }
spec:
  engine: database
  plugin: postgresql
  connectionUrl: ${server.url()}
  username: ${root}
  password: { fromEnv: DB_PASSWORD }
  allowedRoles: ['*']
`;
const losable = (): string => connection().replace("allowedRoles: ['*']", "allowedRoles: ['*']\n  losePassword: true");

beforeEach(async () => {
  root = `root_${++roots}`;
  await server.query(`CREATE ROLE ${root} LOGIN SUPERUSER PASSWORD 'first'`);
  at = await emptyWorkspace();
  at.write('database.yaml', mount + connection());
  await at.ok('apply -auto-approve', { env });
  await at.ok('write -force database/rotate-root/main');
});

const audited = (word: string): readonly string[] =>
  at
    .read('.secretctl/audit/audit.log')
    .split('\n')
    .filter((line) => line.includes(word));

describe('a connection whose password only the store knows', () => {
  it('is told of by the path of its mount, and by no other that a policy may not name', async () => {
    expect(await at.ok('read sys/managed/only-here/database')).toContain('the password of 1 connection');
    const { code, out, err } = await at.run('read sys/managed/only-here/database/config');
    expect([code, out + err]).toEqual([expect.any(Number), expect.not.stringContaining('password of')]);
    expect(code).not.toBe(0);
  });

  it('is not deleted with its document: the plan says why, what to do, and that it is refused', async () => {
    at.write('database.yaml', mount);
    for (const command of ['plan', 'apply -auto-approve', 'destroy -auto-approve']) {
      const { code, out, err } = await at.run(command);
      expect(code).toBe(1);
      expect((out + err).replace(/\s+/g, ' ')).toMatch(
        new RegExp(
          `DatabaseConnection/database/main would lose the password of "${root}", which was rotated at 2\\S+: nobody but the store knows it`,
        ),
      );
      expect(out + err).toContain('"losePassword: true"');
      expect(out + err).not.toContain('skip-verify');
    }
    await at.ok('write -force database/reset/main');
    await at.ok('read database/config/main');
  });

  it('is refused by the store too, where whoever plans may not see that', async () => {
    at.write(
      'policy.yaml',
      `apiVersion: secretctl/v1
kind: Policy
metadata: { name: blind }
spec:
  rules:
    - { path: '*', capabilities: [create, read, update, delete, list, sudo] }
    - { path: database/config/main/leases, capabilities: [deny] }
`,
    );
    await at.ok('apply -auto-approve', { env });
    const { auth } = await at.json<{ auth: { client_token: string } }>('token create -json -policy=blind');
    at.write('database.yaml', mount);
    const { code, out, err } = await at.run('apply -auto-approve', { env: { SECRETCTL_TOKEN: auth.client_token } });
    expect([code, out]).toEqual([1, expect.stringContaining('1 to destroy')]);
    expect(err.replace(/\s+/g, ' ')).toContain(
      `nobody but this store knows the password of "${root}", which was rotated, and it would be lost: have the project forget`,
    );
    expect(audited('it would be lost').length).toBeGreaterThan(0);
    await at.ok('read database/config/main');
  });

  it('is not replaced either, nor given another user', async () => {
    expect((await at.run('apply -auto-approve -replace=DatabaseConnection/database/main', { env })).err).toContain(
      'would lose the password of',
    );
    at.edit('database.yaml', `username: ${root}`, 'username: postgres');
    expect((await at.run('apply -auto-approve', { env: { DB_PASSWORD: server.password } })).err).toContain(
      'would lose the password of',
    );
    const refused = await at.run('write database/config/main username=postgres keep_rotated=true');
    expect(refused.err).toContain('it would be lost');
  });

  it('is deleted once its document has said before that this may be, and then the plan says so loudly', async () => {
    at.write('database.yaml', mount + losable());
    expect(await at.ok('plan')).toContain('losePassword');
    await at.ok('apply -auto-approve');
    expect(await at.ok('plan')).toContain('No changes.');
    at.write('database.yaml', mount);
    expect(await at.ok('plan')).toMatch(new RegExp(`LOSES THE PASSWORD of "${root}", which was rotated at 2`));
    await at.ok('apply -auto-approve');
    expect((await at.run('read database/config/main')).code).not.toBe(0);
  });

  it('can be forgotten by its project, or deleted once somebody knows its password', async () => {
    await at.ok('state forget -auto-approve DatabaseConnection/database/main');
    await at.ok('import -auto-approve DatabaseConnection/database/main main');
    await server.query(`ALTER ROLE ${root} PASSWORD 'second'`);
    await at.ok('write database/config/main password=second');
    at.write('database.yaml', mount);
    expect(await at.ok('plan')).not.toContain('LOSES');
    await at.ok('apply -auto-approve');
  });

  it('does not take a new password of its document, and the plan says that before', async () => {
    at.edit('database.yaml', '{ fromEnv: DB_PASSWORD }', '{ fromEnv: DB_PASSWORD, version: 2 }');
    const plan = await at.ok('plan', { env });
    expect(plan).toContain(`does not use the new value of password: that of "${root}" was rotated at 2`);
    await at.ok('apply -auto-approve', { env });
    await at.ok('write -force database/reset/main');
    expect(await at.ok('plan')).not.toContain('does not use');
  });
});

describe('a mount with passwords that only the store knows', () => {
  it('is removed with a warning that counts them, also those of no document', async () => {
    await server.query(`DROP ROLE IF EXISTS reporting`);
    await server.query(`CREATE ROLE reporting LOGIN PASSWORD 'first'`);
    await at.ok('write database/static-roles/reporting db_name=main username=reporting rotation_period=1h');
    await at.ok('state forget -auto-approve DatabaseConnection/database/main');
    at.write('database.yaml', '');
    expect(await at.ok('plan')).toContain(
      'LOSES the passwords of 1 connection and 1 static role, which nobody but the store knows',
    );
    expect(await at.ok('apply -auto-approve')).toContain('LOSES the passwords');
  });

  it('is not removed together with the document of a connection that may not be deleted', async () => {
    at.write('database.yaml', '');
    const { code, out, err } = await at.run('apply -auto-approve');
    expect(code).toBe(1);
    expect(out + err).toContain('DatabaseConnection/database/main would lose the password');
    await at.ok('read database/config/main');
  });
});
