import { wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import { Barrier, type BarrierOptions } from '../barrier/barrier.ts';
import { initializeBarrier, openBarrier } from '../barrier/open-barrier.ts';
import { keyBytes } from '../crypto/aead.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { type Recovery, writeRecovery } from './recovery.ts';
import { sealTypeOf } from './registry.ts';
import { prepareReplacement, replaceSeal, wrapWith } from './replacement.ts';
import type { Seal } from './seal.ts';
import { readSealConfig, writeSealConfig, type SealConfig } from './seal-config.ts';
import type { NewSeal, SealContext } from './seal-type.ts';

export type UnsealOptions = Omit<BarrierOptions, 'rootKey'>;

/**
 * Makes the root key of a new store and commits, at once, keyring, superblock, the seal's configuration, the recovery
 * shares if there are any, and what `alongside` writes. Returns the open barrier. Throws Fault `already-initialized`.
 */
export async function initializeStore(
  store: TransactionalStore,
  made: NewSeal,
  options: UnsealOptions,
  alongside: (tx: Transaction, barrier: Barrier) => Promise<void> = async () => {},
  recovery: Recovery | null = null,
): Promise<Barrier> {
  const rootKey = options.random.bytes(keyBytes);
  const barrier = new Barrier({ ...options, rootKey });
  try {
    const config = await wrapWith(made, rootKey);
    await store.transact(async (tx) => {
      await initializeBarrier(tx, { ...options, rootKey });
      writeSealConfig(tx, { ...config, recovery: recovery?.parameters ?? null });
      if (recovery !== null) await writeRecovery(barrier.view(tx, 'core'), recovery);
      await alongside(tx, barrier);
    });
  } catch (error) {
    barrier.seal();
    throw error;
  } finally {
    wipe(rootKey);
  }
  await made.settle();
  return barrier;
}

/** The seal of a store. Throws Fault `store-missing` where it was never initialized, and what `SealType.open` throws. */
export async function openSeal(store: TransactionalStore, context: SealContext): Promise<Seal> {
  const config = await configOf(store, context.storeId);
  return sealTypeOf(config.type).open(context, config);
}

/**
 * Opens the barrier with the root key that the seal unwraps, or null: the seal needs shares that nobody gave. Throws
 * what `Seal.unwrap` and `openBarrier` throw.
 */
export async function unsealStore(store: TransactionalStore, seal: Seal, options: UnsealOptions): Promise<Barrier | null> {
  const rootKey = await seal.unwrap((await configOf(store, options.storeId)).wrapped);
  if (rootKey === null) return null;
  try {
    return await openBarrier(store, { ...options, rootKey });
  } finally {
    wipe(rootKey);
  }
}

/**
 * Puts a new root key under a new seal, in place of the present one. Show the new shares before: should the commit fail,
 * the present seal still stands; once it has committed, nothing else opens the store. Recovery shares stay as they are.
 * Throws what the seal throws.
 */
export async function rekeyStore(
  store: TransactionalStore,
  barrier: Barrier,
  made: NewSeal,
  options: Pick<UnsealOptions, 'random'>,
): Promise<void> {
  await replaceSeal(store, await prepareReplacement(barrier, made, { ...options, recovery: 'keep' }));
}

async function configOf(store: TransactionalStore, storeId: string): Promise<SealConfig> {
  const config = await store.read(readSealConfig);
  if (config !== null) return config;
  throw new Fault('store-missing', `the store ${storeId} is not initialized`, { hint: 'Run `secretctl init DIR` to make one.' });
}
