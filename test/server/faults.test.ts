import { describe, expect, test } from 'vitest';
import { join } from 'node:path';
import { openLmdbBackend } from '../../src/storage/lmdb.ts';
import { ServedStore } from './server-process.ts';

describe('a server that was stopped for a while (SIGSTOP)', () => {
  test('does not honour a token whose time went by meanwhile', async () => {
    const store = new ServedStore();
    store.settings('{ type: static }');
    const server = await store.serve();
    const { body } = await server.call('POST', 'auth/token/create', { ttl: '2s', policies: ['default'] });
    const { client_token: token } = body?.['auth'] as { client_token: string };
    expect((await server.call('GET', 'auth/token/lookup-self', undefined, token)).status).toBe(200);
    server.process.kill('SIGSTOP');
    const asked = server.call('GET', 'auth/token/lookup-self', undefined, token);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    server.process.kill('SIGCONT');
    expect((await asked).status).toBe(403);
    await server.stop();
  });

  test('writes nothing once another process has taken the store over, and ends', async () => {
    const store = new ServedStore();
    store.settings('{ type: static }');
    const server = await store.serve();
    await server.call('POST', 'sys/mounts/kv', { type: 'kv' });
    await server.call('PUT', 'kv/a', { value: 'before' });
    server.process.kill('SIGSTOP');
    // What an owner does who no longer believes that the stopped one lives.
    const other = await openLmdbBackend({ directory: join(store.directory, 'store'), create: false });
    await other.advanceEpoch();
    await other.close();
    server.process.kill('SIGCONT');
    const answer = await server.call('PUT', 'kv/a', { value: 'after' });
    expect(answer.status).toBe(503);
    expect(answer.body).toEqual({ errors: ['this server does not own the store any more'] });
    expect(await server.exited).toBe(1);
    const again = await store.serve();
    expect((await again.call('GET', 'kv/a')).body).toMatchObject({ data: { value: 'before' } });
    await again.stop();
  });
});
