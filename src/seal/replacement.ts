import { constantTimeEqual, wipe } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { keyBytes } from '../crypto/aead.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { type Recovery, writeRecovery } from './recovery.ts';
import { readSealConfig, writeSealConfig, type SealConfig, type ShamirParameters } from './seal-config.ts';
import type { NewSeal } from './seal-type.ts';

/** A new root key under a seal, to be put in the place of the present ones in one commit. */
export interface SealReplacement {
  /** The shares to be shown, and what they are; empty and null where the seal has none or people hold them already. */
  readonly shares: readonly string[];
  readonly shamir: ShamirParameters | null;
  /** True: it is the key that the shares make. */
  isKey(candidate: Uint8Array): boolean;
  /** Writes it, in the caller's transaction, which may run again. Once that has committed nothing else opens the store. */
  putInPlace(tx: Transaction): Promise<void>;
  /** To be called after the commit: gives up what only the predecessor needed. */
  settle(): Promise<void>;
  /** To be called instead where it will never be put in place. */
  discard(): void;
}

/**
 * Makes a root key and wraps it. `recovery`: what becomes of the recovery shares; null: there are none afterwards.
 * Throws what the seal throws; nothing of the present seal has changed then.
 */
export async function prepareReplacement(
  barrier: Barrier,
  made: NewSeal,
  options: { readonly random: Random; readonly recovery: Recovery | 'keep' | null },
): Promise<SealReplacement> {
  const { random } = options;
  // Where people hold the seal's own shares there are no others.
  const recovery = made.shamir === null ? options.recovery : null;
  const rootKey = random.bytes(keyBytes);
  const config = await wrapWith(made, rootKey);
  return {
    shares: made.shares,
    shamir: made.shamir,
    isKey: (candidate) => made.isKey(candidate),
    async putInPlace(tx) {
      await barrier.replaceRootKey(tx, rootKey);
      const present = recovery === 'keep' ? await readSealConfig(tx) : null;
      if (recovery !== 'keep') await writeRecovery(barrier.view(tx, 'core'), recovery);
      const parameters = recovery === 'keep' ? (present?.recovery ?? null) : (recovery?.parameters ?? null);
      writeSealConfig(tx, { ...config, recovery: parameters });
    },
    async settle() {
      wipe(rootKey);
      await made.settle();
    },
    discard: () => wipe(rootKey),
  };
}

/** Puts a replacement in place and settles it. */
export async function replaceSeal(store: TransactionalStore, replacement: SealReplacement): Promise<void> {
  try {
    await store.transact((tx) => replacement.putInPlace(tx));
  } catch (error) {
    replacement.discard();
    throw error;
  }
  await replacement.settle();
}

/** The root key under a new seal, for the seal's configuration. */
export async function wrapWith(made: NewSeal, rootKey: Uint8Array): Promise<Omit<SealConfig, 'recovery'>> {
  const wrapped = await made.seal.wrap(rootKey);
  // A seal that cannot unwrap what it wrapped must be found out before anything rests on it. (Null: it needs shares.)
  const again = await made.seal.unwrap(wrapped);
  if (again !== null) {
    if (!constantTimeEqual(again, rootKey)) throw new Error(`the ${made.seal.type} seal does not unwrap what it wrapped`);
    wipe(again);
  }
  return { type: made.seal.type, wrapped, shamir: made.shamir };
}
