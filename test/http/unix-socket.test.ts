import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RawClient, request } from './raw-client.ts';
import { serving } from './serving.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder of this user alone, with a short path. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'door-'));
  folders.push(path);
  return path;
}

const fault = (message: RegExp): unknown =>
  expect.objectContaining({ name: 'Fault', code: 'listen', message: expect.stringMatching(message) });

describe('a unix socket', () => {
  it('serves its user and nobody else, and is gone afterwards', async () => {
    const path = join(folder(), 'server.sock');
    const before = process.umask(0);
    const { listener, requests } = await serving({ socketPath: path, trustedProxies: ['127.0.0.1'] }).finally(() =>
      process.umask(before),
    );
    expect(listener.address).toBe(`unix://${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const client = await RawClient.open(path);
    for (const verb of ['LIST', 'GET', 'LIST']) {
      await client.send(request(verb, '/v1/a', ['X-Forwarded-For: 203.0.113.7']));
      expect((await client.answer())?.status).toBe(200);
    }
    client.end();
    expect(requests.map(({ remote }) => remote)).toEqual([null, null, null]);
    await listener.close(1000);
    expect(existsSync(path)).toBe(false);
  });

  it('takes the place of one that a dead server left', async () => {
    const path = join(folder(), 'server.sock');
    // A socket file without anybody behind it.
    const dead = createServer().listen(path);
    await new Promise((resolve) => dead.once('listening', resolve));
    const kept = `${path}.kept`;
    linkSync(path, kept);
    await new Promise((resolve) => dead.close(resolve));
    renameSync(kept, path);
    await serving({ socketPath: path });
    const client = await RawClient.open(path);
    await client.send(request('GET', '/v1/a'));
    expect((await client.answer())?.status).toBe(200);
    client.end();
  });

  it('never takes the place of one that lives, or of a file', async () => {
    const path = join(folder(), 'server.sock');
    const { requests } = await serving({ socketPath: path });
    await expect(serving({ socketPath: path })).rejects.toThrow(fault(/another server listens/));
    const client = await RawClient.open(path);
    await client.send(request('GET', '/v1/a'));
    expect((await client.answer())?.status).toBe(200);
    client.end();
    expect(requests).toHaveLength(1);
    const file = join(folder(), 'server.sock');
    writeFileSync(file, 'mine');
    await expect(serving({ socketPath: file })).rejects.toThrow(fault(/is no socket/));
    expect(statSync(file).size).toBe(4);
  });

  it('is not made where others could reach it', async () => {
    const open = folder();
    for (const mode of [0o755, 0o770, 0o701]) {
      chmodSync(open, mode);
      await expect(serving({ socketPath: join(open, 'server.sock') })).rejects.toThrow(fault(/others can enter/));
      expect(existsSync(join(open, 'server.sock'))).toBe(false);
    }
    chmodSync(open, 0o700);
  });

  it('has a path that every system takes, in a folder that is there', async () => {
    const deep = join(folder(), 'a'.repeat(100));
    mkdirSync(deep, { mode: 0o700 });
    await expect(serving({ socketPath: join(deep, 'server.sock') })).rejects.toThrow(fault(/longer than 103 bytes/));
    await expect(serving({ socketPath: join(folder(), 'no', 'server.sock') })).rejects.toThrow(fault(/is not there/));
  });
});

describe('an address', () => {
  it('that somebody else has is refused', async () => {
    const { port } = await serving();
    await expect(serving({ port })).rejects.toThrow(fault(/can't listen on 127\.0\.0\.1:\d+: EADDRINUSE/));
  });
});
