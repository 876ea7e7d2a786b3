import { readFileSync } from 'node:fs';
import { MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { TargetUnavailable } from '../../../src/core/lease.ts';
import { mongodb } from '../../../src/engines/database/plugins/mongodb/index.ts';
import { LoginRefused, type DatabaseSession, type RevokedUser } from '../../../src/engines/database/plugins/plugin.ts';
import { MongoStandIn } from '../../databases/mongo-stand-in/mongo-stand-in.ts';
import { world, type World } from '../../world.ts';

// What is MongoDB's own, on the stand-in for it: no MongoDB runs here.

const creation = JSON.stringify({ db: 'admin', roles: ['readAnyDatabase', { role: 'readWrite', db: 'shop' }] });

let server: MongoStandIn;
let at: World;
beforeAll(async () => {
  server = await MongoStandIn.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  at = await world({ time: Date.now() });
  at.system.reconciler.start();
  await at.write('sys/mounts/database', { type: 'database' });
});
const open: MongoClient[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
  await at.write('sys/leases/revoke-prefix/database').catch(() => undefined);
  await recovered();
  await at.system.close();
  expect([leaseKeys(), server.users()]).toEqual([[], []]);
});

const configure = (fields: JsonObject = {}) =>
  at.write('database/config/main', {
    plugin_name: 'mongodb-database-plugin',
    connection_url: server.url(),
    username: 'root',
    password: server.password,
    allowed_roles: '*',
    ...fields,
  });

async function place(role: JsonObject = {}, connection: JsonObject = {}): Promise<void> {
  await configure(connection);
  await at.write('database/roles/app', { db_name: 'main', creation_statements: creation, default_ttl: '1h', ...role });
}

interface Credential {
  readonly leaseId: string;
  readonly username: string;
  readonly password: string;
}

async function credential(): Promise<Credential> {
  const { data, leaseId } = await at.read('database/creds/app');
  const { username, password } = data as { username: string; password: string };
  return { leaseId: leaseId ?? '', username, password };
}

const revoke = (leaseId: string): Promise<number> => at.status('write', 'sys/leases/revoke', { lease_id: leaseId, sync: true });

async function recovered(): Promise<void> {
  at.clock.time += 1_200_000;
  await at.system.tidy(at.clock.now() + 10_000);
  at.clock.time += 1_200_000;
  expect(await at.system.tidy(at.clock.now() + 10_000)).toBe(true);
}

const leaseKeys = (): readonly string[] => [...at.medium.entries.keys()].filter((key) => key.startsWith('core/lease/'));

/** A client of a user's own. */
function as({ username, password }: Pick<Credential, 'username' | 'password'>, authSource = 'admin'): MongoClient {
  const client = new MongoClient(`mongodb://127.0.0.1:${server.port}`, { auth: { username, password }, authSource });
  open.push(client);
  return client;
}

const code = (answer: Promise<unknown>): Promise<unknown> =>
  answer.then(
    () => 0,
    (error: unknown) => (error as { readonly code?: unknown }).code,
  );

/** The refusal of a request. */
const refused = (request: Promise<unknown>): Promise<{ readonly status: number; readonly message: string }> =>
  request.then(
    () => ({ status: 200, message: '' }),
    (error: unknown) => error as { readonly status: number; readonly message: string },
  );

function session(fields: JsonObject = {}): DatabaseSession {
  return mongodb.open({
    url: server.url(),
    username: 'root',
    password: server.password,
    details: fields,
    maxOpen: 2,
    maxIdle: 2,
    maxLifetime: 0,
  });
}

const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const removed = (name: string, more: Partial<RevokedUser> = {}): RevokedUser => ({
  name,
  revocation: [],
  options: { ownedObjects: 'keep', reassignTo: '', terminateSessions: false },
  pending: false,
  ...more,
});

describe('a user of MongoDB (the stand-in for it)', () => {
  it('has the rights of its roles and no others, keeps them when it is renewed, and is gone when its lease is', async () => {
    await place({ max_ttl: '4h' });
    const user = await credential();
    expect(user.username).toMatch(/^v-root-app-\w{20}-\d{10}$/);
    const client = as(user);
    const orders = client.db('shop').collection('orders');
    await orders.insertOne({ n: 1 });
    expect(await orders.findOne({ n: 1 })).toMatchObject({ n: 1 });
    expect(await client.db('other').collection('orders').findOne()).toBeNull();
    expect(await code(client.db('other').collection('orders').insertOne({ n: 1 }))).toBe(13);
    expect(await code(client.db('admin').command({ createUser: 'mine', pwd: 'x', roles: [] }))).toBe(13);
    at.clock.time += 3_000_000;
    expect(await at.write('sys/leases/renew', { lease_id: user.leaseId })).toMatchObject({ leaseDuration: 3600 });
    at.clock.time += 3_700_000;
    await recovered();
    expect(server.users()).toEqual([]);
    expect(await code(orders.findOne())).toBe(13);
    expect(await code(as(user).connect())).toBe(18);
  });

  it.each([
    ['without revocation statements', []],
    ['with those that name its database', ['{"db": "shop"}']],
    ['with those that name another', ['{"db": "other"}']],
    ['with those that name none', ['{}']],
  ])('that was made in another database than admin is removed there, %s', async (_, revocation_statements) => {
    await place({ creation_statements: '{"db": "shop", "roles": ["readWrite"]}', revocation_statements });
    const user = await credential();
    expect(server.users()).toMatchObject([{ db: 'shop', roles: [{ role: 'readWrite', db: 'shop' }] }]);
    await as(user, 'shop').db('shop').collection('orders').insertOne({ n: 1 });
    expect(await revoke(user.leaseId)).toBe(204);
    expect(server.users()).toEqual([]);
  });

  it('that somebody else made under the same name is not removed', async () => {
    await server.addUser('same', 'admin', { pwd: 'their-own', roles: [] });
    const at = session();
    const user = { name: 'same', password: 'x-secret', expiration: 0, creation: [creation], rollback: [] };
    expect(await refused(at.create(user, soon()))).toMatchObject({
      status: 500,
      message: 'creating the user: User "same@admin" already exists',
    });
    await at.revoke(removed('same', { pending: true }), soon());
    expect(await at.letsIn('same', 'their-own', soon())).toBe(true);
    await at.revoke(removed('same'), soon());
    expect(await at.letsIn('same', 'their-own', soon())).toBe(false);
    await at.close();
  });

  it('is taken back where the answer to its making was lost', async () => {
    await place();
    server.cut('createUser', 'after');
    expect(await refused(at.read('database/creds/app'))).toMatchObject({ status: 500 });
    await recovered();
    expect([leaseKeys(), server.users()]).toEqual([[], []]);
  });

  it('whose making is still under way is stopped, and looked for again', async () => {
    const at = session();
    await at.verify(soon());
    const held = server.hold('createUser');
    const user = { name: 'v-late', password: 'l4te-secret', expiration: 0, creation: [creation], rollback: [] };
    const aborted = new AbortController();
    const making = refused(at.create(user, aborted.signal));
    await held.arrived;
    aborted.abort();
    expect(await making).toBeInstanceOf(TargetUnavailable);
    const pending = removed('v-late', { pending: true });
    expect((await refused(at.revoke(pending, soon()))).message).toMatch(/^the user was still being made/);
    held.release();
    await at.revoke(pending, soon());
    expect(server.users()).toEqual([]);
    await at.close();
  });

  it('loses what it is doing when it is removed, where the role ends sessions', async () => {
    await place({ terminate_sessions: true });
    const user = await credential();
    const held = server.hold('find');
    const reading = code(as(user).db('shop').collection('orders').findOne());
    await held.arrived;
    expect(await revoke(user.leaseId)).toBe(204);
    expect(await reading).toBe(11601);
  });

  it('whose sessions may not be ended has no rights any more, and the reason says which right is missing', async () => {
    await server.addUser('keeper', 'admin', { pwd: 'their-own', roles: ['userAdminAnyDatabase'] });
    await place({ terminate_sessions: true }, { username: 'keeper', password: 'their-own' });
    const user = await credential();
    expect(await revoke(user.leaseId)).toBe(500);
    const { message } = await refused(
      session()
        .revoke(removed('nobody'), soon())
        .then(() => at.write('sys/leases/revoke', { lease_id: user.leaseId, sync: true })),
    );
    expect(message).toContain('the user of the connection may not end sessions: give it the role hostManager');
    expect(await code(as(user).db('shop').collection('orders').findOne())).toBe(13);
    await as(server)
      .db('admin')
      .command({ grantRolesToUser: 'keeper', roles: ['hostManager'] });
    await recovered();
    expect(server.users()).toEqual([]);
    await as(server).db('admin').command({ dropUser: 'keeper' });
  });

  it('is not made by who may not make users, and the refusal says so', async () => {
    await server.addUser('reader', 'admin', { pwd: 'their-own', roles: ['readAnyDatabase'] });
    await place({}, { username: 'reader', password: 'their-own' });
    expect(await refused(at.read('database/creds/app'))).toMatchObject({
      status: 500,
      message: 'creating the user: not authorized on admin to execute command { createUser: … }',
    });
    await recovered();
    expect(leaseKeys()).toEqual([]);
    await as(server).db('admin').command({ dropUser: 'reader' });
  });
});

describe('the statements of a role of MongoDB', () => {
  it.each([
    ['none', [], 'needs a creation statement'],
    ['two', [creation, creation], 'has one creation statement, not 2'],
    ['no JSON', ['CREATE USER x'], 'creation_statements is not a JSON object'],
    ['no object', ['[]'], 'creation_statements is not a JSON object'],
    ['another field', ['{"db": "admin", "roles": ["read"], "pwd": "x"}'], 'creation_statements has "pwd"; there are db, roles'],
    ['no roles', ['{"db": "admin", "roles": []}'], 'creation_statements has no roles'],
    ['a role with another field', ['{"roles": [{"role": "read", "name": "x"}]}'], 'creation_statements has a role with "name"'],
    ['a role that is a number', ['{"roles": [1]}'], 'creation_statements has a role that is none'],
    [
      'a database that is none',
      ['{"db": "a.b", "roles": ["read"]}'],
      'creation_statements has a db that is no name of a database',
    ],
  ])('are refused before a lease is begun: %s', async (_, creation_statements, message) => {
    expect(await refused(place({ creation_statements }).then(() => at.read('database/creds/app')))).toMatchObject({
      status: 400,
      message: expect.stringContaining(message) as string,
    });
    expect(leaseKeys()).toEqual([]);
  });

  it.each([
    ['two', ['{}', '{}'], 'has one revocation statement, not 2'],
    ['another field', ['{"user": "x"}'], 'revocation_statements has "user"; there are db'],
    ['no JSON', ['DROP USER'], 'revocation_statements is not a JSON object, such as {"db": "admin"}'],
  ])('are refused where nothing could be removed by them: %s', async (_, revocation_statements, message) => {
    expect(await refused(place({ revocation_statements }))).toMatchObject({
      status: 400,
      message: expect.stringContaining(message) as string,
    });
  });

  it('with a role that there is not are found by a check, and refused by the database', async () => {
    const wanted = JSON.stringify({ db: 'shop', roles: ['readWrite', 'root'] });
    const rest = {
      rollback: [],
      renewal: [],
      revocation: [],
      options: { ownedObjects: 'keep', reassignTo: '', terminateSessions: false },
    } as const;
    const user = { name: 'v-x', password: 'x', expiration: 0, creation: [wanted], ...rest };
    const at = session();
    expect(await refused(at.tryRole(user, soon()))).toMatchObject({
      status: 400,
      message: 'creation_statements[0]: there is no role "root" in database "shop"',
    });
    expect(await refused(at.create(user, soon()))).toMatchObject({
      status: 500,
      message: 'creating the user: Could not find role: root@shop',
    });
    await at.tryRole({ ...user, creation: [creation] }, soon());
    await at.close();
    expect(server.users()).toEqual([]);
  });
});

describe('a connection to MongoDB (the stand-in for it)', () => {
  it.each([
    ['postgresql://db/x', 'is not one of MongoDB, such as mongodb://'],
    ['mongodb://', 'is not one of MongoDB'],
    ['mongodb://u:s3cret@a b/', 'is not one of MongoDB'],
    ['mongodb://{{user}}@db/', 'a placeholder that is none of {{username}} and {{password}}'],
    ['mongodb://db/?tlsCAFile=/etc/ssl/ca.pem', 'the option "tlsCAFile", which is not offered'],
    ['mongodb://db/?proxyHost=x', 'the option "proxyHost", which is not offered'],
    ['mongodb://db/?authMechanism=MONGODB-AWS', 'authMechanism is MONGODB-AWS, where one of DEFAULT, SCRAM-SHA-1'],
    ['mongodb://db/?authMechanism=MONGODB-X509', 'tls_certificate_key is needed'],
    ['mongodb://db/?tls=maybe', 'the option "tls", which takes true or false'],
    ['mongodb://db/?connectTimeoutMS=soon', 'the option "connectTimeoutMS", which takes a whole number'],
    ['mongodb://db/?w=1&w=2', 'the option "w" twice'],
    ['mongodb://u:%zz@db/', 'a "%" that encodes nothing'],
  ])('is refused without a word of what is secret: %s', async (connection_url, message) => {
    const refusal = await refused(configure({ connection_url, verify_connection: false }));
    expect(refusal).toMatchObject({ status: 400, message: expect.stringContaining(message) as string });
    expect(refusal.message).not.toContain('s3cret');
  });

  it.each([
    [{ write_concern: 'majority' }, 'write_concern is not a JSON object, nor one in base64'],
    [{ write_concern: '{"w": 1, "color": 2}' }, 'write_concern has "color"; there are w, wmode, wtimeout, j, fsync'],
    [{ write_concern: '{"w": "all"}' }, 'write_concern has w, which takes a number'],
    [{ tls_ca: 'none' }, "tls_ca can't be read"],
    [{ tls_certificate_key: 'none' }, 'tls_certificate_key holds a certificate and its key'],
    [{ connect_timeout: -1 }, 'a timeout cannot be negative'],
  ])('is refused with fields that mean nothing: %o', async (fields: JsonObject, message) => {
    expect(await refused(configure({ ...fields, verify_connection: false }))).toMatchObject({
      status: 400,
      message: expect.stringContaining(message) as string,
    });
  });

  it('may be to several servers, or to those that a name stands for', async () => {
    for (const connection_url of [
      'mongodb://{{username}}:{{password}}@a.example.com:27017,b.example.com,[::1]:27018/admin?replicaSet=rs0&readPreference=primary',
      'mongodb+srv://{{username}}:{{password}}@db.example.com/?retryWrites=true&w=majority',
      'mongodb://db.example.com',
    ]) {
      await configure({ connection_url, verify_connection: false });
      expect((await at.read('database/config/main')).data).toMatchObject({ connection_details: { connection_url } });
    }
  });

  it.each([
    [{}, { w: 'majority', wtimeout: 10_000 }],
    [{ write_concern: '{"wmode": "majority", "wtimeout": 500, "j": true}' }, { w: 'majority', wtimeout: 500, j: true }],
    [{ write_concern: Buffer.from('{"W": 2, "WTimeout": 90000}').toString('base64') }, { w: 2, wtimeout: 10_000 }],
  ])('waits for as many servers as it is told: %o', async (fields: JsonObject, writeConcern) => {
    const at = session(fields);
    const held = server.hold('dropUser');
    const removing = at.revoke(removed('v-nobody'), soon());
    const command = await held.arrived;
    held.release();
    await removing;
    await at.close();
    expect(command['writeConcern']).toEqual(writeConcern);
  });

  it('is refused with a wrong password, which nobody reads back', async () => {
    const refusal = await refused(configure({ password: 'wr0ng-secret' }));
    expect(refusal).toMatchObject({ status: 400, message: expect.stringContaining('Authentication failed.') as string });
    expect(refusal.message).not.toContain('wr0ng-secret');
    await configure();
    expect(JSON.stringify((await at.read('database/config/main')).data)).not.toContain(server.password);
  });

  it('finds who logs in where the URL says that they are', async () => {
    await server.addUser('keeper', 'shop', { pwd: 'their-own', roles: [{ role: 'userAdminAnyDatabase', db: 'admin' }] });
    const fields = { username: 'keeper', password: 'their-own' };
    await configure({ ...fields, connection_url: server.url('shop') });
    await configure({ ...fields, connection_url: `${server.url('other')}?authSource=shop` });
    expect(await refused(configure({ ...fields, connection_url: server.url('other') }))).toMatchObject({ status: 400 });
    const at = session();
    await at.revoke(removed('keeper', { place: 'shop' }), soon());
    await at.close();
  });

  it('that hangs fails within its time', async () => {
    const at = session();
    await at.verify(soon());
    const held = server.hold('ping');
    const verifying = refused(at.verify(AbortSignal.timeout(50)));
    await held.arrived;
    expect(await verifying).toMatchObject({ message: 'the database cannot be used: it did not answer in time' });
    held.release();
    await at.close();
  });
});

describe('the password of a user of MongoDB (the stand-in for it)', () => {
  it('of the connection is rotated, and what works beside it logs in with the one that holds', async () => {
    await server.addUser('keeper', 'admin', { pwd: 'old-secret', roles: ['root'] });
    await place({}, { username: 'keeper', password: 'old-secret' });
    const user = await credential();
    await at.write('database/rotate-root/main');
    await expect(as({ username: 'keeper', password: 'old-secret' }).connect()).rejects.toThrow('Authentication failed.');
    await at.write('database/reset/main');
    expect(await revoke(user.leaseId)).toBe(204);
    expect(JSON.stringify((await at.read('database/config/main')).data)).not.toContain('secret');
    await as(server).db('admin').command({ dropUser: 'keeper' });
  });

  it('that somebody changed by hand is said to hold no more', async () => {
    await server.addUser('keeper', 'admin', { pwd: 'old-secret', roles: ['root'] });
    await configure({ username: 'keeper', password: 'old-secret' });
    await as(server).db('admin').command({ updateUser: 'keeper', pwd: 'by-hand' });
    const at = mongodb.open({
      url: server.url(),
      username: 'keeper',
      password: 'old-secret',
      details: {},
      maxOpen: 1,
      maxIdle: 1,
      maxLifetime: 0,
    });
    expect(await refused(at.verify(soon()))).toBeInstanceOf(LoginRefused);
    await at.close();
    await as(server).db('admin').command({ dropUser: 'keeper' });
  });

  it('of a static role is set where the URL says that users are, and is what static-creds gives', async () => {
    await server.addUser('reports', 'shop', { pwd: 'first-secret', roles: ['read'] });
    await configure({ connection_url: `${server.url('shop')}?authSource=admin` });
    await at.write('database/static-roles/reports', { db_name: 'main', username: 'reports', rotation_period: '1h' });
    const given = async () => (await at.read('database/static-creds/reports')).data as { username: string; password: string };
    const first = await given();
    await as(first, 'shop').db('shop').collection('orders').findOne();
    await at.write('database/rotate-role/reports');
    const second = await given();
    expect(second.password).not.toBe(first.password);
    await as(second, 'shop').db('shop').collection('orders').findOne();
    await expect(as(first, 'shop').connect()).rejects.toThrow('Authentication failed.');
    await as(server).db('shop').command({ dropUser: 'reports' });
  });

  it('of the connection itself is changed where that user is', async () => {
    await server.addUser('keeper', 'admin', { pwd: 'old', roles: ['root'] });
    const at = mongodb.open({
      url: `${server.url('shop')}?authSource=admin`,
      username: 'keeper',
      password: 'old',
      details: {},
      maxOpen: 1,
      maxIdle: 0,
      maxLifetime: 0,
    });
    await at.setPassword({ name: 'keeper', password: 'new', rotation: [] }, soon());
    expect([await at.letsIn('keeper', 'old', soon()), await at.letsIn('keeper', 'new', soon())]).toEqual([false, true]);
    expect(await refused(at.setPassword({ name: 'keeper', password: 'x', rotation: ['{}'] }, soon()))).toMatchObject({
      status: 400,
    });
    await at.close();
    const root = session();
    await root.revoke(removed('keeper'), soon());
    await root.close();
  });
});

describe('TLS to MongoDB (the stand-in for it)', () => {
  const pem = (name: string): string => readFileSync(new URL(`../../client/certificates/${name}.pem`, import.meta.url), 'utf8');
  let tls: MongoStandIn;
  beforeAll(async () => {
    tls = await MongoStandIn.start({ tls: { ca: pem('ca'), cert: pem('server'), key: pem('server-key') } });
    await tls.addUser('CN=client', '$external', { roles: [{ role: 'root', db: 'admin' }] });
  });
  afterAll(() => tls.stop());

  const over = (fields: JsonObject, search = '') =>
    configure({ connection_url: tls.url() + search, password: tls.password, ...fields });

  it('is used with an authority, and with a certificate that says who we are', async () => {
    await over({ tls_ca: pem('ca') });
    const certificate = { tls_ca: pem('ca'), tls_certificate_key: pem('client') + pem('client-key') };
    await over(certificate);
    await configure({ ...certificate, connection_url: `mongodb://127.0.0.1:${tls.port}/`, username: '', password: '' });
    const { data } = await at.read('database/config/main');
    expect(JSON.stringify(data)).toContain('BEGIN CERTIFICATE');
    expect(JSON.stringify(data)).not.toContain('PRIVATE KEY');
    await at.write('database/roles/app', { db_name: 'main', creation_statements: creation, default_ttl: '1h' });
    const { leaseId } = await credential();
    expect(tls.users()).toHaveLength(1);
    expect(await revoke(leaseId)).toBe(204);
    expect(tls.users()).toEqual([]);
  });

  it('is used without a look at the certificate where the fields or the URL say so', async () => {
    await over({ tls_skip_verify: true });
    await over({}, '?tls=true&tlsAllowInvalidCertificates=true');
  });

  it.each([
    ['without an authority that signed the certificate', {}, '?tls=true', 'certificate'],
    ['with another authority', { tls_ca: pem('client') }, '', 'certificate'],
    [
      'under a name that the certificate does not have',
      { tls_ca: pem('ca'), tls_server_name: 'elsewhere.example.com' },
      '',
      'altnames',
    ],
    ['where the URL turns it off', { tls_ca: pem('ca') }, '?tls=false', 'connection_url turns TLS off'],
    [
      'with a key of another certificate',
      { tls_ca: pem('ca'), tls_certificate_key: pem('client') + pem('other-key') },
      '',
      'the key in tls_certificate_key is not the key of tls_certificate_key',
    ],
  ])('is refused %s', async (_, fields: JsonObject, search, message) => {
    const refusal = await refused(over({ ...fields, server_selection_timeout: 1 }, search));
    expect(refusal).toMatchObject({ status: 400, message: expect.stringContaining(message) as string });
  });
});
