import { Client } from '@litehex/node-vault';
import NodeVault from 'node-vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyServer } from './started-server.ts';

// The life of a store in the hands of clients: initialized, unsealed share by share, sealed, and unsealed again.

let server: Awaited<ReturnType<typeof emptyServer>>;
beforeAll(async () => {
  server = await emptyServer();
});
afterAll(() => server.stop());

describe('a server without a store', () => {
  it('is initialized and unsealed by node-vault, and sealed and unsealed by @litehex/node-vault', async () => {
    const vault = NodeVault({ endpoint: server.address });
    expect(await vault.health()).toMatchObject({ initialized: false, sealed: true });
    expect(await vault.initialized()).toEqual({ initialized: false });
    await expect(vault.read('secret/data/x')).rejects.toMatchObject({
      response: { statusCode: 503, body: { errors: [expect.stringContaining('Vault is sealed')] } },
    });

    const made = (await vault.init({ secret_shares: 3, secret_threshold: 2 })) as { keys: string[]; root_token: string };
    expect(made).toEqual({
      keys: Array(3).fill(expect.stringMatching(/^[0-9a-f]+$/)),
      keys_base64: Array(3).fill(expect.any(String)),
      root_token: expect.any(String),
    });
    const [first = '', second = '', third = ''] = made.keys;
    expect(await vault.status()).toMatchObject({ initialized: true, sealed: true, t: 2, n: 3, progress: 0 });
    expect(await vault.unseal({ key: first })).toMatchObject({ sealed: true, progress: 1 });
    expect(await vault.unseal({ reset: true })).toMatchObject({ sealed: true, progress: 0 });
    await expect(vault.unseal({ key: 'nonsense' })).rejects.toMatchObject({ response: { statusCode: 400 } });
    await vault.unseal({ key: first });
    expect(await vault.unseal({ key: second })).toMatchObject({ sealed: false, progress: 0, cluster_id: expect.any(String) });

    vault.token = made.root_token;
    await vault.mount({ mount_point: 'kept', type: 'kv' });
    await vault.write('kept/a', { v: '1' });

    const lite = new Client({ endpoint: server.address, token: made.root_token });
    expect(await lite.seal()).toEqual({ data: true });
    await expect.poll(async () => (await lite.sealStatus()).data?.sealed).toBe(true);
    expect((await lite.read({ path: 'kept/a' })).error?.message).toContain('Vault is sealed');
    expect(await lite.unseal({ key: third })).toMatchObject({ data: { sealed: true, t: 2, n: 3, progress: 1 } });
    expect(await lite.unseal({ key: first })).toMatchObject({ data: { sealed: false, cluster_name: expect.any(String) } });
    expect(await lite.read({ path: 'kept/a' })).toMatchObject({ data: { data: { v: '1' } } });
  });
});
