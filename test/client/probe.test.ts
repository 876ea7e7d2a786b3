import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { listensOn } from '../../src/client/probe.ts';

const folder = mkdtempSync(join(tmpdir(), 'secretctl-probe-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const socket = join(folder, 'server.sock');

it('a socket counts where a server listens, in a folder that only its owner writes to', async () => {
  expect(await listensOn(socket)).toBe(false);
  writeFileSync(socket, 'no socket');
  expect(await listensOn(socket)).toBe(false);
  rmSync(socket);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  expect(await listensOn(socket)).toBe(true);
  const me = process.geteuid?.() ?? 0;
  expect(await listensOn(socket, me)).toBe(true);
  await expect(listensOn(socket, me + 1)).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('it belongs to another user'),
  });
  chmodSync(folder, 0o777);
  await expect(listensOn(socket)).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('others than the owner of its folder may have made it'),
  });
  chmodSync(folder, 0o700);
  await new Promise((resolve) => server.close(resolve));
  expect(await listensOn(socket)).toBe(false);
});
