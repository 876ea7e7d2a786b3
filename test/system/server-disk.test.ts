import { execFileSync, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ServedStore, type Answer } from '../server/server-process.ts';

const namespace = ['--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user', '--user'])];
const mayMount = spawnSync('unshare', [...namespace, 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0;

// Only where this process may mount a small disk, in a mount namespace of its own.
if (mayMount)
  test('A server whose disk is full refuses with a word that says so, and goes on by itself when there is room', async () => {
    const store = new ServedStore();
    store.settings('{ type: static }');
    const first = await store.serve();
    await first.call('POST', 'sys/mounts/kv', { type: 'kv' });
    await first.stop();

    const disk = join(store.directory, 'store');
    const script =
      'cp -a "$0" "$0.copy" && mount -t tmpfs -o size=1m,mode=700 tmpfs "$0" && cp -a "$0.copy/." "$0/" && exec "$@"';
    const server = await store.serve({ under: ['unshare', ...namespace, 'sh', '-c', script, disk] });
    const acknowledged = new Map<string, string>();
    let refused: Answer | null = null;
    for (let index = 0; index < 1000 && refused === null; index++) {
      const value = `${index} `.repeat(1000);
      const answer = await server.call('PUT', `kv/${index}`, { value });
      if (answer.status === 204) acknowledged.set(`kv/${index}`, value);
      else refused = answer;
    }
    expect(refused?.status).toBe(503);
    expect(refused?.body).toEqual({
      errors: ['the disk of the store is full: nothing was changed; ask an operator to make room'],
    });
    expect((await server.call('GET', 'kv/0')).status).not.toBe(404);
    expect(acknowledged.size).toBeGreaterThan(5);

    const from = server.log.length;
    const enter = [
      '-t',
      String(server.process.pid),
      '--mount',
      ...(process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials']),
    ];
    execFileSync('nsenter', [...enter, 'mount', '-o', 'remount,size=64m', disk]);
    await server.logged(/the store can be used again/, from);
    expect((await server.call('PUT', 'kv/after', { value: 'x' })).status).toBe(204);
    for (const [path, value] of acknowledged) {
      expect((await server.call('GET', path)).body).toMatchObject({ data: { value } });
    }
    expect(await server.stop()).toBe(0);
  });
else test('A small disk cannot be mounted here', () => expect(mayMount).toBe(false));
