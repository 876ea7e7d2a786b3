import { constantTimeEqual, wipe } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { keyBytes } from '../crypto/aead.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { isRecoveryKey, type NewRecovery, type Recovery, writeRecovery } from './recovery.ts';
import type { Seal } from './seal.ts';
import { readSealConfig, writeSealConfig, type SealConfig, type ShamirParameters } from './seal-config.ts';
import type { NewSeal } from './seal-type.ts';

/** New key material, to be put in the place of the present one in one commit. */
export interface Replacement {
  /** The shares to be shown, and what they are; empty and null where there are none or people hold them already. */
  readonly shares: readonly string[];
  readonly parameters: ShamirParameters | null;
  /** True: it is the key that the shares make. */
  isKey(candidate: Uint8Array): boolean;
  /**
   * Writes it, in the caller's transaction, which may run again. Once that has committed the predecessor is worth
   * nothing.
   */
  putInPlace(tx: Transaction): Promise<void>;
  /** To be called after the commit: gives up what only the predecessor needed. */
  settle(): Promise<void>;
  /** To be called instead where it will never be put in place. */
  discard(): void;
}

/**
 * A new root key under a seal. `recovery`: what becomes of the recovery shares; null: there are none afterwards. Throws
 * what the seal throws; nothing of the present seal has changed then.
 */
export async function prepareReplacement(
  barrier: Barrier,
  made: NewSeal,
  options: { readonly random: Random; readonly recovery: Recovery | 'keep' | null },
): Promise<Replacement> {
  const { random } = options;
  // Where people hold the seal's own shares there are no others.
  const recovery = made.shamir === null ? options.recovery : null;
  const rootKey = random.bytes(keyBytes);
  let gone = false;
  const forget = (): void => {
    gone = true;
    wipe(rootKey);
  };
  const config = await wrapWith(made, rootKey).catch((error: unknown) => {
    forget();
    throw error;
  });
  return {
    shares: made.shares,
    parameters: made.shamir,
    isKey: (candidate) => made.isKey(candidate),
    async putInPlace(tx) {
      if (gone) throw new TypeError('this replacement was put in place or discarded before');
      // A discard while this is under way must not leave the store under a key of zeros.
      const copy = new Uint8Array(rootKey);
      await barrier.replaceRootKey(tx, copy).finally(() => wipe(copy));
      const present = recovery === 'keep' ? await readSealConfig(tx) : null;
      if (recovery !== 'keep') await writeRecovery(barrier.view(tx, 'core'), recovery);
      const parameters = recovery === 'keep' ? (present?.recovery ?? null) : (recovery?.parameters ?? null);
      writeSealConfig(tx, { ...config, recovery: parameters });
    },
    async settle() {
      forget();
      await made.settle();
    },
    discard: forget,
  };
}

/** The seal that the store has, for a new root key under its newest key. */
export function sameSeal(seal: Seal): NewSeal {
  return { seal, shamir: null, shares: [], isKey: () => false, settle: async () => {} };
}

/** Other recovery shares, under the same seal. */
export function recoveryReplacement(storeId: string, barrier: Barrier, made: NewRecovery): Replacement {
  return {
    shares: made.shares,
    parameters: made.parameters,
    isKey: (candidate) => isRecoveryKey(storeId, made, candidate),
    async putInPlace(tx) {
      const config = await readSealConfig(tx);
      if (config === null || config.shamir !== null) throw new TypeError('a seal with shares of its own has no recovery shares');
      await writeRecovery(barrier.view(tx, 'core'), made);
      writeSealConfig(tx, { ...config, recovery: made.parameters });
    },
    settle: async () => {},
    discard: () => {},
  };
}

/** Puts a replacement in place and settles it. */
export async function replaceSeal(store: TransactionalStore, replacement: Replacement): Promise<void> {
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
