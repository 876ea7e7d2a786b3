import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { Fault } from '../../src/base/error.ts';
import { initializeBarrier } from '../../src/barrier/open-barrier.ts';
import { pendingVersion } from '../../src/storage/transaction.ts';
import { mountId, newBarrier, overwrite, seededRandom, stoppedClock, stored, storeId, storeOver } from './fixture.ts';

/** The Fault that a promise rejects with. */
async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  const error: unknown = await promise.then(
    (value) => new Error(`resolved with ${inspect(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Fault)) throw error;
  return error;
}

describe('a barrier', () => {
  it('gives back what was put, to the byte', async () => {
    const { store, barrier } = await newBarrier();
    const value = Uint8Array.from({ length: 3000 }, (_, index) => index % 256);
    await store.transact(async (tx) => {
      await barrier.view(tx, 'core').put('a/b', value);
      await barrier.view(tx, { mountId }).putJson('x', { z: 1, a: [null, 'é'] });
    });
    await store.read(async (tx) => {
      expect((await barrier.view(tx, 'core').get('a/b'))?.value).toEqual(value);
      expect(await barrier.view(tx, { mountId }).getJson('x')).toEqual({ z: 1, a: [null, 'é'] });
      expect(await barrier.view(tx, { mountId }).get('y')).toBeNull();
    });
  });

  it('stores no plaintext and no key', async () => {
    const { store, barrier, medium, rootKey } = await newBarrier();
    await store.transact((tx) => barrier.view(tx, { mountId }).put('x', utf8('canary-value')));
    const all = Buffer.concat([...medium.entries.values()].map((entry) => entry.value));
    expect(all.includes('canary-value')).toBe(false);
    expect(all.includes(Buffer.from(rootKey))).toBe(false);
  });

  it('shows a write to its own transaction, as pending, and to nobody when the transaction fails', async () => {
    const { store, barrier } = await newBarrier();
    const failure = new Error('changed my mind');
    const attempt = store.transact(async (tx) => {
      const view = barrier.view(tx, 'core');
      await view.put('a', utf8('1'));
      expect(await view.get('a')).toEqual({ value: utf8('1'), version: pendingVersion });
      throw failure;
    });
    await expect(attempt).rejects.toBe(failure);
    expect(await store.read((tx) => barrier.view(tx, 'core').get('a'))).toBeNull();
  });

  it('hands out copies: changing what was read changes no later read', async () => {
    const { store, barrier } = await newBarrier();
    await store.transact((tx) => barrier.view(tx, 'core').put('a', utf8('secret')));
    const read = () => store.read((tx) => barrier.view(tx, 'core').get('a'));
    (await read())?.value.fill(0);
    (await read())?.value.fill(0);
    expect((await read())?.value).toEqual(utf8('secret'));
  });

  it('is initialized once', async () => {
    const { store, random, clock } = await newBarrier();
    const again = store.transact((tx) => initializeBarrier(tx, { storeId, rootKey: random.bytes(32), random, clock }));
    expect((await faultOf(again)).code).toBe('already-initialized');
  });

  it('says that a store without keys was never initialized', async () => {
    const fixture = await newBarrier();
    for (const key of ['keys/ring', 'superblock']) fixture.medium.entries.delete(key);
    expect((await faultOf(fixture.reopen())).code).toBe('store-missing');
  });

  it('refuses a wrong root key as that, and damage as damage', async () => {
    const fixture = await newBarrier();
    expect((await faultOf(fixture.reopen({ rootKey: new Uint8Array(32).fill(9) }))).code).toBe('seal-key-wrong');
    for (const key of ['keys/ring', 'superblock']) {
      const intact = stored(fixture.medium, key);
      for (let at = 0; at < intact.length; at++) {
        const altered = intact.slice();
        altered[at] = (altered[at] ?? 0) ^ 0x40;
        overwrite(fixture.medium, key, altered);
        const fault = await faultOf(fixture.reopen());
        expect([key, at, fault.code]).toEqual([key, at, 'corrupt-record']);
        expect(fault.message).toContain(key);
      }
      overwrite(fixture.medium, key, intact);
    }
    await fixture.reopen();
  });

  it('refuses the data of another store', async () => {
    const fixture = await newBarrier();
    const fault = await faultOf(fixture.reopen({ storeId: 'another' }));
    expect(fault.code).toBe('corrupt-record');
    expect(fault.message).toContain(storeId);
  });
});

describe('a sealed barrier', () => {
  it('refuses every use', async () => {
    const { store, barrier, random } = await newBarrier();
    await store.transact((tx) => barrier.view(tx, 'core').put('a', utf8('1')));
    await store.read(async (tx) => {
      const early = barrier.view(tx, 'core');
      await early.get('a');
      barrier.seal();
      barrier.seal();
      const uses: (() => Promise<unknown>)[] = [
        () => early.get('a'),
        () => early.get('absent'),
        () => early.getJson('a'),
        () => early.put('a', utf8('2')),
        () => early.delete('a'),
        () => early.deleteAll(''),
        () => early.children(''),
        () => early.scan(''),
        () => barrier.rotate(tx),
        () => barrier.createMountKey(tx, 'other'),
        () => barrier.shredMount(tx, mountId),
        () => barrier.status(tx),
        () => barrier.generation(tx),
        () => barrier.renewSuperblock(tx),
        () => barrier.replaceRootKey(tx, random.bytes(32)),
        () => barrier.rewrap(store),
        () => barrier.purgeShredded(store, { limit: 10 }),
      ];
      for (const use of uses) expect([use.toString(), (await faultOf(use())).code]).toEqual([use.toString(), 'sealed']);
      expect(() => barrier.view(tx, 'core')).toThrow(Fault);
    });
  });

  it('writes nothing when it is sealed amid a transaction', async () => {
    const { store, barrier, medium } = await newBarrier();
    const attempt = store.transact(async (tx) => {
      const view = barrier.view(tx, 'core');
      await view.put('a', utf8('1'));
      const late = view.put('b', utf8('2'));
      barrier.seal();
      await late;
    });
    expect((await faultOf(attempt)).code).toBe('sealed');
    expect([...medium.entries.keys()].filter((key) => key.startsWith('core/'))).toEqual([]);
  });
});

describe('status and superblock', () => {
  it('count encryptions over restarts and start anew with a term', async () => {
    const fixture = await newBarrier();
    const { store, clock } = fixture;
    const status = (barrier: typeof fixture.barrier) => store.read((tx) => barrier.status(tx));
    const before = await status(fixture.barrier);
    expect(before).toMatchObject({ term: 1, installTime: clock.time });
    for (let count = 0; count < 5; count++) {
      await store.transact((tx) => fixture.barrier.view(tx, 'core').put('a', utf8('1')));
    }
    expect((await status(fixture.barrier)).encryptions).toBe(before.encryptions + 5);
    await store.transact((tx) => fixture.barrier.renewSuperblock(tx));
    const restarted = await fixture.reopen();
    expect((await status(restarted)).encryptions).toBeGreaterThanOrEqual(before.encryptions + 5);
    clock.time += 1000;
    await store.transact((tx) => restarted.rotate(tx));
    const after = await status(restarted);
    expect(after).toMatchObject({ term: 2, installTime: clock.time });
    expect(after.encryptions).toBeLessThan(5);
  });

  it('move the generation on by one at each renewal', async () => {
    const { store, barrier } = await newBarrier();
    expect(await store.read((tx) => barrier.generation(tx))).toBe(1);
    for (const expected of [2, 3]) {
      await store.transact((tx) => barrier.renewSuperblock(tx));
      expect(await store.read((tx) => barrier.generation(tx))).toBe(expected);
    }
  });
});

describe('a new store of another seed', () => {
  it('has keys of its own', async () => {
    const store = await storeOver((await newBarrier('one')).medium);
    const other = await newBarrier('two');
    expect(stored(other.medium, 'keys/ring')).not.toEqual((await store.read((tx) => tx.get('keys/ring')))?.value);
    expect(seededRandom('a').bytes(8)).not.toEqual(seededRandom('b').bytes(8));
    expect(stoppedClock(5).now()).toBe(5);
  });
});
