import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { database } from '../../../src/engines/database/index.ts';
import type { Kind, LensContext } from '../../../src/kinds/kind.ts';
import { serve } from '../../cli/serving.ts';
import { emptyWorkspace, type Workspace } from '../../cli/workspace.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';

const kindNamed = (name: string): Kind => database.kinds.find(({ kind }) => kind === name) as Kind;

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

const documents = (url: string): string => `apiVersion: secretctl/v1
kind: SecretEngine
metadata: { name: database }
spec: { type: database }
---
apiVersion: secretctl/v1
kind: DatabaseConnection
metadata: { name: main }
spec:
  engine: database
  plugin: postgresql
  connectionUrl: ${url}
  username: postgres
  password: { fromEnv: DB_PASSWORD }
  allowedRoles: [reader]
  pool: { maxOpen: 2 }
---
apiVersion: secretctl/v1
kind: DatabaseRole
metadata: { name: reader }
spec:
  engine: database
  connection: main
  creationStatements:
    - CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'
    - GRANT pg_read_all_data TO "{{name}}"
  defaultTtl: 1h
  maxTtl: 1d
`;

describe('documents of a database', () => {
  let at: Workspace;
  let env: Readonly<Record<string, string>>;
  beforeEach(async () => {
    at = await emptyWorkspace();
    at.write('database.yaml', documents(server.url()));
    env = { DB_PASSWORD: server.password };
  });

  it('are planned and applied, then nothing is left to do, and a user can be had', async () => {
    const plan = await at.ok('plan', { env });
    expect(plan).toContain('# DatabaseConnection/database/main will be created');
    expect(plan).toContain('Plan: 3 to add');
    expect(plan).not.toContain(server.password);
    await at.ok('apply -auto-approve', { env });
    // The value is needed no more, as its source has not changed.
    expect(await at.ok('plan')).toContain('No changes.');
    expect(await at.ok('drift')).toContain('No changes.');
    const given = await at.json<{ data: { username: string; password: string } }>('read -json database/creds/reader');
    const rows = await server.query('SELECT current_user AS name', {
      user: given.data.username,
      password: given.data.password,
    });
    expect(rows).toEqual([{ name: given.data.username }]);
  });

  it('change what they name and nothing else; what somebody changed by hand is drift', async () => {
    await at.ok('apply -auto-approve', { env });
    at.edit('database.yaml', 'allowedRoles: [reader]', 'allowedRoles: [writer, reader]');
    at.edit('database.yaml', 'maxTtl: 1d', 'maxTtl: 2d');
    const plan = await at.ok('plan');
    expect(plan).toMatch(/\+ "writer"/);
    expect(plan).toMatch(/maxTtl\s+= "1d" -> "2d"/);
    await at.ok('apply -auto-approve');
    expect((await at.json<{ data: JsonObject }>('read -json database/config/main')).data).toMatchObject({
      allowed_roles: ['reader', 'writer'],
      connection_details: { username: 'postgres', max_open_connections: 2 },
    });
    await at.ok('write database/roles/reader max_ttl=5d');
    expect(await at.ok('drift')).toMatch(/maxTtl\s+= "2d" -> "5d"/);
    await at.ok('apply -auto-approve');
    expect(await at.ok('drift')).toContain('No changes.');
  });

  it('write the password again only where its source says so', async () => {
    await at.ok('apply -auto-approve', { env });
    at.edit('database.yaml', 'maxOpen: 2', 'maxOpen: 3');
    // Not set: nothing asks for it.
    await at.ok('apply -auto-approve');
    at.edit('database.yaml', '{ fromEnv: DB_PASSWORD }', '{ fromEnv: DB_PASSWORD, version: 2 }');
    const refused = await at.run('apply -auto-approve', { env: { DB_PASSWORD: 'another' } });
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.err).toContain('password authentication failed');
    expect(refused.out + refused.err).not.toContain('another');
    await at.ok('apply -auto-approve', { env });
    expect(await at.ok('plan')).toContain('No changes.');
  });

  it('hold no password, neither in the URL nor in its own field', async () => {
    at.edit('database.yaml', server.url(), 'postgresql://postgres:hunter2@db/app');
    const inUrl = await at.run('plan', { env });
    expect(inUrl.out + inUrl.err).toContain('connectionUrl holds a password');
    expect(inUrl.out + inUrl.err).toContain('write {{username}}:{{password}} there');
    at.write('database.yaml', documents(server.url()).replace('{ fromEnv: DB_PASSWORD }', 'hunter2'));
    const plain = await at.run('plan', { env });
    expect(plain.out + plain.err).toContain('a plain value in the secret field "password"');
    expect([inUrl.code, plain.code]).toEqual([1, 1]);
    expect(plain.out + plain.err).not.toContain('hunter2');
  });

  it.each([
    ['plugin: postgresql', 'plugin: oracle', '"plugin" must be one of'],
    ['connection: main', 'connection: other', 'unknown database connection "other" in "database"'],
    ['type: database', 'type: kv', '"database" is a mount of type kv; a DatabaseConnection lives in a database mount'],
    ['defaultTtl: 1h', 'defaultTtl: 2d', 'defaultTtl is greater than maxTtl'],
    ['defaultTtl: 1h', 'reassignTo: postgres', 'reassignTo counts only with ownedObjects: reassign'],
    ['  username: postgres\n', '', 'connectionUrl has a place for {{username}}, and there is none'],
  ])('are refused where they make no sense: %s → %s', async (from, to, message) => {
    at.edit('database.yaml', from, to);
    const { code, out, err } = await at.run('plan', { env });
    expect(code).toBe(1);
    expect(out + err).toContain(message);
  });

  it('are made by an import of what is there', async () => {
    await at.ok('apply -auto-approve', { env });
    await at.ok('state forget -auto-approve DatabaseRole/database/reader');
    await at.ok('state forget -auto-approve DatabaseConnection/database/main');
    expect((await at.run('plan', { env })).err).toContain('secretctl import DatabaseConnection/database/main main');
    await at.ok('import -auto-approve DatabaseConnection/database/main main');
    await at.ok('import -auto-approve DatabaseRole/database/reader reader');
    expect(await at.ok('plan')).toContain('No changes.');

    // Also where no document declares them yet: the store knows the password.
    for (const address of ['DatabaseRole/database/reader', 'DatabaseConnection/database/main'])
      await at.ok(`state forget -auto-approve ${address}`);
    at.write('database.yaml', documents(server.url()).split('---')[0] ?? '');
    await at.ok('import -auto-approve DatabaseConnection/database/main main');
    await at.ok('import -auto-approve DatabaseRole/database/reader reader');
    expect(await at.ok('plan')).toContain('No changes.');
    await at.ok('read database/creds/reader');
  });
});

describe('the lens of a connection', () => {
  const kind = kindNamed('DatabaseConnection');
  const resource = { kind: kind.kind, mount: 'database', name: 'main' };
  const context: LensContext = { engines: new Map([['database', { type: 'database', options: {} }]]), methods: new Map() };
  const spec = kind.normalize(
    {
      engine: 'database',
      plugin: 'postgresql',
      connectionUrl: 'postgresql://db/app',
      tls: { ca: 'PEM', certificate: 'PEM', privateKey: { fromFile: 'key.pem' } },
    },
    resource,
    context,
  );

  it('says where the values of secret fields stand', () => {
    const [request] = kind.write({ before: null, after: spec, lastApplied: null, changed: [] }, resource, context);
    expect(request).toMatchObject({
      path: 'database/config/main',
      data: { plugin_name: 'postgresql-database-plugin', tls_ca: 'PEM', private_key: { fromFile: 'key.pem', version: 1 } },
      values: [{ at: '/private_key', field: 'tls.privateKey' }],
    });
  });

  it('takes a secret field away that is declared no more', () => {
    const after = kind.normalize({ ...spec, tls: {} }, resource, context);
    const before = { spec, mark: null };
    const [request] = kind.write({ before, after, lastApplied: spec, changed: [] }, resource, context);
    expect(request?.data).toEqual({ tls_ca: '', tls_certificate: '', private_key: '' });
  });

  it('gives the same normal spec again', () => {
    expect(kind.normalize(spec, resource, context)).toEqual(spec);
  });
});

describe('what is planned is tried before it is committed', () => {
  let at: Workspace;
  let env: Readonly<Record<string, string>>;
  beforeEach(async () => {
    at = await emptyWorkspace();
    at.write('database.yaml', documents(server.url()));
    env = { DB_PASSWORD: server.password };
  });
  const bad = ['GRANT pg_read_all_data', 'GRANT pg_read_everything'] as const;

  it('and one failure refuses all of it, with the place of the document and what to do', async () => {
    at.edit('database.yaml', ...bad);
    const refused = await at.run('apply -auto-approve', { env });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(
      'Error: DatabaseRole/database/reader would not work: creationStatements[1]: role "pg_read_everything" does not exist',
    );
    expect(refused.err).toContain('on database.yaml:26:7\n  26 │     - GRANT pg_read_everything TO "{{name}}"');
    expect(refused.err).toContain('Nothing was changed.');
    expect(refused.err).not.toContain('-skip-verify');
    expect(await at.ok('secrets list')).not.toContain('database');
    const json = await at.run('apply -auto-approve -json', { env });
    expect((JSON.parse(json.err) as { error: unknown }).error).toMatchObject({
      code: 'would-not-work',
      problems: [{ address: 'DatabaseRole/database/reader', place: { file: 'database.yaml', line: 26, column: 7 } }],
    });
    // A saved plan does not know where its documents are.
    await at.ok('plan -out=saved', { env });
    const saved = await at.run('apply saved', { env });
    expect(saved).toMatchObject({ code: 1 });
    expect(saved.err).toContain('DatabaseRole/database/reader would not work');
  });

  it('tells one cause once, where it lies, and which others need that', async () => {
    at.edit('database.yaml', server.url(), 'postgresql://{{username}}:{{password}}@127.0.0.1:1/postgres');
    const { code, err } = await at.run('apply -auto-approve', { env });
    expect(code).toBe(1);
    expect(err).toContain('DatabaseConnection/database/main could not be tried: ');
    expect(err).toContain('127.0.0.1:1 (another one needs it: DatabaseRole/database/reader)');
    expect(err.match(/Error: /g)).toHaveLength(1);
    expect(err).toMatch(/on database\.yaml:8:19/);
    expect(err.match(/-skip-verify/g)).toHaveLength(1);

    // Who is refused is not offered to look away.
    at.write('database.yaml', documents(server.url()));
    const refused = await at.run('apply -auto-approve', { env: { DB_PASSWORD: 'another' } });
    expect(refused.err).toContain('DatabaseConnection/database/main would not work: ');
    expect(refused.err.match(/password authentication failed/g)).toHaveLength(1);
    expect(refused.err).toContain('(another one needs it: DatabaseRole/database/reader)');
    expect(refused.err).not.toContain('-skip-verify');
  });

  it('with the field of the statements that leave a user who can log in', async () => {
    at.write(
      'database.yaml',
      documents(server.url()).replace('  defaultTtl', '  revocationStatements: [SELECT 1]\n  defaultTtl'),
    );
    const { code, err } = await at.run('apply -auto-approve', { env: { DB_PASSWORD: server.password } });
    expect(code).toBe(1);
    expect(err).toContain('would not work: revocationStatements: they leave the user, who can still log in: drop it');
    expect(err).toContain('│   revocationStatements: [SELECT 1]');
  });

  it('unless nobody wants that, which the audit log notes', async () => {
    at.edit('database.yaml', ...bad);
    await at.ok('apply -auto-approve -skip-verify', { env });
    expect(await at.ok('plan', { env })).toContain('No changes.');
    const log = at.read('.secretctl/audit/audit.log');
    expect(log.split('\n').filter((line) => line.includes('apply-commit'))).toEqual([
      expect.stringContaining('"skip_verify":true'),
    ]);
  });
});

describe('what an apply leaves to be done outside', () => {
  let at: Workspace;
  let other: PostgresServer;
  let env: Readonly<Record<string, string>>;
  beforeEach(async () => {
    at = await emptyWorkspace();
    other = await PostgresServer.start();
    at.write('database.yaml', documents(other.url()));
    env = { DB_PASSWORD: other.password };
    await at.ok('apply -auto-approve -wait', { env });
    await at.ok('read database/creds/reader');
    await at.ok('read database/creds/reader');
    at.write('database.yaml', '');
    return () => other.stop();
  });

  it('is counted and named, and -wait waits for it', async () => {
    expect(await other.users()).toHaveLength(2);
    const plan = await at.ok('plan');
    expect(plan).toContain('revokes 2 leases; what it holds is shredded when the last has ended');
    // One thing is said of them, although their role and their connection go, too.
    expect(plan.match(/\d leases/g)).toHaveLength(1);
    expect(plan).not.toContain('they live until');
    const { out, err } = await at.run('apply -auto-approve -wait');
    expect(out).toContain('Resources: 0 added, 0 changed, 3 destroyed. 1 external step pending.');
    expect(out).toContain('SecretEngine/database: end the 2 leases of "database", then shred what it holds');
    expect(err).toContain('All external steps are done.');
    expect(await other.users()).toEqual([]);
  });

  it('is said before of a connection and a role: their users live on, and how', async () => {
    at.write('database.yaml', documents(other.url()).replace('maxTtl: 1d', 'maxTtl: 2d').replace('maxOpen: 2', 'maxOpen: 3'));
    const changed = await at.ok('plan');
    expect(changed).toContain('2 leases of users that it made: they are renewed by what it says then');
    expect(changed).toContain('2 leases of users that it made: they are renewed and removed by it as it is then');
    const anew = await at.ok('plan -replace=DatabaseRole/database/reader');
    expect(anew).toContain('2 leases of users that it made: they are renewed by what it says then');
    expect(anew).not.toContain('renewed no more');
    at.write('database.yaml', documents(other.url()).split('---')[0] ?? '');
    const gone = await at.ok('plan');
    expect(gone).toContain('they live until their time is over, and are renewed no more');
    expect(gone).toContain('it is kept in the background to remove them');
    expect(gone).not.toContain('revokes');
    // Nothing is left to be done, as nothing ends early.
    expect(await at.ok('apply -auto-approve')).toContain('2 destroyed.\n');
    expect(await other.users()).toHaveLength(2);
    await at.ok('lease revoke -auto-approve -prefix database/creds');
    expect(await other.users()).toEqual([]);
  });

  it('fails a command that waits, which names the step and why; without -wait it goes on in the background', async () => {
    await other.kill();
    const waited = await at.run('apply -auto-approve -wait -json');
    expect(waited.code).toBe(1);
    expect(JSON.parse(waited.out)).toMatchObject({
      pending: 1,
      outside: [{ address: { kind: 'SecretEngine', name: 'database' } }],
      left: [{ left: 2, problem: expect.stringContaining('ECONNREFUSED') as string }],
    });
    expect(waited.err).toContain('not all is done outside: SecretEngine/database: end the 2 leases');
    expect(waited.err).toContain('How that goes: secretctl lease list -failing');
    const failing = await at.run('lease list -failing');
    expect(failing.out).toContain('ECONNREFUSED');
    expect(failing.err).toMatch(
      /^Warning: 2 leases have ended, .*ECONNREFUSED.*\. Ending (\d of )?them has failed: secretctl lease list -failing\. Each/,
    );
    // The store says so until it is done.
    expect(await at.ok('plan')).toContain('No changes.');
    await other.run();
  });

  it('is done by a server, which is asked how it stands', async () => {
    const served = await serve(at);
    expect((await at.run('apply -auto-approve -wait -wait-timeout=soon')).err).toContain('-wait-timeout must be a duration');
    await other.kill();
    const failed = await at.run('apply -auto-approve -wait');
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.err).toContain('It is tried again in the background, later each time. How that goes: secretctl status');
    await other.run();
    await served.stop();
  });
});

describe('a document of a static role', () => {
  let at: Workspace;
  let env: Readonly<Record<string, string>>;
  const role = (rest: string): string => `---
apiVersion: secretctl/v1
kind: DatabaseStaticRole
metadata: { name: reporting }
spec:
  engine: database
  connection: main
  username: reporting
${rest}`;
  beforeEach(async () => {
    await server.query(`DROP ROLE IF EXISTS reporting`);
    await server.query(`CREATE ROLE reporting LOGIN PASSWORD 'first'`);
    at = await emptyWorkspace();
    at.write('database.yaml', documents(server.url()).replace('[reader]', '[reader, reporting]'));
    env = { DB_PASSWORD: server.password, REPORTING: 'first' };
  });
  const login = (password: string): Promise<readonly unknown[]> =>
    server.query('SELECT current_user AS name', { user: 'reporting', password });
  const given = async (): Promise<string> =>
    (await at.json<{ data: { password: string } }>('read -json database/static-creds/reporting')).data.password;

  it('has its password changed at once, which the plan says and -wait waits for; then nothing is left to do', async () => {
    at.write('static.yaml', role('  rotationPeriod: 30d\n'));
    const { out, err } = await at.run('apply -auto-approve -wait', { env });
    expect(out).toContain(
      'changes the password of "reporting" at once: whoever logs in with the present one must read the new one',
    );
    expect(out).toContain('1 external step pending.');
    expect(out).toContain('DatabaseStaticRole/database/reporting: change the password of "reporting"');
    expect(err).toContain('All external steps are done.');
    await expect(login('first')).rejects.toThrow('password authentication failed');
    const password = await given();
    expect(await login(password)).toEqual([{ name: 'reporting' }]);
    expect(await at.ok('plan')).toContain('No changes.');

    at.edit(
      'static.yaml',
      'rotationPeriod: 30d',
      'rotationSchedule: 0 3 * * SAT\n  rotationTimeZone: Europe/Berlin\n  rotationWindow: 2h',
    );
    expect(await at.ok('apply -auto-approve -wait')).toContain('1 changed, 0 destroyed.\n');
    expect(await given()).toBe(password);
    expect((await at.json<{ data: JsonObject }>('read -json database/static-roles/reporting')).data).toMatchObject({
      rotation_schedule: '0 3 * * SAT',
      rotation_window: 7200,
      rotation_timezone: 'Europe/Berlin',
    });
    expect(await at.ok('plan')).toContain('No changes.');
    at.edit('static.yaml', /rotationSchedule[^]*/, 'rotationPeriod: 1d\n');
    await at.ok('apply -auto-approve');
    expect(await at.ok('plan')).toContain('No changes.');

    at.write('static.yaml', '');
    expect(await at.ok('apply -auto-approve')).toContain('"reporting" stays, with the password that only the store knows');
    expect(await login(password)).toEqual([{ name: 'reporting' }]);
  });

  it('leaves the password as it is where it says so, and takes the present one from where it is', async () => {
    const rest = '  rotationPeriod: 30d\n  skipImportRotation: true\n  password: { fromEnv: REPORTING }\n';
    at.write('static.yaml', role(rest));
    const wrong = await at.run('apply -auto-approve', { env: { ...env, REPORTING: 'wrong' } });
    expect(wrong.err).toContain(
      'DatabaseStaticRole/database/reporting would not work: password: the database does not let "reporting" in',
    );
    expect(wrong.err).toContain('on static.yaml:11:13');
    expect(await at.ok('apply -auto-approve', { env })).toContain('4 added, 0 changed, 0 destroyed.\n');
    expect(await login('first')).toEqual([{ name: 'reporting' }]);
    await at.ok('write -force database/rotate-role/reporting');
    const password = await given();
    // Another source changes nothing by now: the store has set another password.
    at.edit('static.yaml', '{ fromEnv: REPORTING }', '{ fromEnv: REPORTING, version: 2 }');
    await at.ok('apply -auto-approve', { env });
    expect([await given(), await at.ok('plan')]).toEqual([password, expect.stringContaining('No changes.') as string]);
    expect(await login(password)).toEqual([{ name: 'reporting' }]);
  });

  it('fails a command that waits where the password cannot be changed, and says why', async () => {
    await server.query('DROP ROLE reporting');
    at.write('static.yaml', role('  rotationPeriod: 30d\n'));
    const refused = await at.run('apply -auto-approve', { env });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('would not work: username: there is no user "reporting" in the database');
    expect(refused.err).toContain('on static.yaml:8:13');
    expect(await at.ok('secrets list')).not.toContain('database');
    const { code, err } = await at.run('apply -auto-approve -wait -skip-verify', { env });
    expect(code).toBe(1);
    expect(err).toContain('DatabaseStaticRole/database/reporting: change the password of "reporting": ');
    expect(err).toContain('does not exist');
    await server.query(`CREATE ROLE reporting LOGIN PASSWORD 'first'`);
  });

  it.each([
    ['', 'needs rotationPeriod or rotationSchedule'],
    ['  rotationPeriod: 1s\n', 'rotationPeriod is 5s at least'],
    ['  rotationPeriod: 1h\n  rotationWindow: 2h\n', 'rotationWindow counts only with rotationSchedule'],
    ['  rotationPeriod: 1h\n  rotationSchedule: 0 3 * * SAT\n', 'one of them it must be'],
    ['  rotationSchedule: whenever\n', '"whenever" is no cron line'],
    ['  rotationSchedule: 0 3 * * SAT\n  rotationTimeZone: Berlin\n', 'Berlin'],
    ['  rotationSchedule: 0 3 * * SAT\n  rotationWindow: 5m\n', 'rotationWindow is 1h at least'],
    ['  rotationPeriod: 1h\n  selfManaged: true\n', 'its present one is not given'],
  ])('is refused where it makes no sense: %j', async (rest, message) => {
    at.write('static.yaml', role(rest));
    const { code, err } = await at.run('plan', { env });
    expect(code).toBe(1);
    expect(err).toContain(message);
  });
});

describe('the password of a connection', () => {
  it('that was rotated is not overwritten by documents, whatever their source says by then', async () => {
    await server.query('DROP ROLE IF EXISTS secretctl');
    await server.query(`CREATE ROLE secretctl LOGIN SUPERUSER PASSWORD 'first'`);
    const at = await emptyWorkspace();
    at.write('database.yaml', documents(server.url()).replace('username: postgres', 'username: secretctl'));
    await at.ok('apply -auto-approve', { env: { DB_PASSWORD: 'first' } });
    await at.ok('write -force database/rotate-root/main');
    const login = (password: string) => server.query('SELECT 1', { user: 'secretctl', password });
    await expect(login('first')).rejects.toThrow('password authentication failed');
    expect(await at.ok('plan')).toContain('No changes.');
    at.edit('database.yaml', '{ fromEnv: DB_PASSWORD }', '{ fromEnv: DB_PASSWORD, version: 2 }');
    const { code, err } = await at.run('apply -auto-approve', { env: { DB_PASSWORD: 'first' } });
    expect([code, err]).toEqual([0, expect.stringContaining('Warning: the password of "main" was rotated') as string]);
    expect(await at.ok('plan')).toContain('No changes.');
    await at.ok('read database/creds/reader');
    await at.ok('lease revoke -auto-approve -prefix database/creds');
  });
});
