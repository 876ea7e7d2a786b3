import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ServedStore } from './server-process.ts';

test('who comes over the network is not told which file of the server fails; operators are', async () => {
  const store = new ServedStore();
  store.settings('{ type: static }');
  const server = await store.serve();
  const path = join(store.directory, 'audit', 'audit.log');
  rmSync(path);
  writeFileSync(path, 'something else\n');
  chmodSync(path, 0o600);
  const answers = [await server.call('GET', 'sys/mounts', undefined, 'wrong'), await server.call('GET', 'sys/mounts')];
  for (const { status, body } of answers) {
    expect(status).toBe(500);
    expect(body).toEqual({ errors: [expect.stringMatching(/^the audit log can't be written, .*: see the log of the server$/)] });
  }
  expect(server.log).toContain(path);
  await server.stop();
});
