import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import type { Barrier } from '../../src/barrier/barrier.ts';
import { takesShares, type NewSeal, type SealContext } from '../../src/seal/seal-type.ts';
import { sealTypeOf } from '../../src/seal/registry.ts';
import { initializeStore, openSeal, rekeyStore, unsealStore } from '../../src/seal/unseal.ts';
import { MemoryMedium } from '../../src/storage/memory.ts';
import type { TransactionalStore } from '../../src/storage/transaction.ts';
import { Crash, crashingStore } from '../barrier/crash.ts';
import { seededRandom, stoppedClock, storeOver } from '../barrier/fixture.ts';

const random = seededRandom('unseal');
const clock = stoppedClock();
const storeId = 'store-1';
const options = { storeId, random, clock };
const split = { shares: 3, threshold: 2 };

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'unseal-'));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

const newContext = (): SealContext => ({ storeId, random, settings: { keyFile: join(root, String(count++), 'key') } });
const create = (type: string, context: SealContext) => sealTypeOf(type).create(context, type === 'shamir' ? split : null);

const put = (store: TransactionalStore, barrier: Barrier) => store.transact((tx) => barrier.view(tx, 'core').put('a', utf8('x')));
const get = (store: TransactionalStore, barrier: Barrier) => store.read((tx) => barrier.view(tx, 'core').get('a'));

/** Opens the store as a restarted process would, with these shares. */
async function restart(store: TransactionalStore, context: SealContext, shares: readonly string[]): Promise<Barrier | null> {
  const seal = await openSeal(store, context);
  if (takesShares(seal)) for (const share of shares) seal.submit(share);
  return await unsealStore(store, seal, options);
}

async function newStore(type: string) {
  const medium = new MemoryMedium();
  const store = await storeOver(medium);
  const context = newContext();
  const made = await create(type, context);
  const barrier = await initializeStore(store, made, options, async (tx, inside) => {
    await inside.view(tx, 'core').put('first', utf8('there from the first commit'));
  });
  await put(store, barrier);
  return { medium, store, context, made, barrier, shares: made.shares.slice(0, split.threshold) };
}

describe.each(['static', 'shamir'])('a store under the %s seal', (type) => {
  it('opens after a restart, with all that its first commit wrote', async () => {
    const { store, context, shares } = await newStore(type);
    const barrier = (await restart(store, context, shares)) as Barrier;
    expect((await get(store, barrier))?.value).toEqual(utf8('x'));
    expect((await store.read((tx) => barrier.view(tx, 'core').get('first')))?.value).toEqual(utf8('there from the first commit'));
  });

  it('is initialized in one commit: all of it or nothing', async () => {
    for (const when of ['before', 'after'] as const) {
      const medium = new MemoryMedium();
      const context = newContext();
      const made = await create(type, context);
      await expect(initializeStore(await crashingStore(medium, { commit: 1, when }), made, options)).rejects.toThrow(Crash);
      const keys = [...medium.entries.keys()].toSorted();
      expect(keys).toEqual(when === 'before' ? [] : ['keys/ring', 'seal', 'superblock']);
      if (when === 'after') await restart(await storeOver(medium), context, made.shares.slice(0, split.threshold));
    }
  });

  it('is not initialized a second time', async () => {
    const { store, context, shares } = await newStore(type);
    await expect(initializeStore(store, await create(type, newContext()), options)).rejects.toMatchObject({
      code: 'already-initialized',
    });
    expect((await get(store, (await restart(store, context, shares)) as Barrier))?.value).toEqual(utf8('x'));
  });

  it.each(['static', 'shamir'])('opens with the new %s seal after a rekey, and with the old one no more', async (next) => {
    const { store, context, barrier, shares } = await newStore(type);
    const nextContext = next === type ? context : newContext();
    const oldKey = type === 'static' ? await readFile(context.settings['keyFile'] ?? '', 'utf8') : '';
    const made = await create(next, nextContext);
    await rekeyStore(store, barrier, made, options);
    expect((await get(store, barrier))?.value).toEqual(utf8('x'));
    const opened = (await restart(store, nextContext, made.shares.slice(1))) as Barrier;
    expect((await get(store, opened))?.value).toEqual(utf8('x'));
    if (next === 'shamir' && type === 'shamir') {
      await expect(restart(store, context, shares)).rejects.toMatchObject({ code: 'share-mixed' });
    }
    if (next === 'static' && type === 'static') {
      expect(await readFile(context.settings['keyFile'] ?? '', 'utf8')).not.toContain(oldKey.trim());
    }
  });

  it('opens with one seal or the other after a crash at the commit of a rekey', async () => {
    for (const when of ['before', 'after'] as const) {
      const { medium, context, shares } = await newStore(type);
      const barrier = (await restart(await storeOver(medium), context, shares)) as Barrier;
      const made: NewSeal = await create(type, context);
      const revived = await crashingStore(medium, { commit: 1, when });
      await expect(rekeyStore(revived, barrier, made, options)).rejects.toThrow(Crash);
      const store = await storeOver(medium);
      const right = when === 'before' ? shares : made.shares.slice(0, split.threshold);
      expect((await get(store, (await restart(store, context, right)) as Barrier))?.value).toEqual(utf8('x'));
    }
  });
});

describe('unsealing', () => {
  it('without shares leaves the store sealed, and says too few of too few', async () => {
    const { store, context, shares } = await newStore('shamir');
    expect(await restart(store, context, [])).toBeNull();
    await expect(restart(store, context, shares.slice(0, 1))).rejects.toMatchObject({ code: 'share-too-few' });
  });

  it('a store that was never initialized says so', async () => {
    const store = await storeOver(new MemoryMedium());
    await expect(openSeal(store, newContext())).rejects.toMatchObject({ code: 'store-missing' });
  });

  it('with the key file of another store says that it is wrong', async () => {
    const [one, two] = [await newStore('static'), await newStore('static')];
    await expect(restart(one.store, two.context, [])).rejects.toMatchObject({ code: 'seal-key-wrong' });
  });

  it('is refused where the seal does not unwrap what it wrapped, before anything is committed', async () => {
    const medium = new MemoryMedium();
    const store = await storeOver(medium);
    const made = await create('static', newContext());
    const broken: NewSeal = {
      ...made,
      seal: {
        ...made.seal,
        type: 'broken',
        wrap: (key) => made.seal.wrap(key.map((byte) => byte ^ 1)),
        unwrap: (blob) => made.seal.unwrap(blob),
      },
    };
    await expect(initializeStore(store, broken, options)).rejects.toThrow(/does not unwrap/);
    expect(medium.entries.size).toBe(0);
  });
});
