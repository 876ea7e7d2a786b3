import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ServedStore, type Server } from './server-process.ts';

async function health(server: Server, query = ''): Promise<number> {
  return (await server.call('GET', `sys/health${query}`, undefined, null)).status;
}

describe('a store in a server', () => {
  test('lets pages of other sites call while it is unsealed, and names no origin while it is sealed', async () => {
    const store = new ServedStore();
    store.settings('{ type: shamir }');
    const server = await store.start();
    const made = await server.call('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, null);
    const { keys, root_token: token } = made.body as { keys: string[]; root_token: string };
    store.token = token;
    const ask = async (method: string) => {
      const headers = { Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'GET' };
      const answer = await fetch(`${server.address}/v1/sys/seal-status`, { method, headers });
      return [answer.status, answer.headers.get('access-control-allow-origin')];
    };
    await server.call('PUT', 'sys/unseal', { key: keys[0] }, null);
    expect((await server.call('POST', 'sys/config/cors', { allowed_origins: 'https://app.example.com' })).status).toBe(204);
    const open = [await ask('GET'), await ask('OPTIONS')];
    await server.call('PUT', 'sys/seal');
    const sealed = [await ask('GET'), await ask('OPTIONS')];
    await server.call('PUT', 'sys/unseal', { key: keys[0] }, null);
    const named = [200, 'https://app.example.com'];
    expect({ open, sealed, again: await ask('OPTIONS') }).toEqual({
      open: [named, named],
      sealed: [
        [200, null],
        [405, null],
      ],
      again: named,
    });
    expect(await server.stop()).toBe(0);
  });

  test('is uninitialized, then sealed, then unsealed share by share, and sealed again when it is told to', async () => {
    const store = new ServedStore();
    store.settings('{ type: shamir }');
    const server = await store.start();
    expect(await health(server)).toBe(501);
    expect(await health(server, '?uninitcode=299')).toBe(299);
    expect((await server.call('GET', 'sys/init', undefined, null)).body).toEqual({ initialized: false });
    expect((await server.call('GET', 'kv/a')).body).toEqual({ errors: ['Vault is sealed'] });
    expect((await server.call('PUT', 'sys/unseal', { key: 'aa' }, null)).status).toBe(400);

    for (const numbers of [{}, { secret_shares: 2, secret_threshold: 3 }, { secret_shares: 3, secret_threshold: 1 }]) {
      expect((await server.call('PUT', 'sys/init', numbers, null)).status).toBe(400);
    }
    const made = await server.call('PUT', 'sys/init', { secret_shares: 3, secret_threshold: 2 }, null);
    const {
      keys,
      keys_base64: shares,
      root_token: token,
    } = made.body as Record<'keys' | 'keys_base64', string[]> & { root_token: string };
    store.token = token;
    expect(keys.map((key) => Buffer.from(key, 'hex').toString('base64'))).toEqual(shares);
    expect((await server.call('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, null)).body).toEqual({
      errors: ['Vault is already initialized'],
    });
    expect(await health(server)).toBe(503);
    expect((await server.call('GET', 'sys/mounts')).status).toBe(503);

    const first = await server.call('PUT', 'sys/unseal', { key: keys[0] }, null);
    expect(first.body).toMatchObject({ sealed: true, t: 2, n: 3, progress: 1, type: 'shamir' });
    expect(first.body?.['nonce']).toMatch(/^[0-9a-f-]{36}$/);
    expect((await server.call('PUT', 'sys/unseal', { key: keys[0] }, null)).body).toMatchObject({ progress: 1 });
    expect((await server.call('PUT', 'sys/unseal', { reset: true }, null)).body).toMatchObject({ progress: 0, nonce: '' });
    for (const key of ['', 'not a key', 'AAAA']) {
      expect((await server.call('PUT', 'sys/unseal', { key }, null)).status).toBe(400);
    }
    await server.call('PUT', 'sys/unseal', { key: shares[0] }, null);
    const second = await server.call('POST', 'sys/unseal', { key: shares[2] }, null);
    expect(second.body).toMatchObject({ sealed: false, progress: 0, nonce: '' });
    expect(await health(server)).toBe(200);
    expect(await health(server, '?activecode=204')).toBe(204);
    expect((await server.call('GET', 'sys/mounts')).status).toBe(200);

    expect((await server.call('PUT', 'sys/seal', undefined, null)).status).toBe(403);
    expect((await server.call('PUT', 'sys/seal')).status).toBe(204);
    expect((await server.call('GET', 'sys/mounts')).body).toEqual({ errors: ['Vault is sealed'] });
    expect((await server.call('GET', 'sys/seal-status', undefined, null)).body).toMatchObject({ sealed: true, progress: 0 });
    for (const key of shares.slice(1)) await server.call('PUT', 'sys/unseal', { key }, null);
    expect((await server.call('GET', 'sys/mounts')).status).toBe(200);
    expect(await server.stop()).toBe(0);
    for (const secret of [...keys, ...shares, token]) expect(server.log).not.toContain(secret);
  });

  test('is unsealed by its key file, at the start and after each restart', async () => {
    const store = new ServedStore();
    store.settings('{ type: static }');
    const first = await store.serve();
    expect((await first.call('POST', 'sys/mounts/kv', { type: 'kv' })).status).toBe(204);
    expect((await first.call('PUT', 'kv/a', { x: '1' })).status).toBe(204);
    expect(await first.stop()).toBe(0);
    const second = await store.serve();
    expect((await second.call('GET', 'kv/a')).body).toMatchObject({ data: { x: '1' } });
    await second.stop();
  });

  test('has one owner: a second server says who it is and ends', async () => {
    const store = new ServedStore();
    store.settings('{ type: static }');
    const server = await store.serve();
    await expect(store.start()).rejects.toThrow(`process ${server.process.pid}`);
    await server.stop();
  });

  test('ends in order, also while a client goes on sending what was refused', async () => {
    const store = new ServedStore();
    store.settings('{ type: static }');
    const server = await store.serve();
    const { hostname, port } = new URL(server.address);
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    const head = `POST /v1/sys/storage/snapshot HTTP/1.1\r\nHost: x\r\nX-Vault-Token: ${store.token}\r\nContent-Length: 8000000\r\n\r\n`;
    socket.write(head + 'x'.repeat(7_000_000));
    await once(socket, 'data');
    expect(await server.stop()).toBe(0);
    expect(server.log).toContain('the store is sealed: the server stops');
    socket.destroy();
  });

  test('does not start where its memory could be looked into', async () => {
    const store = new ServedStore();
    store.settings('{ type: static }');
    await expect(store.start({ under: ['env', 'NODE_OPTIONS=--max-old-space-size=512'] })).rejects.toThrow('NODE_OPTIONS');
  });
});
