import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wipe } from '../../src/base/bytes.ts';
import type { Barrier } from '../../src/barrier/barrier.ts';
import { openBarrier } from '../../src/barrier/open-barrier.ts';
import { Refusal } from '../../src/ceremony/refusal.ts';
import { Rekey, type RekeyStep } from '../../src/ceremony/rekey.ts';
import { prepareReplacement } from '../../src/seal/replacement.ts';
import { shamirSeal } from '../../src/seal/shamir.ts';
import { shareAuthority } from '../../src/seal/share-authority.ts';
import { takesShares } from '../../src/seal/seal-type.ts';
import { initializeStore, openSeal } from '../../src/seal/unseal.ts';
import { readSealConfig } from '../../src/seal/seal-config.ts';
import { MemoryMedium } from '../../src/storage/memory.ts';
import type { TransactionalStore } from '../../src/storage/transaction.ts';
import { atEachCommit } from '../barrier/crash.ts';
import { seededRandom, stoppedClock, storeOver } from '../barrier/fixture.ts';
import { runs } from '../policy/property.ts';

const storeId = 'store-1';
const random = seededRandom('rekey machine');
const clock = stoppedClock();
const context = { storeId, random, settings: {} };
const split = { shares: 3, threshold: 2 };

async function newStore(): Promise<{ readonly medium: MemoryMedium; readonly shares: readonly string[] }> {
  const medium = new MemoryMedium();
  const made = await shamirSeal.create(context, split);
  (await initializeStore(await storeOver(medium), made, { storeId, random, clock })).seal();
  return { medium, shares: made.shares };
}

async function rootKeyOf(store: TransactionalStore, shares: readonly string[]): Promise<Uint8Array | null> {
  const seal = await openSeal(store, context);
  const config = await store.read(readSealConfig);
  if (config === null || !takesShares(seal)) throw new Error('no Shamir seal');
  for (const share of shares.slice(0, seal.progress.threshold)) seal.submit(share);
  return seal.unwrap(config.wrapped);
}

async function opened(store: TransactionalStore, shares: readonly string[]): Promise<Barrier> {
  const rootKey = await rootKeyOf(store, shares);
  if (rootKey === null) throw new Error('too few shares');
  return openBarrier(store, { storeId, random, clock, rootKey });
}

const opens = (store: TransactionalStore, shares: readonly string[]) =>
  opened(store, shares).then(
    () => true,
    () => false,
  );

function rekeyOf(store: TransactionalStore, barrier: Barrier): Rekey {
  return new Rekey(
    {
      store,
      mayBeFirst: false,
      authority: (tx) => shareAuthority(tx, barrier, storeId),
      prepare: async (numbers) =>
        prepareReplacement(barrier, await shamirSeal.create(context, numbers), { random, recovery: 'keep' }),
    },
    random,
    () => {},
  );
}

/** Ends a step as a handler does. */
const end = (store: TransactionalStore, step: RekeyStep) => store.transact((tx) => step.commit(tx));

describe('a rekey that dies', () => {
  it.each([false, true])('leaves the old shares or the new ones in force (verification: %s)', async (verification) => {
    let place: Awaited<ReturnType<typeof newStore>> | null = null;
    let fresh: readonly string[] = [];
    const commits = await atEachCommit(
      async () => {
        fresh = [];
        place = await newStore();
        return place.medium;
      },
      async (store) => {
        const { shares } = place ?? { shares: [] };
        const rekey = rekeyOf(store, await opened(store, shares));
        await end(store, await rekey.start({ shares: 3, threshold: 2 }, { verification }));
        const nonce = rekey.status()?.nonce ?? '';
        await end(store, await rekey.give(nonce, shares[0] ?? ''));
        const step = await rekey.give(nonce, shares[2] ?? '');
        fresh = step.shares ?? [];
        await end(store, step);
        for (const share of verification ? fresh.slice(0, 2) : []) {
          const verified = await rekey.verify(rekey.status()?.verification?.nonce ?? '', share);
          if (verified !== null) await end(store, verified);
        }
      },
      async (medium) => {
        const store = await storeOver(medium);
        const now = [await opens(store, place?.shares ?? []), fresh.length > 0 && (await opens(store, fresh))];
        expect(now.filter(Boolean)).toHaveLength(1);
      },
    );
    expect(commits).toBeGreaterThan(0);
  });

  it('in one step of many changes nothing when its transaction is run again', async () => {
    const { medium, shares } = await newStore();
    const store = await storeOver(medium);
    const barrier = await opened(store, shares);
    const rekey = rekeyOf(store, barrier);
    await rekey.start(split, { verification: false });
    const nonce = rekey.status()?.nonce ?? '';
    await rekey.give(nonce, shares[0] ?? '');
    const step = await rekey.give(nonce, shares[1] ?? '');
    let attempts = 0;
    await store.transact(async (tx) => {
      await step.commit(tx);
      // Somebody rotates the keyring meanwhile, twice: the commit conflicts and is worked out anew.
      if (attempts++ < 2) await store.transact((other) => barrier.rotate(other));
    });
    expect(attempts).toBe(3);
    expect(rekey.status()).toBeNull();
    expect([await opens(store, shares), await opens(store, step.shares ?? [])]).toEqual([false, true]);
    expect((await store.read((tx) => barrier.status(tx))).term).toBe(3);
  });

  it('that is cancelled between its proof and its commit is not carried out', async () => {
    const { medium, shares } = await newStore();
    const store = await storeOver(medium);
    const rekey = rekeyOf(store, await opened(store, shares));
    await rekey.start(split, { verification: false });
    const nonce = rekey.status()?.nonce ?? '';
    await rekey.give(nonce, shares[0] ?? '');
    const step = await rekey.give(nonce, shares[1] ?? '');
    rekey.cancel();
    await expect(end(store, step)).rejects.toMatchObject({ kind: 'absent' });
    expect(await opens(store, shares)).toBe(true);
  });

  it('makes its new keys anew after they could not be made', async () => {
    const { medium, shares } = await newStore();
    const store = await storeOver(medium);
    const barrier = await opened(store, shares);
    let broken = true;
    const rekey = new Rekey(
      {
        store,
        mayBeFirst: false,
        authority: (tx) => shareAuthority(tx, barrier, storeId),
        async prepare(numbers) {
          if (broken) throw new Error('the seal is away');
          return prepareReplacement(barrier, await shamirSeal.create(context, numbers), { random, recovery: 'keep' });
        },
      },
      random,
      () => {},
    );
    await rekey.start(split, { verification: false });
    const nonce = rekey.status()?.nonce ?? '';
    await rekey.give(nonce, shares[0] ?? '');
    await expect(rekey.give(nonce, shares[1] ?? '')).rejects.toThrow('the seal is away');
    broken = false;
    await end(store, await rekey.give(nonce, shares[1] ?? ''));
    expect(await opens(store, shares)).toBe(false);
  });
});

/** What a rekey should be after each step: the model that the machine is compared with. */
interface Model {
  attempt: { readonly verification: boolean; readonly given: Set<number>; verifying: Set<number> | null } | null;
}

type Act =
  | { readonly act: 'start'; readonly verification: boolean }
  | { readonly act: 'cancel' }
  | { readonly act: 'restart' }
  | ({ readonly act: 'give' } & Giving)
  | ({ readonly act: 'verify' } & Giving);

interface Giving {
  readonly share: number;
  /** False: under another nonce. */
  readonly nonce: boolean;
  /** True: a share of another store. */
  readonly foreign: boolean;
}

const oneInTen = fc.integer({ min: 0, max: 9 }).map((value) => value === 0);
const giving = { share: fc.nat(2), nonce: oneInTen.map((other) => !other), foreign: oneInTen };
const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ act: fc.constant('start' as const), verification: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constantFrom<Act>({ act: 'cancel' }, { act: 'restart' }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant('give' as const), ...giving }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('verify' as const), ...giving }) },
);

describe('whatever is done in whatever order', () => {
  it('a rekey is where its model is, and exactly one set of shares opens the store', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { minLength: 1, maxLength: 14 }), async (script) => {
        const { medium, shares } = await newStore();
        const store = await storeOver(medium);
        const barrier = await opened(store, shares);
        const rekey = rekeyOf(store, barrier);
        const model: Model = { attempt: null };
        let present = shares;
        let fresh: readonly string[] = [];
        const foreign = (await shamirSeal.create(context, split)).shares;

        const outcome = async (work: () => Promise<unknown>): Promise<string> => {
          try {
            await work();
            return 'taken';
          } catch (error) {
            if (error instanceof Refusal) return error.kind;
            throw error;
          }
        };
        for (const act of script) {
          const attempt = model.attempt;
          if (act.act === 'start') {
            const expected = attempt === null ? 'taken' : 'present';
            expect(await outcome(() => rekey.start(split, act))).toBe(expected);
            if (attempt === null) model.attempt = { verification: act.verification, given: new Set(), verifying: null };
          } else if (act.act === 'cancel') {
            rekey.cancel();
            model.attempt = null;
          } else if (act.act === 'restart') {
            rekey.restartVerification();
            attempt?.verifying?.clear();
          } else if (act.act === 'give') {
            const line = (act.foreign ? foreign : present)[act.share] ?? '';
            const nonce = act.nonce ? (rekey.status()?.nonce ?? '') : 'other';
            const said = await outcome(async () => {
              const step = await rekey.give(nonce, line);
              if (step.shares !== null) fresh = step.shares;
              await end(store, step);
            });
            if (attempt === null) expect(said).toBe('absent');
            else if (attempt.verifying !== null) expect(said).toBe('unverified');
            else if (!act.nonce) expect(said).toBe('nonce');
            else if (act.foreign) expect(said).toBe('share');
            else if (attempt.given.has(act.share)) expect(said).toBe('repeated');
            else {
              expect(said).toBe('taken');
              attempt.given.add(act.share);
              if (attempt.given.size === split.threshold) {
                if (attempt.verification) attempt.verifying = new Set();
                else {
                  present = fresh;
                  model.attempt = null;
                }
              }
            }
          } else {
            const line = (act.foreign ? foreign : fresh)[act.share] ?? '';
            const nonce = act.nonce ? (rekey.status()?.verification?.nonce ?? '') : 'other';
            const said = await outcome(async () => {
              const step = await rekey.verify(nonce, line);
              if (step !== null) await end(store, step);
            });
            if (attempt === null) expect(said).toBe('absent');
            else if (attempt.verifying === null) expect(said).toBe('nothing-to-verify');
            else if (!act.nonce) expect(said).toBe('nonce');
            else if (act.foreign) expect(said).toBe('share');
            else if (attempt.verifying.has(act.share)) expect(said).toBe('repeated');
            else {
              expect(said).toBe('taken');
              attempt.verifying.add(act.share);
              if (attempt.verifying.size === split.threshold) {
                present = fresh;
                model.attempt = null;
              }
            }
          }
          const now = model.attempt;
          expect(rekey.status() === null).toBe(now === null);
          if (now !== null) {
            expect(rekey.status()).toMatchObject({ given: now.given.size, verificationRequired: now.verification });
            expect(rekey.status()?.verification?.given ?? null).toBe(now.verifying?.size ?? null);
          }
        }
        const rootKey = await rootKeyOf(store, present);
        if (rootKey === null) throw new Error('the present shares open nothing');
        wipe(rootKey);
        expect((await store.read((tx) => barrier.status(tx))).term).toBe(1);
      }),
      runs(60, 2000),
    );
  });
});
