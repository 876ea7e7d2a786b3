import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pluginNamed } from '../../../src/engines/database/plugins/index.ts';
import { mountedPostgres, userCreation } from '../../databases/mounted-postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import { Way } from '../../databases/way.ts';
import type { World } from '../../world.ts';

let server: PostgresServer;
let root = '';
let roots = 0;
let at: World;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

beforeEach(async () => {
  root = `root_${++roots}`;
  await server.query(`CREATE ROLE ${root} LOGIN SUPERUSER PASSWORD 'first'`);
  at = await mountedPostgres(server, { connection: { username: root, password: 'first' } });
  await at.write('database/roles/app', { db_name: 'main', creation_statements: userCreation, default_ttl: '1h' });
  at.system.reconciler.start();
});

/** The name of a user that was made, and its lease. */
async function credential(): Promise<{ readonly username: string; readonly leaseId: string }> {
  const { data, leaseId = '' } = await at.read('database/creds/app');
  return { username: String(data?.['username']), leaseId };
}

/** Why it could not be revoked; '': it was. */
const revoked = (leaseId: string): Promise<string> =>
  at.write('sys/leases/revoke', { lease_id: leaseId, sync: true }).then(
    () => '',
    (error: unknown) => (error as Error).message,
  );

const declared = (url: string, password: string, username = root): Promise<unknown> =>
  at.write('database/config/main', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: url,
    username,
    password,
    allowed_roles: '*',
  });

const changePassword = (password: string) => server.query(`ALTER ROLE ${root} PASSWORD '${password}'`);

async function deletedWithAnotherPassword(): Promise<{ readonly username: string; readonly leaseId: string }> {
  const made = await credential();
  // What is open goes on, whatever becomes of the password.
  await at.write('database/reset/main');
  await at.delete('database/config/main');
  await changePassword('second');
  return made;
}

describe('a lease of a deleted connection whose password does not work any more', () => {
  it('says what a person can do, in so many words', async () => {
    const { leaseId } = await deletedWithAnotherPassword();
    expect(await revoked(leaseId)).toBe(
      'it is not ended yet, and tried again: the connection "main" was deleted, and its password does not work any more: ' +
        'declare it again with a password that works, or end its leases with "lease revoke -prefix -force", which leaves their ' +
        `users in the database (revoking the user: password authentication failed for user "${root}" (does its password still hold?))`,
    );
    await changePassword('first');
    expect(await revoked(leaseId)).toBe('');
    await at.system.close();
  });

  it('is ended by one of the same name with a password that works, also after that was changed', async () => {
    const { username, leaseId } = await deletedWithAnotherPassword();
    await declared(server.url(), 'second');
    await at.write('database/rotate-root/main');
    expect(await revoked(leaseId)).toBe('');
    expect(await server.users()).not.toContain(username);
    await at.system.close();
  });

  it('is ended by one of the same name with another user, and by its own where that one lets in no more', async () => {
    const first = await deletedWithAnotherPassword();
    await declared(server.url(), server.password, server.username);
    const second = await credential();
    expect(await revoked(first.leaseId)).toBe('');
    await at.write('database/config/main', { username: root, password: 'wrong', verify_connection: false });
    expect(await revoked(second.leaseId)).toContain('password authentication failed');
    await at.delete('database/config/main');
    await declared(server.url(), server.password, server.username);
    expect(await revoked(second.leaseId)).toBe('');
    await at.system.close();
  });

  it('says so where the one of its name does not let in either', async () => {
    const { leaseId } = await deletedWithAnotherPassword();
    await declared(server.url(), 'second');
    await changePassword('third');
    await at.write('database/reset/main');
    expect(await revoked(leaseId)).toContain(
      'neither its password nor that of the one declared since works: correct that one, or end its leases',
    );
    await at.write('database/config/main', { password: 'third' });
    expect(await revoked(leaseId)).toBe('');
    await at.system.close();
  });

  it('is not ended by one of the same name that leads to another database, where its user is not', async () => {
    const { username, leaseId } = await deletedWithAnotherPassword();
    const other = await PostgresServer.start();
    await declared(other.url(), other.password, other.username);
    expect(await revoked(leaseId)).toContain(
      'the one that has its name now leads to another database, so it is not used: ' +
        'delete that one until it is done, declare the old one again with a password that works, or end its leases',
    );
    expect(await server.users()).toContain(username);
    await at.delete('database/config/main');
    await declared(server.url(), 'second');
    expect(await revoked(leaseId)).toBe('');
    expect(await server.users()).not.toContain(username);
    await at.system.close();
    await other.stop();
  });

  it('is shown with that reason once it counts as irrevocable, and while its mount is removed', async () => {
    const { username, leaseId } = await credential();
    await changePassword('second');
    await at.write('database/reset/main');
    await at.delete('sys/mounts/database');
    for (let day = 0; day < 7; day++) {
      await at.system.tidy(at.clock.now() + 10_000);
      at.clock.time += 86_400_000;
    }
    const { data } = await at.read('sys/leases', { type: 'irrevocable' });
    expect(data).toMatchObject({
      leases: [
        {
          lease_id: leaseId,
          error: expect.stringContaining(
            'the mount of the connection "main" was disabled, and its password does not work any more: ' +
              'set it in the database to what it was, or end its leases with "lease revoke -prefix -force"',
          ) as string,
        },
      ],
    });
    await at.write(`sys/leases/revoke-force/${leaseId}`);
    for (let look = 0; look < 2; look++) {
      await at.system.tidy(at.clock.now() + 10_000);
      at.clock.time += 60_000;
    }
    expect([...at.medium.entries.keys()].filter((key) => key.startsWith('core/deleting-mounts/'))).toEqual([]);
    await server.query(`DROP ROLE "${username}"`);
    await at.system.close();
  });
});

it('says where its database was if that does not answer, and that one of its name elsewhere is not used', async () => {
  const way = await Way.to(server.port);
  await declared(server.url(way.port), 'first');
  const { leaseId } = await credential();
  await at.delete('database/config/main');
  await declared(server.url(), 'first');
  await way.close();
  expect(await revoked(leaseId)).toContain(
    'the connection "main" was deleted, and its database does not answer where it was; the one that has its name now leads ' +
      'to another database, so it is not used: if it never will again, end its leases with "lease revoke -prefix -force"',
  );
  await way.open();
  at.clock.time += 3_600_000;
  await at.system.tidy(at.clock.now() + 10_000);
  expect(await at.status('write', 'sys/leases/lookup', { lease_id: leaseId })).toBe(400);
  await at.system.close();
  await way.close();
});

describe('two connections lead to the same database', () => {
  const destination = (plugin: string, url: string, details = {}): string =>
    pluginNamed(`${plugin}-database-plugin`)!.destination({
      url,
      username: 'u',
      password: 'p@:/?#',
      details,
      maxOpen: 1,
      maxIdle: 1,
      maxLifetime: 0,
    });

  it.each([
    [
      'postgresql',
      'postgresql://{{username}}:{{password}}@DB.example.com/app?sslmode=require',
      'postgres://db.example.com:5432/app',
    ],
    ['postgresql', 'postgresql://u@[::1]', 'postgresql://u@[::1]:5432/postgres'],
    ['mysql', '{{username}}:{{password}}@tcp(db:3306)/app', 'mysql://{{username}}:{{password}}@DB/app'],
    ['mysql', 'u:p@unix(/run/my.sock)/', 'mysql://u:p@localhost/?socket=/run/my.sock'],
    ['mongodb', 'mongodb://{{username}}:{{password}}@a,B:27018/admin?w=1', 'mongodb://b:27018,A:27017/'],
  ])('of %s: %s and %s', (plugin, one, another) => {
    expect(destination(plugin, one)).toBe(destination(plugin, another));
  });

  it.each([
    ['postgresql', 'postgresql://u:p@db/app', 'postgresql://u:p@db2/app', {}],
    ['postgresql', 'postgresql://u:p@db/app', 'postgresql://u:p@db:5433/app', {}],
    ['postgresql', 'postgresql://u:p@db/app', 'postgresql://u:p@db/App', {}],
    ['postgresql', 'postgresql://u:p@db/app', 'postgresql://u:p@db/app?host=/run/postgresql', {}],
    ['mysql', 'u:p@tcp(db)/', 'u:p@tcp(db:3307)/', {}],
    ['mysql', 'u:p@tcp(db)/', 'u:p@tcp(db)/', { tls_server_name: 'b.example.com' }],
    ['mongodb', 'mongodb://a/admin', 'mongodb+srv://a/admin', {}],
    ['mongodb', 'mongodb://a/admin', 'mongodb://a/app', {}],
    ['mongodb', 'mongodb://a/admin?replicaSet=one', 'mongodb://a/admin?replicaSet=two', {}],
  ])('but not those of %s: %s and %s %j', (plugin, one, another, details) => {
    expect(destination(plugin, one)).not.toBe(destination(plugin, another, details));
  });
});
