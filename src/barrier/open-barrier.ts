import { wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import { keyBytes } from '../crypto/aead.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { Barrier, type BarrierOptions } from './barrier.ts';
import { Keychain } from './keychain.ts';
import { encodeKeys } from './key-set.ts';
import { ringKey, superblockKey } from './layout.ts';
import { corruptRecord, openRecordWith } from './record.ts';
import { decodeSuperblock, encodeSuperblock, superblockIsAuthentic } from './superblock.ts';

/**
 * Writes the keyring and the superblock of a new store. Throws Fault `already-initialized` where there are any: their
 * root key would be lost, and all data with it.
 */
export async function initializeBarrier(tx: Transaction, options: Omit<BarrierOptions, 'cacheBytes'>): Promise<void> {
  const { storeId, rootKey, random, clock } = options;
  if ((await tx.get(ringKey)) !== null || (await tx.get(superblockKey)) !== null) {
    throw new Fault('already-initialized', `the store ${storeId} is already initialized`, {
      hint: 'Use it as it is, or initialize another directory.',
    });
  }
  const key = random.bytes(keyBytes);
  const keychain = new Keychain(storeId, rootKey, random);
  keychain.putRing(tx, encodeKeys([{ term: 1, installedAt: clock.now(), key }]), rootKey);
  keychain.seal();
  wipe(key);
  tx.put(superblockKey, encodeSuperblock({ storeId, generation: 1 }, rootKey));
}

/**
 * Opens the barrier of a store. Throws Fault `store-missing` where the store was never initialized, `seal-key-wrong`
 * where the root key opens nothing of it, `corrupt-record` where it opens a part only.
 */
export async function openBarrier(store: TransactionalStore, options: BarrierOptions): Promise<Barrier> {
  await store.read((tx) => check(tx, options));
  return new Barrier(options);
}

/** True: the root key is the one under which keyring and superblock lie in this transaction. */
export async function opensStore(
  tx: Transaction,
  { storeId, rootKey }: Pick<BarrierOptions, 'storeId' | 'rootKey'>,
): Promise<boolean> {
  try {
    await check(tx, { storeId, rootKey });
    return true;
  } catch (error) {
    if (error instanceof Fault && error.code === 'seal-key-wrong') return false;
    throw error;
  }
}

async function check(tx: Transaction, { storeId, rootKey }: Pick<BarrierOptions, 'storeId' | 'rootKey'>): Promise<void> {
  const ring = await tx.get(ringKey);
  const superblock = await tx.get(superblockKey);
  if (ring === null && superblock === null) {
    throw new Fault('store-missing', `the store ${storeId} is not initialized`, {
      hint: 'Run `secretctl init DIR` to make one.',
    });
  }
  if (ring === null) throw corruptRecord(ringKey, 'it is missing');
  if (superblock === null) throw corruptRecord(superblockKey, 'it is missing');

  const said = decodeSuperblock(superblock.value);
  if (said !== null && said.storeId !== storeId) {
    throw corruptRecord(superblockKey, `it is of the store ${JSON.stringify(said.storeId.slice(0, 80))}, not of ${storeId}`);
  }
  const authentic = said !== null && superblockIsAuthentic(superblock.value, rootKey);
  const plaintext = openRecordWith({ storeId, key: ringKey }, rootKey, ring.value);
  if (plaintext !== null) wipe(plaintext);
  if (plaintext === null && !authentic) {
    throw new Fault('seal-key-wrong', `the root key does not open the store ${storeId}`, {
      hint: 'Give the key or the shares that were made for this store. If they are, its data was damaged: restore a backup.',
    });
  }
  if (plaintext === null) throw corruptRecord(ringKey, 'it was altered');
  if (!authentic) throw corruptRecord(superblockKey, 'it was altered');
}
