import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../src/base/bytes.ts';
import { Fault } from '../../src/base/error.ts';
import type { ListOptions } from '../../src/storage/backend.ts';
import type { Transaction } from '../../src/storage/transaction.ts';
import type { View } from '../../src/barrier/view.ts';
import { properties } from '../storage/generators.ts';
import { mountId, newBarrier } from './fixture.ts';

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What a view should do, on a plain map. */
class Model {
  readonly records = new Map<string, string>();

  children(folder: string, after: string | undefined, limit: number | undefined): string[] {
    const below = [...this.records.keys()].filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length));
    const names = new Set(below.map((rest) => (rest.includes('/') ? rest.slice(0, rest.indexOf('/') + 1) : rest)));
    return [...names]
      .toSorted(byBytes)
      .filter((name) => after === undefined || byBytes(name, after) > 0)
      .slice(0, limit);
  }

  scan(prefix: string, after: string | undefined, limit: number | undefined): string[] {
    const paths = [...this.records.keys()].filter((path) => path.startsWith(prefix)).toSorted(byBytes);
    return paths.filter((path) => after === undefined || byBytes(path, after) > 0).slice(0, limit);
  }
}

// Segments that are prefixes of each other, and characters right before and behind `/` in the order of bytes.
const segment = fc.constantFrom('a', 'b', 'ab', 'a-', 'a0', 'a.', 'a0b', 'é', '\u{10ffff}', '\u{ffff}');
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/'));
const folder = fc.array(segment, { maxLength: 2 }).map((segments) => segments.map((name) => `${name}/`).join(''));
const limit = fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined });

type Step =
  | { readonly kind: 'put'; readonly path: string; readonly value: string }
  | { readonly kind: 'delete'; readonly path: string }
  | { readonly kind: 'deleteAll'; readonly prefix: string }
  | { readonly kind: 'children'; readonly folder: string; readonly after: string | undefined; readonly limit: number | undefined }
  | { readonly kind: 'scan'; readonly prefix: string; readonly after: string | undefined; readonly limit: number | undefined }
  | { readonly kind: 'get'; readonly path: string };

const name = fc.tuple(segment, fc.constantFrom('', '/')).map(([text, slash]) => text + slash);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), path, value: fc.string() }) },
  fc.record({ kind: fc.constant('delete' as const), path }),
  fc.record({ kind: fc.constant('deleteAll' as const), prefix: path }),
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('children' as const), folder, after: fc.option(name, { nil: undefined }), limit }),
  },
  fc.record({
    kind: fc.constant('scan' as const),
    prefix: fc.oneof(folder, path),
    after: fc.option(path, { nil: undefined }),
    limit,
  }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('get' as const), path }) },
);

async function take(view: View, model: Model, next: Step): Promise<void> {
  switch (next.kind) {
    case 'put':
      model.records.set(next.path, next.value);
      await view.put(next.path, utf8(next.value));
      break;
    case 'delete':
      model.records.delete(next.path);
      await view.delete(next.path);
      break;
    case 'deleteAll': {
      const doomed = model.scan(next.prefix, undefined, undefined);
      for (const each of doomed) model.records.delete(each);
      expect(await view.deleteAll(next.prefix)).toBe(doomed.length);
      break;
    }
    case 'children':
      expect(await view.children(next.folder, given(next))).toEqual(model.children(next.folder, next.after, next.limit));
      break;
    case 'scan':
      expect(await view.scan(next.prefix, given(next))).toEqual(model.scan(next.prefix, next.after, next.limit));
      break;
    case 'get': {
      const record = await view.get(next.path);
      expect(record === null ? undefined : fromUtf8(record.value)).toBe(model.records.get(next.path));
    }
  }
}

function given(options: { readonly after: string | undefined; readonly limit: number | undefined }) {
  return {
    ...(options.after === undefined ? {} : { after: options.after }),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
  };
}

/** Counts what a view asks of its transaction. */
function counting(tx: Transaction): { readonly tx: Transaction; keys: number; calls: number } {
  const counted = {
    keys: 0,
    calls: 0,
    tx: {
      get: (key: string) => tx.get(key),
      list: async (prefix: string, options?: ListOptions) => {
        const listed = await tx.list(prefix, options);
        counted.calls += 1;
        counted.keys += listed.length;
        return listed;
      },
      put: (key: string, value: Uint8Array) => tx.put(key, value),
      delete: (key: string) => tx.delete(key),
      onCommit: (action: (sequence: number) => void) => tx.onCommit(action),
    },
  };
  return counted;
}

describe('a view', () => {
  it('does what a map would do, over transactions, in each area and below folders', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 4 }),
        fc.constantFrom('', 'x/', 'a/b/'),
        async (transactions, below) => {
          const { store, barrier } = await newBarrier();
          const areas = ['core' as const, { mountId }];
          const models = areas.map(() => new Model());
          for (const steps of transactions) {
            await store.transact(async (tx) => {
              for (const [index, area] of areas.entries()) {
                const view = below === '' ? barrier.view(tx, area) : barrier.view(tx, area).below(below);
                for (const next of steps) await take(view, models[index] as Model, next);
              }
            });
          }
        },
      ),
      properties(40),
    );
  });

  it('lists folders without reading what is in them', async () => {
    const { store, barrier } = await newBarrier();
    await store.transact(async (tx) => {
      const view = barrier.view(tx, 'core');
      for (const name of ['a', 'b', 'c'])
        for (let index = 0; index < 3000; index++) await view.put(`${name}/${index}`, utf8('x'));
    });
    await store.read(async (tx) => {
      const counted = counting(tx);
      expect(await barrier.view(counted.tx, 'core').children('')).toEqual(['a/', 'b/', 'c/']);
      expect(counted.keys).toBeLessThan(300);
    });
  });

  it('lists what stands right behind a folder, however much is in it and wherever the page ends', async () => {
    const { store, barrier } = await newBarrier();
    // In the order of bytes: a-, a/, a/…, a0, a00.
    const names = ['a-', 'a/', 'a0', 'a0/', 'a00', 'b'];
    for (const size of [1, 62, 63, 64, 65, 200]) {
      await store.transact(async (tx) => {
        const view = barrier.view(tx, 'core').below(`s${size}/`);
        for (const path of ['a-', 'a0', 'a0/x', 'a00', 'b']) await view.put(path, utf8('x'));
        for (let index = 0; index < size; index++) await view.put(`a/${index}`, utf8('x'));
      });
      await store.read(async (tx) => {
        const view = barrier.view(tx, 'core').below(`s${size}/`);
        expect(await view.children('')).toEqual(names);
        for (const [index, after] of names.entries()) {
          expect(await view.children('', { after })).toEqual(names.slice(index + 1));
          expect(await view.children('', { after, limit: 1 })).toEqual(names.slice(index + 1, index + 2));
        }
      });
    }
  });

  it('lists many records in few steps', async () => {
    const { store, barrier } = await newBarrier();
    const names = Array.from({ length: 5000 }, (_, index) => `n${String(index).padStart(5, '0')}`);
    await store.transact(async (tx) => {
      for (const each of names) await barrier.view(tx, 'core').put(each, utf8('x'));
    });
    await store.read(async (tx) => {
      const counted = counting(tx);
      expect(await barrier.view(counted.tx, 'core').children('')).toEqual(names);
      expect(counted.calls).toBeLessThan(12);
    });
  });

  it('notices a name that another transaction adds to what it listed', async () => {
    const { store, barrier } = await newBarrier();
    const put = (path: string) => store.transact((tx) => barrier.view(tx, 'core').put(path, utf8('x')));
    await put('f/a/1');
    let runs = 0;
    await store.transact(async (tx) => {
      runs += 1;
      const names = await barrier.view(tx, 'core').children('f/');
      if (runs === 1) await put('f/b');
      await barrier.view(tx, 'core').putJson('copy', names);
    });
    expect(runs).toBe(2);
    expect(await store.read((tx) => barrier.view(tx, 'core').getJson('copy'))).toEqual(['a/', 'b']);
  });

  it('keeps areas apart', async () => {
    const { store, barrier } = await newBarrier();
    await store.transact(async (tx) => {
      await barrier.view(tx, 'core').put('a', utf8('core'));
      await barrier.createMountKey(tx, 'second');
      await barrier.view(tx, { mountId }).put('a', utf8('one'));
      await barrier.view(tx, { mountId: 'second' }).put('a', utf8('two'));
      expect(await barrier.view(tx, { mountId: 'second' }).deleteAll('')).toBe(1);
    });
    await store.read(async (tx) => {
      expect((await barrier.view(tx, 'core').get('a'))?.value).toEqual(utf8('core'));
      expect((await barrier.view(tx, { mountId }).get('a'))?.value).toEqual(utf8('one'));
      expect(await barrier.view(tx, { mountId: 'second' }).get('a')).toBeNull();
    });
  });

  it('refuses paths that are none, as a mistake of the caller', async () => {
    const { store, barrier } = await newBarrier();
    await store.transact(async (tx) => {
      const view = barrier.view(tx, 'core');
      for (const wrong of ['', '/a', 'a/', 'a//b', 'a\ud800']) {
        await expect(view.get(wrong)).rejects.toThrow(TypeError);
        await expect(view.put(wrong, utf8(''))).rejects.toThrow(TypeError);
        await expect(view.delete(wrong)).rejects.toThrow(TypeError);
      }
      for (const wrong of ['a', '/', '/a/', 'a//', '\ud800/']) {
        await expect(view.children(wrong)).rejects.toThrow(TypeError);
        expect(() => view.below(wrong)).toThrow(TypeError);
      }
      expect(() => view.below('')).toThrow(TypeError);
      await expect(view.scan('\ud800')).rejects.toThrow(TypeError);
      await expect(view.putJson('a', undefined)).rejects.toThrow(TypeError);
      expect(() => barrier.view(tx, { mountId: 'a/b' })).toThrow(TypeError);
    });
  });

  it('stores keys of up to 1,024 bytes and says of longer ones that they are too long', async () => {
    const { store, barrier, medium } = await newBarrier();
    const longest = 'é'.repeat((1024 - 'core/'.length - 1) / 2) + 'x';
    await store.transact((tx) => barrier.view(tx, 'core').put(longest, utf8('x')));
    expect(Buffer.byteLength([...medium.entries.keys()].find((key) => key.startsWith('core/')) ?? '')).toBe(1024);
    const longer = store.transact((tx) => barrier.view(tx, 'core').put(`${longest}x`, utf8('x')));
    await expect(longer).rejects.toMatchObject({ name: 'Fault', code: 'key-too-long' });
    expect(Fault.name).toBe('Fault');
  });

  it('says of a record that is no JSON that it is damaged, without quoting it', async () => {
    const { store, barrier } = await newBarrier();
    await store.transact((tx) => barrier.view(tx, 'core').put('a', utf8('canary{')));
    const error: unknown = await store.read((tx) => barrier.view(tx, 'core').getJson('a')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'corrupt-record' });
    expect(String(error) + String((error as Error).stack)).not.toContain('canary');
  });
});
