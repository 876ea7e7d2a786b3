import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KmsStandIn, startKms } from '../seal/kms-stand-in.ts';
import { ServedStore } from './server-process.ts';

let kms: KmsStandIn;
beforeAll(async () => {
  kms = await startKms();
});
afterAll(() => kms.close());

/** A store under a key of its own, and the environment in which the SDK finds its credentials. */
function storeUnder(keyArn: string): ServedStore {
  const store = new ServedStore();
  store.settings(`{ type: awskms, keyId: "${keyArn}", endpoint: "${kms.endpoint}", encryptionContext: { team: platform } }`);
  Object.assign(store.env, kms.credentials);
  return store;
}

describe('a store under an AWS KMS key', () => {
  test('unseals by itself, and goes on when the KMS is gone', async () => {
    const key = kms.createKey();
    const store = storeUnder(key.arn);
    const first = await store.start();
    const made = await first.call('PUT', 'sys/init', { recovery_shares: 3, recovery_threshold: 2 }, null);
    expect(made.body).toMatchObject({ keys: [], keys_base64: [] });
    expect(made.body?.['recovery_keys']).toHaveLength(3);
    store.token = String(made.body?.['root_token']);
    expect((await first.call('GET', 'sys/seal-status', undefined, null)).body).toMatchObject({
      type: 'awskms',
      sealed: false,
      recovery_seal: true,
      t: 2,
      n: 3,
    });
    await first.call('POST', 'sys/mounts/kv', { type: 'kv' });
    await first.stop();

    const second = await store.serve();
    kms.trouble = () => 'reset';
    expect((await second.call('PUT', 'kv/a', { x: '1' })).status).toBe(204);
    expect((await second.call('GET', 'sys/health', undefined, null)).status).toBe(200);
    kms.trouble = null;
    await second.stop();
    expect(kms.calls.some(({ context }) => context['team'] === 'platform')).toBe(true);
  });

  test('is sealed while the KMS cannot be reached, says so, and opens as soon as it can', async () => {
    const key = kms.createKey();
    const store = storeUnder(key.arn);
    const first = await store.serve();
    await first.stop();
    key.state = 'Disabled';
    const server = await store.start();
    await server.logged(/the store could not be unsealed/);
    const health = await server.call('GET', 'sys/health', undefined, null);
    expect(health.status).toBe(503);
    expect(health.body).toMatchObject({ sealed: true, warnings: [expect.stringContaining('seal-key-disabled')] });
    expect((await server.call('GET', 'sys/mounts')).body).toEqual({ errors: ['Vault is sealed'] });
    // What the answer to anybody says names neither the key nor the account.
    expect(JSON.stringify(health.body)).not.toContain(key.id);
    key.state = 'Enabled';
    await server.logged(/the store is unsealed/);
    expect((await server.call('GET', 'sys/mounts')).status).toBe(200);
    await server.stop();
  });

  test('was under shares before: with `migrate` the same people move it, and then nobody is needed', async () => {
    const store = new ServedStore();
    store.settings('{ type: shamir }');
    const first = await store.start();
    const made = await first.call('PUT', 'sys/init', { secret_shares: 2, secret_threshold: 2 }, null);
    const shares = made.body?.['keys_base64'] as string[];
    store.token = String(made.body?.['root_token']);
    await first.stop();

    store.settings(`{ type: awskms, keyId: "${kms.createKey().arn}", endpoint: "${kms.endpoint}" }`);
    Object.assign(store.env, kms.credentials);
    const second = await store.start();
    expect((await second.call('GET', 'sys/seal-status', undefined, null)).body).toMatchObject({ migration: true, sealed: true });
    expect((await second.call('PUT', 'sys/unseal', { key: shares[0] }, null)).status).toBe(400);
    for (const key of shares) expect((await second.call('PUT', 'sys/unseal', { key, migrate: true }, null)).status).toBe(200);
    expect((await second.call('GET', 'sys/seal-status', undefined, null)).body).toMatchObject({
      migration: false,
      sealed: false,
    });
    await second.stop();
    const third = await store.serve();
    expect((await third.call('GET', 'auth/token/lookup-self')).status).toBe(200);
    await third.stop();
  });
});
