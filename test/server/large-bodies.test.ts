import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServedStore, type Server } from './server-process.ts';

let store: ServedStore;
let server: Server;

beforeAll(async () => {
  store = new ServedStore();
  store.settings('{ type: static }');
  server = await store.serve();
});
afterAll(() => server.stop());

const many = { reads: Array.from({ length: 20_000 }, () => ({ operation: 'read', path: 'sys/mounts' })) };

test('a body that costs much to parse is read of those only who may write at its path', async () => {
  await server.call('PUT', 'sys/policies/acl/planner', { policy: 'path "sys/managed/snapshot" { capabilities = ["update"] }' });
  const { body } = await server.call('POST', 'auth/token/create', { policies: ['default'] });
  const { client_token: other } = body?.['auth'] as { client_token: string };
  const { body: second } = await server.call('POST', 'auth/token/create', { policies: ['planner'] });
  const { client_token: planner } = second?.['auth'] as { client_token: string };
  for (const token of ['hvs.made-up', other]) {
    const refused = await server.call('POST', 'sys/managed/snapshot', many, token);
    expect([refused.status, refused.body?.['errors']]).toEqual([400, [expect.stringContaining('high complexity')]]);
  }
  // Read as a whole, and refused for what it asks.
  expect((await server.call('POST', 'sys/managed/snapshot', many, planner)).status).toBe(403);
  const large = { data: 'x'.repeat(2 * 1024 * 1024) };
  expect((await server.call('POST', 'kv/a', large, 'hvs.made-up')).status).toBe(413);
});

test('a token that stands no more counts as none', async () => {
  const { body } = await server.call('POST', 'auth/token/create', { policies: ['planner'] });
  const { client_token: token } = body?.['auth'] as { client_token: string };
  await server.call('POST', 'auth/token/revoke', { token });
  expect((await server.call('POST', 'sys/managed/snapshot', many, token)).status).toBe(400);
});
