import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { toBase64, toHex, utf8 } from '../../src/base/bytes.ts';
import { RecordCache } from '../../src/barrier/record-cache.ts';
import { mountId, newBarrier, overwrite, stored } from './fixture.ts';

async function twoStores() {
  const [one, two] = [await newBarrier('one'), await newBarrier('two')];
  for (const { store, barrier } of [one, two]) {
    await store.transact(async (tx) => {
      for (const area of ['core' as const, { mountId }])
        for (const path of ['a', 'b']) await barrier.view(tx, area).put(path, utf8(path));
    });
  }
  return { one, two };
}

describe('behind the back of the barrier', () => {
  it('two records that were swapped are refused, both', async () => {
    const { one } = await twoStores();
    for (const prefix of ['core/', `mount/${mountId}/`]) {
      const [a, b] = [stored(one.medium, `${prefix}a`).slice(), stored(one.medium, `${prefix}b`).slice()];
      overwrite(one.medium, `${prefix}a`, b);
      overwrite(one.medium, `${prefix}b`, a);
    }
    for (const area of ['core' as const, { mountId }]) {
      for (const path of ['a', 'b']) {
        const read = one.store.read((tx) => one.barrier.view(tx, area).get(path));
        await expect(read).rejects.toMatchObject({
          code: 'corrupt-record',
          message: expect.stringContaining(`/${path}`) as string,
        });
      }
    }
  });

  it('a record that was copied to another path, area or store is refused', async () => {
    const { one, two } = await twoStores();
    overwrite(one.medium, 'core/c', stored(one.medium, 'core/a'));
    overwrite(one.medium, `mount/${mountId}/c`, stored(one.medium, 'core/a'));
    overwrite(two.medium, 'core/a', stored(one.medium, 'core/a'));
    const reads = [
      one.store.read((tx) => one.barrier.view(tx, 'core').get('c')),
      one.store.read((tx) => one.barrier.view(tx, { mountId }).get('c')),
      two.store.read((tx) => two.barrier.view(tx, 'core').get('a')),
    ];
    for (const read of reads) await expect(read).rejects.toMatchObject({ code: 'corrupt-record' });
  });

  it('any byte of a stored record that is changed makes it refused, also where it was read before', async () => {
    const { one } = await twoStores();
    const intact = stored(one.medium, 'core/a').slice();
    const read = () => one.store.read((tx) => one.barrier.view(tx, 'core').get('a'));
    for (let at = 0; at < intact.length; at++) {
      expect((await read())?.value).toEqual(utf8('a'));
      overwrite(
        one.medium,
        'core/a',
        intact.map((byte, index) => (index === at ? byte ^ 0x10 : byte)),
      );
      await expect(read()).rejects.toMatchObject({ code: 'corrupt-record' });
      overwrite(one.medium, 'core/a', intact);
    }
  });

  it('a keyring that is taken away closes the store, it does not make a new one', async () => {
    const { one } = await twoStores();
    one.medium.entries.delete('keys/ring');
    await expect(one.store.read((tx) => one.barrier.view(tx, 'core').get('a'))).rejects.toMatchObject({ code: 'corrupt-record' });
    await expect(one.reopen()).rejects.toMatchObject({ code: 'corrupt-record' });
  });
});

describe('no error', () => {
  it('shows key material or plaintext, however deep it is inspected', async () => {
    const { one } = await twoStores();
    const { store, barrier, medium, rootKey } = one;
    await store.transact((tx) => barrier.view(tx, 'core').put('a', utf8('canary-plaintext')));
    const errors: unknown[] = [];
    const collect = async (promise: Promise<unknown>) => {
      errors.push(await promise.catch((reason: unknown) => reason));
    };
    await collect(one.reopen({ rootKey: new Uint8Array(32).fill(0x5a) }));
    await collect(one.reopen({ storeId: 'other' }));
    await collect(store.read((tx) => barrier.view(tx, 'core').getJson('a')));
    for (const key of ['core/a', `keys/mount/${mountId}`, 'superblock', 'keys/ring']) {
      const altered = stored(medium, key).slice();
      altered[20] = (altered[20] ?? 0) ^ 1;
      overwrite(medium, key, altered);
      await collect(store.read((tx) => barrier.view(tx, { mountId }).get('a')));
      await collect(store.read((tx) => barrier.view(tx, 'core').get('a')));
      await collect(one.reopen());
    }
    barrier.seal();
    await collect(store.read(async (tx) => barrier.view(tx, 'core').get('a')));
    expect(errors.filter((error) => error instanceof Error).length).toBeGreaterThan(10);
    const shown = errors.map((error) => inspect(error, { depth: 9, showHidden: true })).join('\n');
    const secrets = [rootKey, new Uint8Array(32).fill(0x5a)].flatMap((key) => [
      toHex(key),
      toBase64(key),
      key.join(', '),
      toHex(key).slice(0, 16),
    ]);
    for (const secret of [...secrets, 'canary']) expect(shown).not.toContain(secret);
  });
});

describe('the cache of opened records', () => {
  it('knows a record by key and version, and keeps within its bytes', () => {
    const cache = new RecordCache(8 * 1024);
    cache.set('k', 5, utf8('five'));
    expect(cache.get('k', 5)).toEqual(utf8('five'));
    expect(cache.get('k', 4)).toBeNull();
    cache.set('k', 4, utf8('four'));
    expect(cache.get('k', 5)).toEqual(utf8('five'));
    cache.set('k', 6, utf8('six'));
    expect(cache.get('k', 5)).toBeNull();
    cache.set('large', 1, new Uint8Array(1024));
    expect(cache.get('large', 1)).toBeNull();
    for (let index = 0; index < 100; index++) {
      cache.set(`n${index}`, 1, new Uint8Array(300).fill(1));
      expect(cache.get('k', 6)).not.toBeNull();
    }
    const kept = Array.from({ length: 100 }, (_, index) => cache.get(`n${index}`, 1)).filter((entry) => entry !== null);
    expect(kept.length).toBeGreaterThan(8);
    expect(kept.length).toBeLessThan(16);
    expect(cache.get('n99', 1)).not.toBeNull();
  });

  it('keeps a copy, and wipes it when it leaves', () => {
    const cache = new RecordCache(1024 * 1024);
    const value = utf8('secret');
    cache.set('k', 1, value);
    value.fill(0);
    const lent = cache.get('k', 1);
    expect(lent).toEqual(utf8('secret'));
    cache.deleteAll('k');
    expect(lent).toEqual(new Uint8Array(6));
    expect(cache.get('k', 1)).toBeNull();
  });

  it('of no bytes keeps nothing', () => {
    const cache = new RecordCache(0);
    cache.set('k', 1, utf8(''));
    expect(cache.get('k', 1)).toBeNull();
  });
});
