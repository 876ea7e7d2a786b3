import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KmsStandIn, startKms } from '../seal/kms-stand-in.ts';
import { ServedStore } from './server-process.ts';

// sys/unseal needs no token: what anybody can do with it.

let kms: KmsStandIn;
beforeAll(async () => {
  kms = await startKms();
});
afterAll(() => kms.close());

test('what is refused is in the log of the server with its address, and counted in the audit log', async () => {
  const store = new ServedStore();
  store.settings('{ type: shamir }');
  const server = await store.start();
  const made = await server.call('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, null);
  const [share = ''] = made.body?.['keys_base64'] as string[];
  const forged = `${share.slice(0, -6)}AAAA${share.slice(-2)}`;
  for (let attempt = 0; attempt < 30; attempt++) {
    expect((await server.call('PUT', 'sys/unseal', { key: forged }, null)).status).toBe(400);
  }
  const said = server.log.split('\n').filter((line) => line.includes('an attempt to unseal was refused'));
  expect(said).toHaveLength(16);
  expect(said[0]).toMatch(/"remote":"127\.0\.0\.1"/);
  expect(server.log).not.toContain(forged);
  expect((await server.call('PUT', 'sys/unseal', { key: share }, null)).status).toBe(200);
  expect(store.auditText()).toMatch(/"event":"unsealed","refused":30,"seal":"shamir"/);
  await server.stop();
});

test('a seal elsewhere is not asked as often as anybody likes, and the server ends when it is told to', async () => {
  const key = kms.createKey();
  const store = new ServedStore();
  store.settings(`{ type: awskms, keyId: "${key.arn}", endpoint: "${kms.endpoint}" }`);
  Object.assign(store.env, kms.credentials);
  await (await store.serve()).stop();
  key.state = 'Disabled';
  const server = await store.start();
  await server.logged(/the store could not be unsealed/);
  const before = kms.calls.length;
  const asked = Array.from({ length: 50 }, () => server.call('PUT', 'sys/unseal', { key: 'aa' }, null));
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(40);
  expect(kms.calls.length - before).toBeLessThan(10);
  expect(await server.stop()).toBe(0);
});
