import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { emptyWorkspace } from '../../cli/workspace.ts';
import { MongoStandIn } from '../../databases/mongo-stand-in/mongo-stand-in.ts';

let server: MongoStandIn;
beforeAll(async () => {
  server = await MongoStandIn.start();
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
  plugin: mongodb
  connectionUrl: ${url}
  username: root
  password: { fromEnv: DB_PASSWORD }
  allowedRoles: [shop]
  writeConcern: '{"wmode": "majority", "wtimeout": 5000}'
  connectTimeout: 5s
  serverSelectionTimeout: 2s
---
apiVersion: secretctl/v1
kind: DatabaseRole
metadata: { name: shop }
spec:
  engine: database
  connection: main
  creationStatements:
    - '{"db": "shop", "roles": ["readWrite"]}'
  defaultTtl: 1h
`;

it('documents of MongoDB (the stand-in for it) are applied when their roles are there, then nothing is left to do', async () => {
  const at = await emptyWorkspace();
  const env = { DB_PASSWORD: server.password };
  at.write('database.yaml', documents(server.url()).replace('readWrite', 'readWriteAnyDatabase'));
  const refusal = await at.run('apply -auto-approve', { env });
  expect(refusal.code).toBe(1);
  expect(refusal.out + refusal.err).toContain('there is no role "readWriteAnyDatabase" in database "shop"');
  expect(refusal.out + refusal.err).not.toContain(server.password);

  at.write('database.yaml', documents(server.url()));
  await at.ok('apply -auto-approve', { env });
  expect(await at.ok('plan')).toContain('No changes.');
  expect(server.users()).toEqual([]);
  const { data } = await at.json<{ data: { username: string; password: string } }>('read -json database/creds/shop');
  const client = new MongoClient(`mongodb://127.0.0.1:${server.port}/shop`, { auth: data });
  try {
    await client.db('shop').collection('orders').insertOne({ n: 1 });
  } finally {
    await client.close();
  }
});
