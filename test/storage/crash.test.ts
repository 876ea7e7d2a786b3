import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { Batch } from '../../src/storage/backend.ts';
import { createEmbeddedStore, openEmbeddedStore, type EmbeddedStore } from '../../src/storage/embedded.ts';
import { checkLmdbFile } from '../../src/storage/lmdb-file.ts';
import { startChild } from './child.ts';
import { full, properties } from './generators.ts';

let parent: string;
let directory: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'secretctl-crash-'));
  directory = join(parent, 'store');
});

afterEach(() => rmSync(parent, { recursive: true }));

const create = () => createEmbeddedStore(directory, { command: 'test', clock: systemClock, random: systemRandom });
const open = () => openEmbeddedStore(directory, { command: 'test', clock: systemClock });

function write(store: EmbeddedStore, put: Batch['put'], deleted: Iterable<string> = []) {
  return store.backend.commit({ epoch: store.epoch, expect: new Map(), unchanged: [], put, delete: new Set(deleted) });
}

describe('a process that is killed while it writes', () => {
  test('loses nothing that it had acknowledged, and never leaves half a batch', async () => {
    await (await create()).close();
    const acked = new Map<string, number>();
    const attempted = new Map<string, number>();
    const rounds = fc.sample(
      fc.record({ writers: fc.integer({ min: 1, max: 8 }), size: fc.constantFrom(1, 200, 9000), pause: fc.nat(60) }),
      {
        ...properties(20),
      },
    );
    for (const { writers, size, pause } of rounds) {
      const child = startChild('writer.mjs', [directory, String(writers), String(size)]);
      const first = await child.line();
      await sleep(pause);
      child.process.kill('SIGKILL');
      for (const line of [first, ...(await child.rest())]) {
        const [what, writer, number] = line.split(' ');
        const seen = what === 'ack' ? acked : attempted;
        if (writer !== undefined && number !== undefined) seen.set(writer, Math.max(seen.get(writer) ?? 0, Number(number)));
      }
      expect(await child.ended).toBe('SIGKILL');
      const store = await open();
      const numberAt = async (key: string) => Number(Buffer.from((await store.backend.get(key))?.value ?? utf8('0')).toString());
      for (const writer of attempted.keys()) {
        const number = await numberAt(`left/${writer}`);
        expect(number).toBeGreaterThanOrEqual(acked.get(writer) ?? 0);
        expect(number).toBeLessThanOrEqual(attempted.get(writer) ?? 0);
        expect(await numberAt(`right/${writer}`)).toBe(number);
        const log = await store.backend.list(`log/${writer}/`);
        expect(log.map((entry) => Number(entry.key.split('/')[2])).sort((a, b) => a - b)).toEqual(
          Array.from({ length: Math.min(number, 20) }, (_, index) => Math.max(0, number - 20) + index + 1),
        );
      }
      await store.close();
    }
    expect([...acked.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(rounds.length);
  }, 600_000);
});

describe('a data file', () => {
  /** Opens the store cut to each length, all in one other process, which must survive. */
  async function outcomesOf(lengths: readonly number[]): Promise<Map<number, string>> {
    const child = startChild('cuts.mjs', [directory, ...lengths.map(String)]);
    const lines = await child.rest();
    expect(await child.ended).toBe(0);
    return new Map(lines.map((line) => [Number(line.slice(0, line.indexOf(' '))), line.slice(line.indexOf(' ') + 1)]));
  }

  test('that is cut at any length is refused, or still has everything; it never kills the process', async () => {
    const store = await create();
    const key = (index: number) => `key/${String(index).padStart(4, '0')}`;
    await write(store, new Map(Array.from({ length: 200 }, (_, index) => [key(index), Buffer.alloc(100 + index, 'v')])));
    await write(
      store,
      new Map([['big', Buffer.alloc(20_000, 'b')]]),
      Array.from({ length: 100 }, (_, index) => key(index * 2)),
    );
    await store.close();
    const size = statSync(join(directory, 'data.mdb')).size;
    const pages = Array.from({ length: size / 4096 }, (_, page) => page * 4096);
    const border = pages.flatMap((start) => [start - 1, start, start + 1]).filter((length) => length >= 0);
    const anywhere = fc.sample(fc.nat(size - 1), properties(30));
    const lengths = [...new Set([...border, size - 1, ...anywhere])];
    const outcomes = await outcomesOf([size, ...lengths]);
    const whole = outcomes.get(size);
    expect(whole).toMatch(/^whole/);
    for (const length of lengths) expect(['store-truncated', whole]).toContain(outcomes.get(length));
    // What is in use ends in the last pages of this file.
    for (const length of lengths.filter((length) => length < size / 2)) expect(outcomes.get(length)).toBe('store-truncated');
  });

  test('may end before its last page number where the last pages are free, and is then no truncated one', async () => {
    const store = await create();
    const keys = Array.from({ length: 3000 }, (_, index) => `key${String(index).padStart(6, '0')}`);
    const values = [['kept', utf8('kept')] as const, ...keys.map((key) => [key, Buffer.alloc(50)] as const)];
    const file = join(directory, 'data.mdb');
    let short = 0;
    for (let round = 0; round < (full ? 50 : 3); round++) {
      // Two commits in one LMDB transaction: pages are taken at the end of the file and given up before it is written.
      await Promise.all([write(store, new Map(values)), write(store, new Map(), keys.slice(1500))]);
      await write(store, new Map(), keys);
      checkLmdbFile(file);
      if (statSync(file).size >= pagesNamedBy(file) * 4096) continue;
      short++;
      const copy = `${directory}-${round}`;
      cpSync(directory, copy, { recursive: true });
      const reopened = await openEmbeddedStore(copy, { command: 'test', clock: systemClock });
      expect(await reopened.backend.list('', { values: true })).toMatchObject([{ key: 'kept', value: utf8('kept') }]);
      await reopened.close();
    }
    expect(short).toBeGreaterThan(0);
    await store.close();
    const size = statSync(join(directory, 'data.mdb')).size;
    const outcomes = await outcomesOf([size, 4096 * 3, 4096 * 2, 4096]);
    expect(outcomes.get(size)).toMatch(/^whole/);
    for (const length of [4096 * 2, 4096]) expect(outcomes.get(length)).toBe('store-truncated');
  });
});

/** How many pages the newest meta page counts. */
function pagesNamedBy(file: string): number {
  const metas = [0, 4096].map((start) => readFileSync(file).subarray(start + 24, start + 24 + 144));
  const newest = metas.sort((a, b) => Number(b.readBigUInt64LE(128) - a.readBigUInt64LE(128)))[0];
  return Number(newest?.readBigUInt64LE(120)) + 1;
}
