import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ServedStore, type Server } from './server-process.ts';

async function snapshot(server: Server): Promise<Uint8Array> {
  const response = await fetch(`${server.address}/v1/sys/storage/snapshot`, { headers: { 'X-Vault-Token': server.token } });
  expect(response.headers.get('content-type')).toBe('application/octet-stream');
  return new Uint8Array(await response.arrayBuffer());
}

test('A snapshot is taken while the server writes, holds no secret in the clear, and brings back what was there', async () => {
  const store = new ServedStore();
  store.settings('{ type: static }');
  const server = await store.serve();
  await server.call('POST', 'sys/mounts/kv', { type: 'kv' });
  await server.call('PUT', 'kv/kept', { value: 'canary-kept' });
  const writing = Array.from({ length: 50 }, (_, index) => server.call('PUT', `kv/during-${index}`, { value: index }));
  const taken = await snapshot(server);
  await Promise.all(writing);
  expect(Buffer.from(taken).includes('canary-kept')).toBe(false);
  expect((await server.call('GET', 'sys/storage/check')).body?.['data']).toMatchObject({ damaged: 0, problems: [] });

  await server.call('PUT', 'kv/kept', { value: 'changed' });
  await server.call('PUT', 'kv/later', { value: 'later' });
  const before = server.log.length;
  const restored = await server.call('POST', 'sys/storage/snapshot', taken);
  expect(restored).toMatchObject({
    status: 200,
    body: {
      data: { snapshot_time: expect.stringMatching(/^20\d\d-.*Z$/), records: expect.any(Number) },
      warnings: [expect.stringContaining('tokens and secret ids that were revoked work again')],
    },
  });
  await server.logged(/the store is unsealed/, before);
  const { snapshot_time: time } = restored.body?.['data'] as { snapshot_time: string };
  expect(server.log.slice(before)).toMatch(new RegExp(`"snapshot_time":"${time}".*what was revoked since works again`));
  const notes = readFileSync(join(store.directory, 'audit/audit.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('snapshot-restored'));
  expect(notes).toEqual([expect.stringContaining(`"snapshot_time":"${time}"`)]);
  expect((await server.call('GET', 'kv/kept')).body).toMatchObject({ data: { value: 'canary-kept' } });
  expect((await server.call('GET', 'kv/later')).status).toBe(404);
  expect((await server.call('PUT', 'kv/after', { value: 'x' })).status).toBe(204);
  expect((await server.call('GET', 'sys/storage/check')).body?.['data']).toMatchObject({ damaged: 0 });
  await server.stop();

  const again = await store.serve();
  expect((await again.call('GET', 'kv/after')).body).toMatchObject({ data: { value: 'x' } });
  await again.stop();
});

test('A snapshot that is damaged, or sent without the right to, changes nothing', async () => {
  const store = new ServedStore();
  store.settings('{ type: static }');
  const server = await store.serve();
  await server.call('POST', 'sys/mounts/kv', { type: 'kv' });
  await server.call('PUT', 'kv/a', { value: '1' });
  const taken = await snapshot(server);
  await server.call('PUT', 'kv/a', { value: '2' });
  const damaged = taken.slice();
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
  expect((await server.call('POST', 'sys/storage/snapshot', damaged)).status).toBe(400);
  expect((await server.call('POST', 'sys/storage/snapshot', taken.slice(0, -1))).status).toBe(400);
  expect((await server.call('POST', 'sys/storage/snapshot', new TextEncoder().encode('{}'))).status).toBe(400);
  const { body } = await server.call('POST', 'auth/token/create', { policies: ['default'] });
  const { client_token: token } = body?.['auth'] as { client_token: string };
  expect((await server.call('POST', 'sys/storage/snapshot', taken, token)).status).toBe(403);
  expect((await server.call('GET', 'sys/storage/snapshot', undefined, token)).status).toBe(403);
  expect((await server.call('GET', 'kv/a')).body).toMatchObject({ data: { value: '2' } });
  await server.stop();
});
