import { readFileSync } from 'node:fs';
import { MongoClient, type MongoClientOptions, type Document } from 'mongodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MongoStandIn } from './mongo-stand-in/mongo-stand-in.ts';

let server: MongoStandIn;
beforeAll(async () => {
  server = await MongoStandIn.start();
});
afterAll(() => server.stop());

const open: MongoClient[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
});

function as(username: string, password: string, options: MongoClientOptions = {}, database = 'admin'): MongoClient {
  const client = new MongoClient(`mongodb://127.0.0.1:${server.port}/${database}`, {
    auth: { username, password },
    serverSelectionTimeoutMS: 2000,
    retryReads: false,
    ...options,
  });
  open.push(client);
  return client;
}

const root = (): MongoClient => as('root', server.password);

/** The number of the error that a command ends with; 0: none. */
async function code(answer: Promise<unknown>): Promise<number> {
  return answer.then(
    () => 0,
    (error: unknown) => (error as { readonly code: number }).code,
  );
}

const command = (client: MongoClient, body: Document, database = 'admin'): Promise<Document> => client.db(database).command(body);

describe('the stand-in for MongoDB (it is no MongoDB)', () => {
  it.each([['SCRAM-SHA-1'], ['SCRAM-SHA-256'], [undefined]] as const)(
    'lets in who knows the password, by %s',
    async (mechanism) => {
      const client = as('root', server.password, mechanism === undefined ? {} : { authMechanism: mechanism });
      expect((await command(client, { connectionStatus: 1 }))['authInfo']).toEqual({
        authenticatedUsers: [{ user: 'root', db: 'admin' }],
        authenticatedUserRoles: [{ role: 'root', db: 'admin' }],
      });
      const wrong = as('root', 'other', mechanism === undefined ? {} : { authMechanism: mechanism });
      expect(await code(wrong.connect())).toBe(18);
      expect(await code(as('nobody', 'other', mechanism === undefined ? {} : { authMechanism: mechanism }).connect())).toBe(18);
    },
  );

  it('tells who does not say who they are nothing but that', async () => {
    const client = new MongoClient(`mongodb://127.0.0.1:${server.port}`);
    open.push(client);
    expect(await code(command(client, { ping: 1 }))).toBe(0);
    expect(await code(command(client, { usersInfo: 1 }))).toBe(13);
    expect(await code(client.db('shop').collection('orders').findOne())).toBe(13);
  });

  it('makes users with roles, and lets them do what these allow and nothing else', async () => {
    const admin = root();
    const roles = [{ role: 'readWrite', db: 'shop' }, 'readAnyDatabase'];
    await command(admin, { createUser: 'app', pwd: 'secret', roles, customData: { team: 'a' } });
    const app = as('app', 'secret');
    await app.db('shop').collection('orders').insertOne({ n: 1 });
    expect(await app.db('shop').collection('orders').findOne({ n: 1 })).toMatchObject({ n: 1 });
    expect(await app.db('other').collection('orders').findOne()).toBeNull();
    expect(await code(app.db('other').collection('orders').insertOne({ n: 1 }))).toBe(13);
    expect(await code(command(app, { createUser: 'mine', pwd: 'x', roles: [] }))).toBe(13);
    expect(await code(command(app, { usersInfo: 'root' }))).toBe(13);
    expect((await command(app, { usersInfo: 'app' }))['users']).toMatchObject([
      {
        _id: 'admin.app',
        roles: [
          { role: 'readWrite', db: 'shop' },
          { role: 'readAnyDatabase', db: 'admin' },
        ],
      },
    ]);

    await command(admin, { revokeRolesFromUser: 'app', roles: [{ role: 'readWrite', db: 'shop' }] });
    expect(await code(app.db('shop').collection('orders').insertOne({ n: 2 }))).toBe(13);
    await command(admin, { grantRolesToUser: 'app', roles: [{ role: 'dbOwner', db: 'shop' }] });
    expect((await app.db('shop').collection('orders').deleteMany({ n: 1 })).deletedCount).toBe(1);

    await command(admin, { dropUser: 'app' });
    expect(await code(app.db('shop').collection('orders').findOne())).toBe(13);
    expect(await code(as('app', 'secret').connect())).toBe(18);
  });

  it('lets users be made only by those who may give what they get', async () => {
    await command(root(), { createUser: 'keeper', pwd: 'secret', roles: [{ role: 'userAdmin', db: 'shop' }] });
    const keeper = as('keeper', 'secret');
    expect(await code(command(keeper, { createUser: 'x', pwd: 'x', roles: ['read'] }, 'shop'))).toBe(0);
    expect(await code(command(keeper, { createUser: 'y', pwd: 'x', roles: [{ role: 'root', db: 'admin' }] }, 'shop'))).toBe(13);
    expect(await code(command(keeper, { createUser: 'y', pwd: 'x', roles: [] }))).toBe(13);
    await command(keeper, { dropUser: 'x' }, 'shop');
    await command(root(), { dropUser: 'keeper' });
  });

  it('refuses by the numbers of MongoDB', async () => {
    const admin = root();
    expect(await code(command(admin, { createUser: 'a', pwd: 'x', roles: ['no such role'] }))).toBe(31);
    expect(await code(command(admin, { createUser: 'a', pwd: 'x', roles: ['root'] }, 'shop'))).toBe(31);
    expect(await code(command(admin, { createUser: 'root', pwd: 'x', roles: [] }))).toBe(51003);
    expect(await code(command(admin, { createUser: 'a', pwd: 'x', roles: [{ role: 'read' }] }))).toBe(4);
    expect(await code(command(admin, { createUser: 'a', roles: [] }))).toBe(2);
    expect(await code(command(admin, { createUser: 'a', pwd: 'x', roles: [], color: 'red' }))).toBe(40415);
    expect(await code(command(admin, { dropUser: 'nobody' }))).toBe(11);
    expect(await code(command(admin, { updateUser: 'nobody', pwd: 'x' }))).toBe(11);
    expect(await code(command(admin, { noSuchCommand: 1 }))).toBe(59);
  });

  it('changes a password, and the old one is none any more', async () => {
    const admin = root();
    await command(admin, { createUser: 'app', pwd: 'old', roles: ['read'], mechanisms: ['SCRAM-SHA-256'] }, 'shop');
    await command(admin, { updateUser: 'app', pwd: 'new' }, 'shop');
    expect(await code(as('app', 'old', {}, 'shop').connect())).toBe(18);
    await as('app', 'new', {}, 'shop').connect();
    await command(admin, { dropUser: 'app' }, 'shop');
  });

  it('tells of users in all databases, and of roles that there are', async () => {
    const admin = root();
    await command(admin, { createUser: 'app', pwd: 'x', roles: [], customData: { of: 'here' } }, 'shop');
    await command(admin, { createUser: 'app', pwd: 'x', roles: [] });
    const found = await command(admin, { usersInfo: { forAllDBs: true }, filter: { user: 'app', 'customData.of': 'here' } });
    expect((found['users'] as Document[]).map(({ _id }) => _id as unknown)).toEqual(['shop.app']);
    const { roles } = await command(admin, { rolesInfo: [{ role: 'read', db: 'shop' }, 'none', { role: 'root', db: 'shop' }] });
    expect(roles).toMatchObject([{ role: 'read', db: 'shop' }]);
    await command(admin, { dropUser: 'app' });
    await command(admin, { dropUser: 'app' }, 'shop');
  });

  it('shows what runs, and interrupts it for who may do that', async () => {
    const admin = root();
    await command(admin, { createUser: 'app', pwd: 'secret', roles: ['read'] });
    const app = as('app', 'secret');
    const held = server.hold('find');
    const reading = code(app.db('admin').collection('orders').findOne());
    await held.arrived;
    const running = [{ $currentOp: { allUsers: true } }, { $match: { 'command.find': 'orders' } }];
    const [operation] = await admin.db('admin').aggregate(running).toArray();
    expect(operation).toMatchObject({ effectiveUsers: [{ user: 'app', db: 'admin' }] });
    const asApp = app.db('admin').aggregate(running);
    expect(await code(asApp.toArray())).toBe(13);
    expect(
      await admin
        .db('admin')
        .aggregate([{ $currentOp: {} }, ...running.slice(1)])
        .toArray(),
    ).toEqual([]);
    await command(admin, { killOp: 1, op: operation!['opid'] as number });
    expect(await reading).toBe(11601);

    const again = server.hold('find');
    const reading2 = code(app.db('admin').collection('orders').findOne());
    await again.arrived;
    expect(await code(command(app, { killAllSessions: [{ user: 'root', db: 'admin' }] }))).toBe(13);
    await command(admin, { killAllSessions: [{ user: 'app', db: 'admin' }] });
    expect(await reading2).toBe(11601);
    await command(admin, { dropUser: 'app' });
  });

  it('can be down, and be back with what it knew', async () => {
    await command(root(), { createUser: 'app', pwd: 'secret', roles: [] });
    await server.kill();
    await expect(as('root', server.password, { serverSelectionTimeoutMS: 50 }).connect()).rejects.toThrow('ECONNREFUSED');
    await server.run();
    await command(as('app', 'secret'), { ping: 1 });
    await command(root(), { dropUser: 'app' });
  });

  it('can end a connection before or after a command has done its work', async () => {
    const admin = root();
    server.cut('createUser', 'before');
    await expect(command(admin, { createUser: 'v-1', pwd: 'x', roles: [] })).rejects.toThrow('closed');
    expect(server.users()).toEqual([]);
    server.cut('createUser', 'after');
    await expect(command(admin, { createUser: 'v-1', pwd: 'x', roles: [] })).rejects.toThrow('closed');
    expect(server.users()).toMatchObject([{ user: 'v-1', db: 'admin' }]);
    await command(admin, { dropUser: 'v-1' });
  });

  it('speaks TLS, where a certificate may say who its client is', async () => {
    const pem = (name: string): string => readFileSync(new URL(`../client/certificates/${name}.pem`, import.meta.url), 'utf8');
    const tls = await MongoStandIn.start({ tls: { ca: pem('ca'), cert: pem('server'), key: pem('server-key') } });
    try {
      const byCertificate = (): MongoClient => {
        const client = new MongoClient(`mongodb://127.0.0.1:${tls.port}/?authMechanism=MONGODB-X509`, {
          tls: true,
          ca: pem('ca'),
          cert: pem('client'),
          key: pem('client-key'),
        });
        open.push(client);
        return client;
      };
      expect(await code(byCertificate().connect())).toBe(18);
      await tls.addUser('CN=client', '$external', { roles: [{ role: 'root', db: 'admin' }] });
      expect((await command(byCertificate(), { connectionStatus: 1 }))['authInfo']).toMatchObject({
        authenticatedUsers: [{ user: 'CN=client', db: '$external' }],
      });
    } finally {
      await Promise.all(open.splice(0).map((each) => each.close()));
      await tls.stop();
    }
  });
});
