import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import type { StoredRecord } from '../../src/storage/backend.ts';
import { openLmdbBackend } from '../../src/storage/lmdb.ts';
import { stageRestore } from '../../src/storage/restore.ts';
import { decodeSnapshot, encodeSnapshot, type SnapshotHeader } from '../../src/storage/snapshot.ts';
import { properties, storedKey } from './generators.ts';

const header: SnapshotHeader = { storeId: '3b7ee1f2-6c19-4d3a-9d5e-0a1b2c3d4e5f', sequence: 1000, createdAt: 1_790_000_000_000 };
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function* pagesOf(...records: readonly StoredRecord[]): AsyncGenerator<readonly StoredRecord[]> {
  for (const record of records) yield [record];
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

async function encoded(records: readonly StoredRecord[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeSnapshot(header, pagesOf(...records))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function decoded(bytes: Uint8Array, size = 7): Promise<StoredRecord[]> {
  const { records } = await decodeSnapshot(pieces(bytes, size));
  const all: StoredRecord[] = [];
  for await (const record of records) all.push({ ...record, value: new Uint8Array(record.value) });
  return all;
}

const some: readonly StoredRecord[] = [
  { key: 'core/a', version: 3, value: utf8('one') },
  { key: 'core/b', version: 1000, value: new Uint8Array() },
];

describe('a snapshot', () => {
  test('gives every record back, however its bytes arrive', async () => {
    const record = fc.record({
      key: storedKey,
      version: fc.integer({ min: 0, max: 1000 }),
      value: fc.uint8Array({ maxLength: 300 }),
    });
    const records = fc
      .uniqueArray(record, { selector: ({ key }) => key, maxLength: 20 })
      .map((list) => list.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))));
    await fc.assert(
      fc.asyncProperty(records, fc.integer({ min: 1, max: 500 }), async (list, size) => {
        const plain = list.map((entry) => ({ ...entry, value: new Uint8Array(entry.value) }));
        expect(await decoded(await encoded(list), size)).toEqual(plain);
      }),
      properties(50),
    );
  });

  test('is refused when any byte of it differs, and when it was cut off or something was added', async () => {
    const bytes = await encoded(some);
    for (let at = 0; at < bytes.byteLength; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x41;
      await expect(decoded(changed)).rejects.toMatchObject({ code: 'snapshot' });
    }
    for (let length = 0; length < bytes.byteLength; length++) {
      await expect(decoded(bytes.subarray(0, length))).rejects.toMatchObject({ code: 'snapshot' });
    }
    await expect(decoded(Buffer.concat([bytes, Buffer.of(0)]))).rejects.toMatchObject({ code: 'snapshot' });
  });

  test('has the frozen form', async () => {
    const vector = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/snapshot.json'), 'utf8')) as { hex: string };
    expect((await encoded(some)).toString('hex')).toBe(vector.hex);
  });
});

describe('a restore', () => {
  async function store(): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'secretctl-restore-'));
    folders.push(folder);
    return join(folder, 'store');
  }

  test('puts the records with their versions in the place of the present ones, which are kept aside', async () => {
    const directory = await store();
    const backend = await openLmdbBackend({ directory, create: true });
    const epoch = await backend.advanceEpoch();
    await backend.commit({ epoch, expect: new Map(), unchanged: [], put: new Map([['later', utf8('x')]]), delete: new Set() });
    await backend.close();
    const snapshot = await decodeSnapshot(pieces(await encoded(some), 64));
    const staged = await stageRestore(directory, snapshot, { storeId: header.storeId, epoch: epoch + 5, sequence: 4000 });
    staged.activate();
    const restored = await openLmdbBackend({ directory, create: false });
    try {
      expect(staged.records).toBe(2);
      expect(await restored.get('core/a')).toEqual({ value: utf8('one'), version: 3 });
      expect(await restored.get('later')).toBeNull();
      expect(await restored.advanceEpoch()).toBe(epoch + 6);
      const next = {
        epoch: epoch + 6,
        expect: new Map(),
        unchanged: [],
        put: new Map([['n', utf8('n')]]),
        delete: new Set<string>(),
      };
      expect(await restored.commit(next)).toEqual({ committed: true, sequence: 4001 });
      expect(existsSync(join(directory, 'replaced.mdb'))).toBe(true);
      expect(statSync(join(directory, 'data.mdb')).mode & 0o777).toBe(0o600);
    } finally {
      await restored.close();
    }
  });

  test('of a damaged snapshot or one of another store leaves everything as it was', async () => {
    const directory = await store();
    await (await openLmdbBackend({ directory, create: true })).close();
    const before = readFileSync(join(directory, 'data.mdb'));
    const bytes = await encoded(some);
    const cut = await decodeSnapshot(pieces(bytes.subarray(0, -1), 64));
    await expect(stageRestore(directory, cut, { storeId: header.storeId, epoch: 1, sequence: 0 })).rejects.toMatchObject({
      code: 'snapshot',
    });
    const whole = await decodeSnapshot(pieces(bytes, 64));
    await expect(stageRestore(directory, whole, { storeId: 'another', epoch: 1, sequence: 0 })).rejects.toMatchObject({
      code: 'snapshot',
    });
    expect(readFileSync(join(directory, 'data.mdb')).equals(before)).toBe(true);
    expect(existsSync(join(directory, 'restoring.mdb'))).toBe(false);
  });
});
