import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../src/base/bytes.ts';
import type { Barrier } from '../../src/barrier/barrier.ts';
import { initializeBarrier, openBarrier } from '../../src/barrier/open-barrier.ts';
import { recordTerm } from '../../src/barrier/record.ts';
import { MemoryMedium } from '../../src/storage/memory.ts';
import type { Transaction, TransactionalStore } from '../../src/storage/transaction.ts';
import { atEachCommit } from './crash.ts';
import { mountId, newBarrier, overwrite, seededRandom, stoppedClock, stored, storeId, storeOver } from './fixture.ts';

const mounts = [mountId, 'second-mount', 'third-mount'];

/** Writes the same few records into the core and every mount. */
async function fill(store: TransactionalStore, barrier: Barrier, names: readonly string[]): Promise<void> {
  await store.transact(async (tx) => {
    for (const area of ['core' as const, ...mounts.map((id) => ({ mountId: id }))]) {
      for (const name of names) await barrier.view(tx, area).put(name, utf8(`${JSON.stringify(area)} ${name}`));
    }
  });
}

async function assertFilled(store: TransactionalStore, barrier: Barrier, names: readonly string[]): Promise<void> {
  await store.read(async (tx) => {
    for (const area of ['core' as const, ...mounts.map((id) => ({ mountId: id }))]) {
      for (const name of names) {
        const record = await barrier.view(tx, area).get(name);
        expect(record && fromUtf8(record.value)).toBe(`${JSON.stringify(area)} ${name}`);
      }
    }
  });
}

/** The terms that the headers of all encrypted records name, without the keyring's own. */
function termsIn(medium: MemoryMedium): number[] {
  const encrypted = [...medium.entries].filter(([key]) => key !== 'keys/ring' && key !== 'superblock' && key !== 'seal');
  return [...new Set(encrypted.map(([, entry]) => recordTerm(entry.value) ?? -1))].toSorted((a, b) => a - b);
}

async function newStore() {
  const fixture = await newBarrier();
  await fixture.store.transact(async (tx) => {
    for (const id of mounts.slice(1)) await fixture.barrier.createMountKey(tx, id);
  });
  return fixture;
}

describe('a rotation', () => {
  it('lets what is written afterwards name the new term, and what was written before stay readable', async () => {
    const { store, barrier, medium, reopen } = await newStore();
    await fill(store, barrier, ['old']);
    await store.transact((tx) => barrier.rotate(tx));
    await fill(store, barrier, ['new']);
    for (const prefix of ['core/', ...mounts.map((id) => `mount/${id}/`)]) {
      expect(recordTerm(stored(medium, `${prefix}old`))).toBe(1);
      expect(recordTerm(stored(medium, `${prefix}new`))).toBe(2);
    }
    await assertFilled(store, barrier, ['old', 'new']);
    await assertFilled(store, await reopen(), ['old', 'new']);
  });

  it('counts in its own transaction already', async () => {
    const { store, barrier, medium } = await newStore();
    await store.transact(async (tx) => {
      await barrier.rotate(tx);
      await barrier.rotate(tx);
      await barrier.createMountKey(tx, 'fourth');
      for (const area of ['core' as const, { mountId }, { mountId: 'fourth' }]) await barrier.view(tx, area).put('a', utf8('x'));
      expect((await barrier.status(tx)).term).toBe(3);
    });
    expect(recordTerm(stored(medium, 'core/a'))).toBe(3);
    expect(recordTerm(stored(medium, `mount/${mountId}/a`))).toBe(3);
    expect(recordTerm(stored(medium, 'mount/fourth/a'))).toBe(3);
  });

  it('that does not commit leaves nothing behind, neither in the store nor in memory', async () => {
    const { store, barrier, medium } = await newStore();
    const attempt = store.transact(async (tx) => {
      await barrier.rotate(tx);
      await barrier.view(tx, 'core').put('a', utf8('x'));
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
    await fill(store, barrier, ['b']);
    expect(recordTerm(stored(medium, 'core/b'))).toBe(1);
    expect((await store.read((tx) => barrier.status(tx))).term).toBe(1);
  });

  it('by another process is noticed by the next transaction', async () => {
    const { store, barrier, medium, reopen } = await newStore();
    const other = await reopen();
    await fill(store, barrier, ['before']);
    await store.transact((tx) => other.rotate(tx));
    await fill(store, barrier, ['after']);
    expect(recordTerm(stored(medium, 'core/after'))).toBe(2);
    expect(recordTerm(stored(medium, `mount/${mountId}/after`))).toBe(2);
    await other.rewrap(store);
    await assertFilled(store, barrier, ['before', 'after']);
  });

  it('amid a transaction makes that run again, so that nothing is committed under an old term', async () => {
    const { store, barrier, medium, reopen } = await newStore();
    const other = await reopen();
    for (const area of ['core' as const, { mountId }]) {
      let runs = 0;
      await store.transact(async (tx) => {
        runs += 1;
        await barrier.view(tx, area).put('raced', utf8('x'));
        if (runs === 1) await store.transact((inner) => other.rotate(inner));
      });
      expect(runs).toBe(2);
    }
    expect(recordTerm(stored(medium, 'core/raced'))).toBe(2);
    expect(recordTerm(stored(medium, `mount/${mountId}/raced`))).toBe(3);
  });
});

describe('a rewrap', () => {
  const names = Array.from({ length: 7 }, (_, index) => `n${index}`);

  it('leaves no record and no key of an old term, and every record as it was', async () => {
    const { store, barrier, medium, reopen } = await newStore();
    await fill(store, barrier, names);
    await store.transact((tx) => barrier.rotate(tx));
    await store.transact((tx) => barrier.renewSuperblock(tx));
    await store.transact((tx) => barrier.rotate(tx));
    expect(termsIn(medium)).toEqual([1, 3]);
    const progress: { examined: number; renewed: number; done: boolean }[] = [];
    const renewed = await barrier.rewrap(store, { limit: 3, onProgress: (step) => progress.push(step) });
    expect(termsIn(medium)).toEqual([3]);
    expect(progress.at(-1)).toMatchObject({ renewed, done: true });
    expect(progress.slice(0, -1).every((step) => !step.done)).toBe(true);
    expect(renewed).toBeGreaterThanOrEqual(4 * names.length);
    expect(medium.entries.has('keys/rewrap')).toBe(false);
    await assertFilled(store, barrier, names);
    await assertFilled(store, await reopen(), names);
    expect(await barrier.rewrap(store)).toBe(0);
  });

  it('drops the old keys: an old record put back opens no more', async () => {
    const { store, barrier, medium } = await newStore();
    await fill(store, barrier, ['a']);
    const old = new Map(['core/a', `mount/${mountId}/a`].map((key) => [key, stored(medium, key)]));
    await store.transact((tx) => barrier.rotate(tx));
    await barrier.rewrap(store);
    for (const [key, value] of old) overwrite(medium, key, value);
    await store.read(async (tx) => {
      await expect(barrier.view(tx, 'core').get('a')).rejects.toMatchObject({ code: 'corrupt-record' });
      await expect(barrier.view(tx, { mountId }).get('a')).rejects.toMatchObject({ code: 'corrupt-record' });
    });
  });

  it('goes on where it was interrupted, before or after any of its commits', async () => {
    const random = seededRandom('rewrap');
    const clock = stoppedClock();
    const rootKey = random.bytes(32);
    const options = { storeId, rootKey, random, clock };
    const start = async () => {
      const medium = new MemoryMedium();
      const store = await storeOver(medium);
      await store.transact((tx) => initializeBarrier(tx, options));
      const barrier = await openBarrier(store, options);
      await store.transact(async (tx) => {
        for (const id of mounts) await barrier.createMountKey(tx, id);
      });
      await fill(store, barrier, names.slice(0, 3));
      await store.transact((tx) => barrier.rotate(tx));
      return medium;
    };
    const commits = await atEachCommit(
      start,
      async (store) => (await openBarrier(store, options)).rewrap(store, { limit: 2 }),
      async (medium) => {
        const store = await storeOver(medium);
        const barrier = await openBarrier(store, options);
        await assertFilled(store, barrier, names.slice(0, 3));
        await barrier.rewrap(store, { limit: 2 });
        expect(termsIn(medium)).toEqual([2]);
        await assertFilled(store, barrier, names.slice(0, 3));
      },
    );
    expect(commits).toBeGreaterThan(8);
  });

  it('does not examine again what it has dealt with before an interruption', async () => {
    const { store, barrier } = await newStore();
    await fill(store, barrier, names);
    await store.transact((tx) => barrier.rotate(tx));
    const stop = new Error('stop');
    let before = 0;
    const interrupted = barrier.rewrap(store, {
      limit: 4,
      onProgress: ({ examined }) => {
        before = examined;
        if (examined > 10) throw stop;
      },
    });
    await expect(interrupted).rejects.toBe(stop);
    let after = 0;
    await barrier.rewrap(store, { limit: 4, onProgress: ({ examined }) => (after = examined) });
    expect(before + after).toBe(4 * names.length + mounts.length);
  });

  it('starts anew when a rotation comes between, and still ends', async () => {
    const { store, barrier, medium } = await newStore();
    await fill(store, barrier, names);
    await store.transact((tx) => barrier.rotate(tx));
    let rotations = 0;
    const pending: Promise<void>[] = [];
    await barrier.rewrap(store, {
      limit: 4,
      onProgress: ({ examined }) => {
        if (examined > 10 && rotations < 2) {
          rotations += 1;
          pending.push(store.transact((tx) => barrier.rotate(tx)));
        }
      },
    });
    await Promise.all(pending);
    await barrier.rewrap(store);
    expect(termsIn(medium)).toEqual([4]);
    await assertFilled(store, barrier, names);
  });

  it('beside writers ends with everything they wrote, under the new term', async () => {
    const { store, barrier, medium } = await newStore();
    await fill(store, barrier, names);
    await store.transact((tx) => barrier.rotate(tx));
    const writers = Array.from({ length: 20 }, (_, index) =>
      store.transact((tx) => barrier.view(tx, index % 2 === 0 ? 'core' : { mountId }).put(`w${index}`, utf8('x'))),
    );
    await Promise.all([barrier.rewrap(store, { limit: 3 }), ...writers]);
    expect(termsIn(medium)).toEqual([2]);
    expect([...medium.entries.keys()].filter((key) => /\/w\d+$/.test(key))).toHaveLength(20);
  });

  it('puts no more than a few megabytes into one transaction', async () => {
    const { store, barrier } = await newStore();
    await store.transact(async (tx) => {
      for (let index = 0; index < 12; index++) await barrier.view(tx, 'core').put(`n${index}`, new Uint8Array(1024 * 1024));
    });
    await store.transact((tx) => barrier.rotate(tx));
    const steps: number[] = [0];
    await barrier.rewrap(store, { onProgress: ({ examined }) => steps.push(examined) });
    const sizes = steps.slice(1).map((examined, index) => examined - (steps[index] ?? 0));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5);
  });

  it('that ends between a reader’s look at a record and at the keys makes the reader look again', async () => {
    const { store, barrier } = await newStore();
    await fill(store, barrier, ['a']);
    await store.transact((tx) => barrier.rotate(tx));
    let raced = false;
    const value = await store.read((tx) => {
      const slow: Transaction = {
        get: async (key) => {
          const seen = await tx.get(key);
          if (key === 'core/a' && !raced) {
            raced = true;
            await barrier.rewrap(store);
          }
          return seen;
        },
        list: (prefix, options) => tx.list(prefix, options),
        put: (key, bytes) => tx.put(key, bytes),
        delete: (key) => tx.delete(key),
        onCommit: (action) => tx.onCommit(action),
      };
      return barrier.view(slow, 'core').get('a');
    });
    expect(raced).toBe(true);
    expect(fromUtf8(value?.value ?? new Uint8Array(0))).toBe('"core" a');
  });

  it('stops at a record that does not open, names it, and keeps the old keys', async () => {
    const { store, barrier, medium } = await newStore();
    await fill(store, barrier, names);
    await store.transact((tx) => barrier.rotate(tx));
    const intact = stored(medium, `mount/${mountId}/n3`);
    overwrite(
      medium,
      `mount/${mountId}/n3`,
      intact.map((byte, index) => (index === 40 ? byte ^ 1 : byte)),
    );
    await expect(barrier.rewrap(store)).rejects.toMatchObject({
      code: 'corrupt-record',
      message: expect.stringContaining(`mount/${mountId}/n3`) as string,
    });
    overwrite(medium, `mount/${mountId}/n3`, intact);
    await barrier.rewrap(store);
    expect(termsIn(medium)).toEqual([2]);
  });

  it.each([2, 256])('passes over what waits to be purged, %d records at a time', async (limit) => {
    const { store, barrier, medium } = await newStore();
    await fill(store, barrier, names);
    await store.transact(async (tx) => {
      await barrier.shredMount(tx, mountId);
      await barrier.rotate(tx);
    });
    const ciphertext = (key: string) => key.startsWith(`mount/${mountId}/`);
    await barrier.rewrap(store, { limit });
    for (const [key, entry] of medium.entries) {
      if (ciphertext(key)) expect(recordTerm(entry.value)).toBe(1);
      else if (/^(core|mount)/.test(key)) expect([key, recordTerm(entry.value)]).toEqual([key, 2]);
    }
    while ((await barrier.purgeShredded(store, { limit: 3 })) > 0);
    expect(termsIn(medium)).toEqual([2]);
  });
});

describe('another root key', () => {
  it('takes the place of the old one, for this process and every later one', async () => {
    const { store, barrier, reopen, rootKey, random } = await newStore();
    await fill(store, barrier, ['a']);
    const next = random.bytes(32);
    await store.transact((tx) => barrier.replaceRootKey(tx, next));
    await assertFilled(store, barrier, ['a']);
    await store.transact((tx) => barrier.rotate(tx));
    await store.transact((tx) => barrier.renewSuperblock(tx));
    await assertFilled(store, barrier, ['a']);
    await expect(reopen({ rootKey })).rejects.toMatchObject({ code: 'seal-key-wrong' });
    await assertFilled(store, await reopen({ rootKey: next }), ['a']);
  });

  it('that did not commit is no root key', async () => {
    const { store, barrier, reopen, random } = await newStore();
    await fill(store, barrier, ['a']);
    const next = random.bytes(32);
    const attempt = store.transact(async (tx) => {
      await barrier.replaceRootKey(tx, next);
      await barrier.rotate(tx);
      await barrier.renewSuperblock(tx);
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
    await store.transact((tx) => barrier.rotate(tx));
    await assertFilled(store, await reopen(), ['a']);
    await expect(reopen({ rootKey: next })).rejects.toMatchObject({ code: 'seal-key-wrong' });
  });

  it('may be followed by a rotation and a renewal in its own transaction', async () => {
    const { store, barrier, reopen, random } = await newStore();
    const next = random.bytes(32);
    await store.transact(async (tx) => {
      await barrier.replaceRootKey(tx, next);
      await barrier.rotate(tx);
      await barrier.renewSuperblock(tx);
    });
    await fill(store, barrier, ['a']);
    await assertFilled(store, await reopen({ rootKey: next }), ['a']);
  });

  it('of two set at once is the one that committed last, and both processes of the winner live on', async () => {
    const { store, barrier, reopen, random } = await newStore();
    await fill(store, barrier, ['a']);
    const keys = [random.bytes(32), random.bytes(32)];
    const order: Uint8Array[] = [];
    await Promise.all(
      keys.map((key) =>
        store.transact(async (tx) => {
          tx.onCommit(() => order.push(key));
          await barrier.replaceRootKey(tx, key);
        }),
      ),
    );
    await assertFilled(store, barrier, ['a']);
    await assertFilled(store, await reopen({ rootKey: order[1] as Uint8Array }), ['a']);
    await expect(reopen({ rootKey: order[0] as Uint8Array })).rejects.toMatchObject({ code: 'seal-key-wrong' });
  });

  it('set by another process closes this one with an error that says so', async () => {
    const { store, barrier, reopen, random } = await newStore();
    const other = await reopen();
    await store.transact((tx) => other.replaceRootKey(tx, random.bytes(32)));
    const read = store.read((tx) => barrier.view(tx, 'core').get('a'));
    await expect(read).rejects.toMatchObject({
      code: 'corrupt-record',
      message: expect.stringContaining('opened anew') as string,
    });
  });
});
