import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fromUtf8, utf8 } from '../../src/base/bytes.ts';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { createEmbeddedStore, openEmbeddedStore, type EmbeddedStore } from '../../src/storage/embedded.ts';
import { createStore } from '../../src/storage/optimistic.ts';
import { startChild } from './child.ts';

const noon: Clock = { now: () => Date.UTC(2026, 10, 24, 12) };
const options = { command: 'secretctl test', clock: noon };

const containing = (text: string): unknown => expect.stringContaining(text);
const matching = (pattern: string): unknown => expect.stringMatching(new RegExp(pattern));

let parent: string;
let directory: string;
const stores: EmbeddedStore[] = [];

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'secretctl-embedded-'));
  directory = join(parent, 'store');
});

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  rmSync(parent, { recursive: true });
});

async function create(): Promise<EmbeddedStore> {
  const store = await createEmbeddedStore(directory, { ...options, random: systemRandom });
  stores.push(store);
  return store;
}

async function open(more: Partial<Parameters<typeof openEmbeddedStore>[1]> = {}): Promise<EmbeddedStore> {
  const store = await openEmbeddedStore(directory, { ...options, ...more });
  stores.push(store);
  return store;
}

async function createWith(key: string, value: string): Promise<string> {
  const store = await create();
  await createStore(store.backend, store.epoch).transact(async (tx) => tx.put(key, utf8(value)));
  await store.close();
  return store.storeId;
}

const valueOf = async (store: EmbeddedStore, key: string) => fromUtf8((await store.backend.get(key))?.value ?? utf8('(none)'));

describe('an embedded store', () => {
  test('keeps its id and its content from one owner to the next, under a new epoch each time', async () => {
    const id = await createWith('a', 'kept');
    const first = await open();
    expect(first.storeId).toBe(id);
    expect(await valueOf(first, 'a')).toBe('kept');
    await first.close();
    const second = await open();
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect(await valueOf(second, 'a')).toBe('kept');
  });

  test.each([0o000, 0o022, 0o277])('has files of mode 0600 in a directory of 0700 under umask %o', async (mask) => {
    mkdirSync(directory, { mode: 0o755 });
    chmodSync(directory, 0o755);
    const before = process.umask(mask);
    try {
      await create();
    } finally {
      process.umask(before);
    }
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    const modes = readdirSync(directory).map((name) => [name, statSync(join(directory, name)).mode & 0o777]);
    expect(modes).toEqual(['data.mdb', 'data.mdb-lock', 'owner.lock', 'store.json'].map((name) => [name, 0o600]));
  });

  test('takes back what others were allowed when it opens', async () => {
    await createWith('a', '1');
    for (const name of readdirSync(directory)) chmodSync(join(directory, name), 0o644);
    chmodSync(directory, 0o755);
    await open();
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'data.mdb')).mode & 0o777).toBe(0o600);
  });
});

describe('making a store', () => {
  test('where there is one is refused, and changes nothing', async () => {
    const id = await createWith('a', 'kept');
    await expect(create()).rejects.toMatchObject({ code: 'store-exists', message: containing(directory) });
    const store = await open();
    expect(store.storeId).toBe(id);
    expect(await valueOf(store, 'a')).toBe('kept');
  });

  test('where a data file stands without its store file is refused', async () => {
    await createWith('a', 'kept');
    rmSync(join(directory, 'store.json'));
    await expect(create()).rejects.toMatchObject({ code: 'store-exists' });
    expect(statSync(join(directory, 'data.mdb')).size).toBeGreaterThan(0);
  });

  test('that was cut short is made again, and not opened before', async () => {
    await createWith('a', '1');
    const file = join(directory, 'store.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('true', 'false'));
    await expect(open()).rejects.toMatchObject({ code: 'store-missing', message: containing('cut short') });
    expect(await (await create()).backend.list('')).toEqual([]);
  });

  test('that cannot be filled is none, and is made again under the same id', async () => {
    const ids: string[] = [];
    const filled = (fill: () => Promise<void>) =>
      createEmbeddedStore(directory, {
        command: 'test',
        clock: systemClock,
        random: systemRandom,
        fill: async ({ storeId }) => {
          ids.push(storeId);
          await fill();
        },
      });
    await expect(filled(() => Promise.reject(new Error('no room')))).rejects.toThrow('no room');
    await expect(open()).rejects.toMatchObject({ code: 'store-missing', message: containing('cut short') });
    await (await filled(() => Promise.resolve())).close();
    expect(ids).toEqual([ids[0], ids[0]]);
    expect((await open()).storeId).toBe(ids[0]);
  });
});

describe('opening a store', () => {
  test('where there is none makes none', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'store-missing' });
    expect(existsSync(directory)).toBe(false);
    mkdirSync(directory);
    await expect(open()).rejects.toMatchObject({ code: 'store-missing', hint: containing('secretctl init') });
    expect(existsSync(join(directory, 'data.mdb'))).toBe(false);
  });

  test('whose data went away never makes a new one', async () => {
    const id = await createWith('a', '1');
    truncateSync(join(directory, 'data.mdb'), 0);
    await expect(open()).rejects.toMatchObject({ code: 'store-truncated', message: containing(id) });
    rmSync(join(directory, 'data.mdb'));
    await expect(open()).rejects.toMatchObject({ code: 'store-truncated' });
    await expect(create()).rejects.toMatchObject({ code: 'store-exists' });
    expect(existsSync(join(directory, 'data.mdb'))).toBe(false);
  });

  test('without its store file is refused', async () => {
    await createWith('a', '1');
    rmSync(join(directory, 'store.json'));
    await expect(open()).rejects.toMatchObject({ code: 'store-format', message: containing('store.json') });
  });

  test.each([
    ['another format', '{"format":2,"id":"x"}', 'format 2'],
    ['no format', '{"id":"x"}', 'damaged'],
    ['no id', '{"format":1,"complete":true}', 'damaged'],
    ['half a file', '{"format":1,"id":"0', 'damaged'],
    ['an empty file', '', 'damaged'],
    ['another kind of file', '[1]', 'damaged'],
  ])('whose store file has %s is refused', async (_what, text, detail) => {
    await createWith('a', '1');
    writeFileSync(join(directory, 'store.json'), text);
    await expect(open()).rejects.toMatchObject({ code: 'store-format', message: containing(detail) });
    await expect(create()).rejects.toMatchObject({ code: 'store-format' });
  });

  test.each([
    ['no LMDB file', Buffer.alloc(20_000, 'not a data file')],
    ['nothing but zeroes', Buffer.alloc(20_000)],
  ])('whose data file is %s is refused', async (_what, content) => {
    await createWith('a', '1');
    writeFileSync(join(directory, 'data.mdb'), content);
    await expect(open()).rejects.toMatchObject({ code: 'store-format' });
  });

  test('whose data file has another data format is refused', async () => {
    await createWith('a', '1');
    const file = join(directory, 'data.mdb');
    const content = readFileSync(file);
    content.writeUInt16LE(1, 28);
    writeFileSync(file, content);
    await expect(open()).rejects.toMatchObject({ code: 'store-format', message: containing('data format 1') });
  });

  test('that failed leaves it free for the next', async () => {
    await createWith('a', '1');
    const file = join(directory, 'store.json');
    const content = readFileSync(file);
    writeFileSync(file, '');
    await expect(open()).rejects.toMatchObject({ code: 'store-format' });
    writeFileSync(file, content);
    expect(await valueOf(await open(), 'a')).toBe('1');
  });
});

describe('the owner of a store', () => {
  test('is named to whoever else wants it: process, command and start', async () => {
    await create();
    await expect(open({ command: 'secretctl other' })).rejects.toMatchObject({
      code: 'store-locked',
      message: matching(`process ${process.pid} \\(secretctl test\\).*2026-11-24T12:00:00`),
      hint: containing('-lock-timeout'),
    });
  });

  test('is named without what a terminal would obey', async () => {
    await createWith('a', '1');
    await open({ command: 'evil\u001b[2J\ncommand' });
    await expect(open()).rejects.toMatchObject({ message: containing('(evil [2J command)') });
  });

  test('is waited for as long as told, and no longer', async () => {
    await create();
    const naps: number[] = [];
    const sleep = async (milliseconds: number) => void naps.push(milliseconds);
    await expect(open({ lockTimeout: 1234, sleep })).rejects.toMatchObject({ code: 'store-locked' });
    expect(naps.reduce((sum, nap) => sum + nap, 0)).toBe(1234);
  });

  test('is one of two processes that start at once; the other learns which', async () => {
    await createWith('a', '1');
    for (let round = 0; round < 3; round++) {
      const children = ['first', 'second'].map((command) => startChild('owner.mjs', [directory, command]));
      const said = await Promise.all(children.map(async (child) => JSON.parse(await child.line()) as Record<string, unknown>));
      const winner = said.findIndex((line) => 'epoch' in line);
      expect(said[winner]).toHaveProperty('epoch');
      expect(said[1 - winner]).toMatchObject({
        code: 'store-locked',
        message: containing(`process ${String(said[winner]?.['pid'])} (${winner === 0 ? 'first' : 'second'})`),
      });
      for (const child of children) child.process.stdin.end();
      expect(await Promise.all(children.map((child) => child.ended))).toEqual([0, 0]);
    }
  });

  test('that is killed leaves the store free at once', async () => {
    await createWith('a', '1');
    const child = startChild('owner.mjs', [directory, 'doomed']);
    await child.line();
    await expect(open()).rejects.toMatchObject({ code: 'store-locked' });
    child.process.kill('SIGKILL');
    expect(await child.ended).toBe('SIGKILL');
    expect(await valueOf(await open(), 'a')).toBe('1');
  });

  test('that ends lets the one in who waits', async () => {
    await createWith('a', '1');
    const child = startChild('owner.mjs', [directory, 'short']);
    await child.line();
    const waiting = open({ lockTimeout: 20_000, clock: systemClock });
    child.process.stdin.end();
    expect(await valueOf(await waiting, 'a')).toBe('1');
    expect(await child.ended).toBe(0);
  });
});
