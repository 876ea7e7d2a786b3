import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { ServedStore, type Server, program } from './server-process.ts';

const full = process.env['SECRETCTL_FULL'] === '1';
const rounds = full ? 30 : 4;
const writers = 16;

/** Writes until the server is gone. Gives the last value of each key whose write was acknowledged, and the one that was not. */
async function writeUntilGone(
  server: Server,
  from: number,
  onFirst: () => void,
): Promise<Map<string, { acked: number; tried: number }>> {
  const last = new Map<string, { acked: number; tried: number }>();
  let acknowledged = 0;
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const key = `kv/w${writer}`;
      for (let value = from; ; value++) {
        last.set(key, { acked: last.get(key)?.acked ?? 0, tried: value });
        try {
          const { status } = await server.call('PUT', key, { value });
          if (status !== 204) throw new Error(`a write was answered with ${status}`);
        } catch (error) {
          if (error instanceof TypeError) return;
          throw error;
        }
        last.set(key, { acked: value, tried: value });
        if (++acknowledged === 40) onFirst();
      }
    }),
  );
  return last;
}

describe('a server that is killed under load', () => {
  test('has lost nothing that it acknowledged, and its audit log is whole', async () => {
    const store = new ServedStore();
    store.settings('{ type: static }');
    let server = await store.serve();
    await server.call('POST', 'sys/mounts/kv', { type: 'kv' });
    let from = 1;
    for (let round = 0; round < rounds; round++) {
      const killed = server;
      const last = await writeUntilGone(server, from, () => void killed.kill());
      await killed.exited;
      server = await store.serve();
      for (const [key, { acked, tried }] of last) {
        const { body } = await server.call('GET', key);
        const value = (body?.['data'] as { value: number } | undefined)?.value ?? 0;
        expect(value === acked || value === tried).toBe(true);
        from = Math.max(from, tried + 1);
      }
    }
    // Each answer was in the log before it was sent.
    expect(await server.stop()).toBe(0);
    const verified = execFileSync(process.execPath, [program, 'audit', 'verify', '-store', store.directory], {
      env: { ...store.env, VAULT_TOKEN: store.token },
      encoding: 'utf8',
    });
    expect(verified).toContain('whole');
  });

  test('between an unsealing and its first request is sealed again, and opens as before', async () => {
    const store = new ServedStore();
    store.settings('{ type: shamir }');
    const first = await store.start();
    const made = await first.call('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, null);
    const [share] = made.body?.['keys'] as string[];
    store.token = String(made.body?.['root_token']);
    await first.call('PUT', 'sys/unseal', { key: share }, null);
    await first.kill();
    const second = await store.start();
    expect((await second.call('GET', 'sys/seal-status', undefined, null)).body).toMatchObject({ sealed: true, n: 1 });
    await second.call('PUT', 'sys/unseal', { key: share }, null);
    expect((await second.call('GET', 'auth/token/lookup-self')).status).toBe(200);
    await second.stop();
  });
});
