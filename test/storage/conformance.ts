import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { fromUtf8, utf8 } from '../../src/base/bytes.ts';
import { maxKeyBytes, type Backend, type Batch, type CommitResult, type ListedKey } from '../../src/storage/backend.ts';
import { full, properties, storedKey } from './generators.ts';

/** One place that outlives the backends which are opened on it. */
export interface TestMedium {
  open(): Promise<Backend>;
  /** Removes what is stored; every backend is closed by then. */
  discard(): Promise<void>;
}

const batchOf = (epoch: number, parts: Partial<Batch> = {}): Batch => ({
  epoch,
  expect: new Map(),
  unchanged: [],
  put: new Map(),
  delete: new Set(),
  ...parts,
});
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const keysOf = (listed: readonly ListedKey[]) => listed.map((entry) => entry.key);

function sequenceOf(result: CommitResult): number {
  if (!result.committed) throw new Error(`a conflict at ${result.conflict}`);
  return result.sequence;
}

/** What every backend promises (see Backend): each implementation runs this suite. */
export function backendConformance(name: string, newMedium: () => Promise<TestMedium>): void {
  const opened: Backend[] = [];
  const media: TestMedium[] = [];

  async function medium(): Promise<TestMedium> {
    const fresh = await newMedium();
    media.push(fresh);
    return {
      open: async () => {
        const backend = await fresh.open();
        opened.push(backend);
        return backend;
      },
      discard: () => fresh.discard(),
    };
  }

  async function fresh(): Promise<{ backend: Backend; epoch: number }> {
    const backend = await (await medium()).open();
    return { backend, epoch: await backend.advanceEpoch() };
  }

  afterEach(async () => {
    for (const backend of opened.splice(0)) await backend.close();
    for (const used of media.splice(0)) await used.discard();
  });

  describe(`${name}: a capture`, () => {
    test('holds every record of one moment, in order, whatever is written meanwhile', async () => {
      const { backend, epoch } = await fresh();
      const before = new Map(Array.from({ length: 1500 }, (_, index) => [`key/${index}`, utf8(`value ${index}`)] as const));
      const sequence = sequenceOf(await backend.commit(batchOf(epoch, { put: before })));
      const capture = await backend.capture();
      await backend.commit(
        batchOf(epoch, {
          put: new Map([
            ['key/0', utf8('changed')],
            ['late', utf8('late')],
          ]),
          delete: new Set(['key/9']),
        }),
      );
      const seen: [string, number, string][] = [];
      for await (const page of capture.pages) {
        for (const { key, version, value } of page) seen.push([key, version, fromUtf8(value)]);
      }
      const expected = [...before].sort(([a], [b]) => byBytes(a, b)).map(([key, value]) => [key, sequence, fromUtf8(value)]);
      expect(capture.sequence).toBe(sequence);
      expect(seen).toEqual(expected);
    });

    test('of an empty store holds nothing', async () => {
      const { backend } = await fresh();
      const pages: unknown[] = [];
      for await (const page of (await backend.capture()).pages) pages.push(...page);
      expect(pages).toEqual([]);
    });
  });

  describe(`${name}: a batch`, () => {
    test('is stored whole, with its sequence as the version of each value', async () => {
      const { backend, epoch } = await fresh();
      const sequence = sequenceOf(
        await backend.commit(
          batchOf(epoch, {
            put: new Map([
              ['a', utf8('1')],
              ['b', utf8('')],
            ]),
          }),
        ),
      );
      expect(await backend.get('a')).toEqual({ value: utf8('1'), version: sequence });
      expect(await backend.get('b')).toEqual({ value: utf8(''), version: sequence });
      expect(await backend.get('c')).toBeNull();
    });

    test('with one false condition changes nothing and says which', async () => {
      const { backend, epoch } = await fresh();
      const first = sequenceOf(await backend.commit(batchOf(epoch, { put: new Map([['a', utf8('1')]]) })));
      for (const [key, version] of [
        ['a', null],
        ['a', first + 1],
        ['b', first],
      ] as const) {
        const batch = batchOf(epoch, {
          expect: new Map<string, number | null>([
            ['a', first],
            ['b', null],
            [key, version],
          ]),
          put: new Map([['new', utf8('x')]]),
          delete: new Set(['a']),
        });
        expect(await backend.commit(batch)).toEqual({ committed: false, conflict: key });
      }
      expect(keysOf(await backend.list(''))).toEqual(['a']);
    });

    test('may delete what is not there', async () => {
      const { backend, epoch } = await fresh();
      sequenceOf(await backend.commit(batchOf(epoch, { delete: new Set(['nothing']) })));
      expect(await backend.list('')).toEqual([]);
    });

    test('never reuses a version, also not after delete and create', async () => {
      const { backend, epoch } = await fresh();
      const seen = new Set<number>();
      for (let round = 0; round < 5; round++) {
        seen.add(sequenceOf(await backend.commit(batchOf(epoch, { put: new Map([['a', utf8('1')]]) }))));
        expect((await backend.get('a'))?.version).toBe([...seen].at(-1));
        await backend.commit(batchOf(epoch, { delete: new Set(['a']) }));
      }
      expect(seen.size).toBe(5);
      expect([...seen]).toEqual([...seen].sort((a, b) => a - b));
    });

    test('without writes only checks its conditions', async () => {
      const { backend, epoch } = await fresh();
      const version = sequenceOf(await backend.commit(batchOf(epoch, { put: new Map([['a', utf8('1')]]) })));
      expect((await backend.commit(batchOf(epoch, { expect: new Map([['a', version]]) }))).committed).toBe(true);
      expect((await backend.commit(batchOf(epoch, { expect: new Map([['a', null]]) }))).committed).toBe(false);
      await expect(backend.commit(batchOf(epoch - 1))).rejects.toMatchObject({ code: 'store-fenced' });
    });

    test('that both puts and deletes a key is refused', async () => {
      const { backend, epoch } = await fresh();
      const batch = batchOf(epoch, { put: new Map([['a', utf8('1')]]), delete: new Set(['a']) });
      await expect(backend.commit(batch)).rejects.toThrow(TypeError);
      expect(await backend.get('a')).toBeNull();
    });

    test('keeps what it was given, whatever happens to the buffers afterwards', async () => {
      const { backend, epoch } = await fresh();
      const value = utf8('secret');
      await backend.commit(batchOf(epoch, { put: new Map([['a', value]]) }));
      value.fill(0);
      const read = await backend.get('a');
      const listed = await backend.list('', { values: true });
      read?.value.fill(1);
      await backend.get('b');
      expect(fromUtf8(listed[0]?.value ?? utf8(''))).toBe('secret');
      listed[0]?.value?.fill(2);
      expect(fromUtf8((await backend.get('a'))?.value ?? utf8(''))).toBe('secret');
    });
  });

  describe(`${name}: keys`, () => {
    test(`are 1 to ${maxKeyBytes} bytes of UTF-8`, async () => {
      const { backend, epoch } = await fresh();
      const longest = ['k'.repeat(maxKeyBytes), 'é'.repeat(maxKeyBytes / 2), '\u{10ffff}'.repeat(maxKeyBytes / 4)];
      await backend.commit(batchOf(epoch, { put: new Map(longest.map((key) => [key, utf8(key)])) }));
      for (const key of longest) {
        expect(fromUtf8((await backend.get(key))?.value ?? utf8(''))).toBe(key);
        const put = new Map([
          ['fine', utf8('1')],
          [`${key}k`, utf8('1')],
        ]);
        await expect(backend.commit(batchOf(epoch, { put }))).rejects.toMatchObject({ code: 'key-too-long' });
        await expect(backend.get(`${key}k`)).rejects.toMatchObject({ code: 'key-too-long' });
      }
      for (const key of ['', '\ud800', 'a\udfffb']) {
        await expect(backend.commit(batchOf(epoch, { put: new Map([[key, utf8('1')]]) }))).rejects.toThrow(TypeError);
        await expect(backend.get(key)).rejects.toThrow(TypeError);
      }
      expect(keysOf(await backend.list(''))).toEqual(longest);
    });

    test('may hold any character, also NUL and the last one', async () => {
      const { backend, epoch } = await fresh();
      const keys = ['\0', '\0\0', 'a', 'a\0', 'a\0b', 'ab', '\u{ffff}', '\u{10000}', '\u{10ffff}', '\u{10ffff}\u{10ffff}'];
      await backend.commit(batchOf(epoch, { put: new Map(keys.map((key) => [key, utf8(key)])) }));
      expect(keysOf(await backend.list(''))).toEqual(keys);
      expect(keysOf(await backend.list('\0'))).toEqual(['\0', '\0\0']);
      expect(keysOf(await backend.list('a', { after: 'a' }))).toEqual(['a\0', 'a\0b', 'ab']);
      expect(keysOf(await backend.list('\u{10ffff}'))).toEqual(['\u{10ffff}', '\u{10ffff}\u{10ffff}']);
    });

    test('can be listed from behind a start of any length', async () => {
      const { backend, epoch } = await fresh();
      const keys = ['a', 'k'.repeat(maxKeyBytes), 'l'];
      await backend.commit(batchOf(epoch, { put: new Map(keys.map((key) => [key, utf8('')])) }));
      expect(keysOf(await backend.list('', { after: 'k'.repeat(5000) }))).toEqual(['l']);
      expect(keysOf(await backend.list('', { after: 'j'.repeat(5000) }))).toEqual(keys.slice(1));
      expect(keysOf(await backend.list('k', { after: 'a' }))).toEqual([keys[1]]);
      expect(keysOf(await backend.list('k', { after: 'l' }))).toEqual([]);
      expect(await backend.list('k'.repeat(5000))).toEqual([]);
      await expect(backend.list('\ud800')).rejects.toThrow(TypeError);
    });
  });

  describe(`${name}: any sequence of batches`, () => {
    const condition = fc.constantFrom('none', 'true', 'false');
    const step = fc.record({
      puts: fc.array(fc.tuple(storedKey, fc.uint8Array({ maxLength: 20 })), { maxLength: 6 }),
      deletes: fc.array(storedKey, { maxLength: 6 }),
      expected: fc.array(fc.tuple(storedKey, condition), { maxLength: 4 }),
      guarded: fc.option(
        fc.record({ prefix: storedKey, after: fc.option(storedKey, { nil: null }), limit: fc.integer({ min: 1, max: 5 }) }),
      ),
      spoiled: fc.boolean(),
      list: fc.record({
        prefix: fc.oneof(storedKey, fc.constant('')),
        after: fc.option(storedKey, { nil: null }),
        limit: fc.option(fc.integer({ min: 0, max: 9 })),
      }),
      reopen: fc.boolean(),
    });

    test('leaves what it leaves in a plain map', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
          const place = await newMedium();
          let backend = await place.open();
          let epoch = await backend.advanceEpoch();
          const model = new Map<string, { value: Uint8Array; version: number }>();
          let last = 0;
          const modelRange = (prefix: string, after: string | null) =>
            [...model.keys()]
              .filter((key) => key.startsWith(prefix) && (after === null || byBytes(key, after) > 0))
              .sort(byBytes);
          try {
            for (const { puts, deletes, expected, guarded, spoiled, list, reopen } of steps) {
              if (reopen) {
                await backend.close();
                backend = await place.open();
                epoch = await backend.advanceEpoch();
              }
              const put = new Map(puts);
              const batch = {
                epoch,
                put,
                delete: new Set(deletes.filter((key) => !put.has(key))),
                expect: new Map<string, number | null>(),
                unchanged: [] as Batch['unchanged'],
              };
              let holds = true;
              for (const [key, kind] of expected) {
                if (kind === 'none') continue;
                const version = model.get(key)?.version ?? null;
                const wrong = version === null ? last + 1 : null;
                batch.expect.set(key, kind === 'true' ? version : wrong);
              }
              for (const [key, version] of batch.expect) if ((model.get(key)?.version ?? null) !== version) holds = false;
              if (guarded !== null) {
                const range = modelRange(guarded.prefix, guarded.after);
                const seen = range.slice(0, guarded.limit);
                const guard = {
                  prefix: guarded.prefix,
                  after: guarded.after,
                  through: seen.length < guarded.limit ? null : (seen.at(-1) ?? null),
                  count: seen.length + (spoiled ? 1 : 0),
                  newest: Math.max(0, ...seen.map((key) => model.get(key)?.version ?? 0)),
                };
                batch.unchanged = [guard];
                if (spoiled) holds = false;
              }
              const result = await backend.commit(batch);
              expect(result.committed).toBe(holds);
              if (result.committed) {
                const wrote = put.size > 0 || batch.delete.size > 0;
                if (wrote) expect(result.sequence).toBeGreaterThan(last);
                else expect(result.sequence).toBe(last);
                last = result.sequence;
                for (const [key, value] of put) model.set(key, { value, version: last });
                for (const key of batch.delete) model.delete(key);
              }
              const options = {
                ...(list.after === null ? {} : { after: list.after }),
                ...(list.limit === null ? {} : { limit: list.limit }),
              };
              const keys = modelRange(list.prefix, list.after).slice(0, list.limit ?? Infinity);
              expect(await backend.list(list.prefix, { ...options, values: true })).toEqual(
                keys.map((key) => ({ key, ...model.get(key) })),
              );
              expect(await backend.list(list.prefix, options)).toEqual(
                keys.map((key) => ({ key, version: model.get(key)?.version, value: null })),
              );
              for (const key of [...put.keys(), ...deletes]) expect(await backend.get(key)).toEqual(model.get(key) ?? null);
            }
          } finally {
            await backend.close();
            await place.discard();
          }
        }),
        properties(40),
      );
    });
  });

  describe(`${name}: a guarded range`, () => {
    test('notices a key that appears, goes away or changes in it, and nothing else', async () => {
      const { backend, epoch } = await fresh();
      const write = async (put: string[], deleted: string[] = []) =>
        backend.commit(batchOf(epoch, { put: new Map(put.map((key) => [key, utf8('x')])), delete: new Set(deleted) }));
      await write(['p/a', 'p/b', 'p/c', 'q']);
      const guard = async () => {
        const page = await backend.list('p/', { after: 'p/a', limit: 2 });
        return {
          prefix: 'p/',
          after: 'p/a',
          through: 'p/c',
          count: page.length,
          newest: Math.max(...page.map((entry) => entry.version)),
        };
      };
      const holdsAfter = async (change: () => Promise<unknown>) => {
        const before = await guard();
        await change();
        const result = await backend.commit(batchOf(epoch, { unchanged: [before], put: new Map([['seen', utf8('')]]) }));
        return result.committed || result.conflict;
      };
      expect(await holdsAfter(() => write(['p/a', 'p/d', 'q']))).toBe(true);
      expect(await holdsAfter(() => write(['p/bb']))).toBe('p/');
      expect(await holdsAfter(() => write([], ['p/bb']))).toBe('p/');
      expect(await holdsAfter(() => write(['p/c']))).toBe('p/');
      expect(await holdsAfter(() => write(['p/bb'], ['p/c']))).toBe('p/');
    });
  });

  describe(`${name}: concurrent commits`, () => {
    test('of 64 writers lose no update and never share a version', async () => {
      const { backend, epoch } = await fresh();
      const versions: number[] = [];
      const writer = async () => {
        for (let done = 0; done < 5;) {
          const seen = await backend.get('counter');
          const next = Number(fromUtf8(seen?.value ?? utf8('0'))) + 1;
          const result = await backend.commit(
            batchOf(epoch, {
              expect: new Map([['counter', seen?.version ?? null]]),
              put: new Map([['counter', utf8(String(next))]]),
            }),
          );
          if (!result.committed) continue;
          versions.push(result.sequence);
          done++;
        }
      };
      await Promise.all(Array.from({ length: 64 }, writer));
      expect(fromUtf8((await backend.get('counter'))?.value ?? utf8(''))).toBe('320');
      expect(new Set(versions).size).toBe(320);
    });

    test('that fail leave those alone that came with them', async () => {
      const { backend, epoch } = await fresh();
      const results = await Promise.allSettled(
        Array.from({ length: 30 }, (_, index) =>
          backend.commit(
            batchOf(index % 3 === 0 ? epoch - 1 : epoch, {
              expect: new Map(index % 3 === 1 ? [['missing', 7]] : []),
              put: new Map([[`key/${index}`, utf8('x')]]),
            }),
          ),
        ),
      );
      const outcome = results.map((result) =>
        result.status === 'rejected' ? 'fenced' : result.value.committed ? 'stored' : 'conflict',
      );
      expect(outcome).toEqual(results.map((_, index) => ['fenced', 'conflict', 'stored'][index % 3]));
      const stored = Array.from({ length: 10 }, (_, index) => `key/${index * 3 + 2}`);
      expect(keysOf(await backend.list('key/')).sort()).toEqual(stored.sort());
    });

    test('are seen by every read that begins after one of them is acknowledged', async () => {
      const { backend, epoch } = await fresh();
      for (let round = 0; round < 50; round++) {
        const before = await backend.get('a');
        expect(before === null ? round : Number(fromUtf8(before.value)) + 1).toBe(round);
        await backend.commit(batchOf(epoch, { put: new Map([['a', utf8(String(round))]]) }));
      }
    });
  });

  describe(`${name}: an epoch`, () => {
    test('that is not the newest commits nothing, through whichever backend', async () => {
      const place = await medium();
      const old = await place.open();
      const oldEpoch = await old.advanceEpoch();
      await old.commit(batchOf(oldEpoch, { put: new Map([['a', utf8('old')]]) }));
      const next = await place.open();
      const nextEpoch = await next.advanceEpoch();
      expect(nextEpoch).toBeGreaterThan(oldEpoch);
      const late = old.commit(batchOf(oldEpoch, { put: new Map([['a', utf8('late')]]) }));
      await expect(late).rejects.toMatchObject({ code: 'store-fenced' });
      await expect(next.commit(batchOf(nextEpoch + 1))).rejects.toMatchObject({ code: 'store-fenced' });
      expect(fromUtf8((await next.get('a'))?.value ?? utf8(''))).toBe('old');
      await next.commit(batchOf(nextEpoch, { put: new Map([['a', utf8('new')]]) }));
      expect(fromUtf8((await old.get('a'))?.value ?? utf8(''))).toBe('new');
    });

    test('grows over restarts, and so does the sequence', async () => {
      const place = await medium();
      let epoch = 0;
      let sequence = 0;
      for (let start = 0; start < 3; start++) {
        const backend = await place.open();
        const advanced = await backend.advanceEpoch();
        expect(advanced).toBeGreaterThan(epoch);
        epoch = advanced;
        const committed = sequenceOf(await backend.commit(batchOf(epoch, { put: new Map([[`start/${start}`, utf8('x')]]) })));
        expect(committed).toBeGreaterThan(sequence);
        sequence = committed;
        await backend.close();
      }
      expect(keysOf(await (await place.open()).list(''))).toEqual(['start/0', 'start/1', 'start/2']);
    });
  });

  describe(`${name}: size`, () => {
    test('of a value may be several MiB', async () => {
      const { backend, epoch } = await fresh();
      const sizes = [2 ** 20 - 9, 2 ** 20, 2 ** 21 + 1, 2 ** 22];
      const value = (size: number) => Buffer.alloc(size, `value of ${size} bytes;`);
      await backend.commit(batchOf(epoch, { put: new Map(sizes.map((size) => [`big/${size}`, value(size)])) }));
      const listed = await backend.list('big/', { values: true });
      expect(listed).toHaveLength(sizes.length);
      for (const size of sizes) {
        const stored = listed.find((entry) => entry.key === `big/${size}`)?.value;
        expect(Buffer.compare(stored ?? utf8(''), value(size))).toBe(0);
        expect(Buffer.compare((await backend.get(`big/${size}`))?.value ?? utf8(''), value(size))).toBe(0);
      }
      await backend.commit(
        batchOf(epoch, { put: new Map([['big/small', utf8('s')]]), delete: new Set(sizes.map((size) => `big/${size}`)) }),
      );
      expect(await backend.list('', { values: true })).toMatchObject([{ key: 'big/small', value: utf8('s') }]);
    });

    test('of a store may be 100,000 keys, paged through in order', async () => {
      const { backend, epoch } = await fresh();
      const name = (index: number) =>
        `folder-${String(index % 100).padStart(2, '0')}/${String(Math.floor(index / 100)).padStart(5, '0')}`;
      const keys = Array.from({ length: 100_000 }, (_, index) => name((index * 7919) % 100_000));
      for (let start = 0; start < keys.length; start += 20_000) {
        await backend.commit(batchOf(epoch, { put: new Map(keys.slice(start, start + 20_000).map((key) => [key, utf8(key)])) }));
      }
      const paged: string[] = [];
      for (;;) {
        const after = paged.at(-1);
        const page = await backend.list('', { limit: 7000, ...(after === undefined ? {} : { after }) });
        paged.push(...keysOf(page));
        if (page.length < 7000) break;
      }
      expect(paged).toEqual(keys.sort());
      const folder = await backend.list('folder-42/', { values: true });
      expect(folder.map((entry) => fromUtf8(entry.value ?? utf8('')))).toEqual(
        keys.filter((key) => key.startsWith('folder-42/')),
      );
      // A folder at a time, each with one step over all that is below it.
      const folders: string[] = [];
      for (let entry = (await backend.list('', { limit: 1 }))[0]; entry !== undefined;) {
        const found = entry.key.slice(0, entry.key.indexOf('/') + 1);
        folders.push(found);
        entry = (await backend.list('', { limit: 1, after: `${found}\u{10ffff}` }))[0];
      }
      expect(folders).toHaveLength(100);
    });

    test('of a batch may be tens of thousands of writes', async () => {
      const { backend, epoch } = await fresh();
      const count = full ? 200_000 : 30_000;
      const put = new Map(Array.from({ length: count }, (_, index) => [`k${index}`, utf8('x')]));
      await backend.commit(batchOf(epoch, { put }));
      expect(await backend.list('k')).toHaveLength(count);
    });
  });

  describe(`${name}: close`, () => {
    test('waits for what is under way, and can be called again', async () => {
      const place = await medium();
      const backend = await place.open();
      const epoch = await backend.advanceEpoch();
      const commits = Array.from({ length: 10 }, (_, index) =>
        backend.commit(batchOf(epoch, { put: new Map([[`key/${index}`, utf8('x')]]) })),
      );
      await Promise.all([backend.close(), backend.close()]);
      await backend.close();
      for (const commit of commits) expect((await commit).committed).toBe(true);
      expect(await (await place.open()).list('key/')).toHaveLength(10);
    });

    test('refuses every later call', async () => {
      const { backend, epoch } = await fresh();
      await backend.close();
      const calls = [backend.get('a'), backend.list(''), backend.commit(batchOf(epoch)), backend.advanceEpoch()];
      for (const call of calls)
        await expect(call).rejects.toMatchObject({ code: 'store-io', message: expect.stringContaining('closed') as unknown });
    });
  });
}
