import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fileSink } from '../../src/audit/file-sink.ts';
import { createSink } from '../../src/audit/registry.ts';
import { sinkConformance } from './conformance.ts';
import { smallLog } from './entries.ts';
import { errno, faultyFiles } from './faulty-file.ts';

const newFolder = () => mkdtempSync(join(tmpdir(), 'secretctl-audit-'));
const log = smallLog();
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

function listenAt(path: string): Promise<void> {
  const server = createServer();
  servers.push(server);
  return new Promise((resolve) => server.listen(path, resolve));
}

sinkConformance('file', async () => {
  const path = join(newFolder(), 'audit.log');
  let moved = 0;
  return {
    sink: () => createSink({ name: 'file', type: 'file', options: { path } }),
    content: () => readFile(path),
    plant: (bytes) => writeFile(path, bytes, { mode: 0o600 }),
    rotate: () => rename(path, `${path}.${++moved}`),
  };
});

describe('a log file', () => {
  it('is created with mode 0600 whatever the umask', async () => {
    const path = join(newFolder(), 'audit.log');
    const before = process.umask(0);
    try {
      const sink = fileSink('file', path);
      await sink.open();
      await sink.close();
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  const refused: readonly [string, (path: string) => void | Promise<void>, RegExp][] = [
    [
      'a symbolic link',
      (path) => (writeFileSync(`${path}.target`, '', { mode: 0o600 }), symlinkSync(`${path}.target`, path)),
      /symbolic link/,
    ],
    ['a link that leads nowhere', (path) => symlinkSync(`${path}.none`, path), /symbolic link/],
    ['a folder', (path) => mkdirSync(path), /not a regular file/],
    ['a socket', (path) => listenAt(path), /not a regular file/],
    ['a file that others may write', (path) => (writeFileSync(path, ''), chmodSync(path, 0o622)), /mode 0622/],
    ['an executable file', (path) => (writeFileSync(path, ''), chmodSync(path, 0o700)), /mode 0700/],
  ];
  for (const [what, make, message] of refused) {
    it(`that is ${what} is refused, and left as it was`, async () => {
      const path = join(newFolder(), 'audit.log');
      await make(path);
      const before = lstatSync(path);
      const sink = fileSink('file', path);
      expect(await sink.check()).toMatch(message);
      await expect(sink.open()).rejects.toMatchObject({
        code: 'audit-unavailable',
        message: expect.stringMatching(message) as string,
      });
      const { mode, size, mtimeMs } = lstatSync(path);
      expect({ mode, size, mtimeMs }).toEqual({ mode: before.mode, size: before.size, mtimeMs: before.mtimeMs });
    });
  }

  it('in a folder that does not exist is refused with the reason', async () => {
    const sink = fileSink('file', join(newFolder(), 'none', 'audit.log'));
    expect(await sink.check()).toMatch(/does not exist/);
    await expect(sink.open()).rejects.toMatchObject({
      code: 'audit-unavailable',
      message: expect.stringMatching(/does not exist/) as string,
    });
  });

  it('that members of a group may read keeps its mode: a log shipper may need it', async () => {
    const path = join(newFolder(), 'audit.log');
    writeFileSync(path, log.bytes);
    chmodSync(path, 0o640);
    const sink = fileSink('file', path);
    expect(await sink.open()).toMatchObject({ head: log.head });
    await sink.close();
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });
});

describe('a batch', () => {
  const opened = async (content: Uint8Array = new Uint8Array(0)) => {
    const path = join(newFolder(), 'audit.log');
    writeFileSync(path, content, { mode: 0o600 });
    const files = faultyFiles();
    const sink = fileSink('file', path, files.open);
    await sink.open();
    return { path, sink, ...files };
  };

  it('costs one write and one sync', async () => {
    const { sink, counts } = await opened();
    const { writes, syncs } = { ...counts };
    await sink.append(log.bytes);
    expect(counts).toMatchObject({ writes: writes + 1, syncs: syncs + 1 });
  });

  it('is written whole though the system takes only a part at a time', async () => {
    const { sink, path, faults } = await opened();
    faults.write = (bytes) => Math.min(bytes.byteLength, 100);
    await sink.append(log.bytes);
    expect(readFileSync(path).equals(log.bytes)).toBe(true);
  });

  it('that does not fit on the disk leaves no torn line, says so, and fits once there is room', async () => {
    for (let room = 0; room < 500; room += 61) {
      const { sink, path, faults } = await opened(log.lines[0]);
      let left = room;
      faults.write = (bytes) => {
        const taken = Math.min(left, bytes.byteLength, 50);
        if (taken === 0) throw errno('ENOSPC');
        left -= taken;
        return taken;
      };
      await expect(sink.append(log.lines[1] as Uint8Array)).rejects.toMatchObject({
        outcome: 'unwritten',
        message: expect.stringMatching(/the disk is full/) as string,
      });
      expect(readFileSync(path).equals(Buffer.from(log.lines[0] as Uint8Array))).toBe(true);
      delete faults.write;
      await sink.append(log.lines[1] as Uint8Array);
      expect(readFileSync(path).equals(Buffer.concat(log.lines.slice(0, 2)))).toBe(true);
    }
  });

  it('that can be neither written nor taken back closes the sink until the file was repaired', async () => {
    const { sink, path, faults, counts } = await opened(log.lines[0]);
    let calls = 0;
    faults.write = () => (calls++ === 0 ? 30 : raise('EIO'));
    faults.truncate = () => raise('EIO');
    await expect(sink.append(log.lines[1] as Uint8Array)).rejects.toMatchObject({ outcome: 'unknown' });
    const { writes } = { ...counts };
    await expect(sink.append(log.lines[1] as Uint8Array)).rejects.toMatchObject({ outcome: 'unknown' });
    expect(counts.writes).toBe(writes);
    const next = fileSink('file', path);
    expect(await next.open()).toEqual({ head: log.heads[1], torn: 30 });
  });

  it('whose sync fails is never reported as stored, nor is any later one in that file', async () => {
    const { sink, path, faults, counts } = await opened();
    faults.datasync = () => raise('EIO');
    await expect(sink.append(log.lines[0] as Uint8Array)).rejects.toMatchObject({
      outcome: 'unknown',
      message: expect.stringMatching(/syncing .* failed: .*EIO/) as string,
    });
    delete faults.datasync;
    const { writes } = { ...counts };
    await expect(sink.append(log.lines[1] as Uint8Array)).rejects.toMatchObject({ outcome: 'unknown' });
    await expect(sink.open()).rejects.toMatchObject({ code: 'audit-unavailable' });
    await expect(sink.reopen()).rejects.toMatchObject({ code: 'audit-unavailable' });
    expect(counts.writes).toBe(writes);
    renameSync(path, `${path}.1`);
    expect(await sink.open()).toEqual({ head: null, torn: 0 });
  });

  it('is not reported as stored where the file was deleted, cut or written to by somebody else', async () => {
    const meddle: readonly [(path: string) => void | Promise<void>, RegExp][] = [
      [(path) => unlinkSync(path), /was deleted/],
      [(path) => writeFileSync(path, ''), /changed by somebody else/],
      [(path) => appendFile(path, 'x'), /changed by somebody else/],
    ];
    for (const [change, message] of meddle) {
      const { sink, path } = await opened(log.lines[0]);
      await change(path);
      await expect(sink.append(log.lines[1] as Uint8Array)).rejects.toMatchObject({
        outcome: 'unknown',
        message: expect.stringMatching(message) as string,
      });
    }
    const { sink, path } = await opened(log.lines[0]);
    linkSync(path, `${path}.backup`);
    await sink.append(log.lines[1] as Uint8Array);
  });
});

function raise(code: string): never {
  throw errno(code);
}
