import { constantTimeEqual, wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import type { StoredValue } from '../storage/backend.ts';
import { pendingVersion, type Transaction } from '../storage/transaction.ts';
import { decodeKeys, type KeySet } from './key-set.ts';
import { mountKeyOf, ringKey } from './layout.ts';
import { corruptRecord, openRecord, openRecordWith, sealRecord } from './record.ts';

// The term in the header of the keyring's record: it lies under the root key, which has none.
const rootTerm = 0;

const maxCachedMounts = 4096;
const maxNextRootKeys = 4;

interface OpenRing {
  readonly version: number;
  readonly keys: KeySet;
  /** The root key that opened it. */
  readonly rootKey: Uint8Array;
}

/**
 * The keys of an open store. Key records are opened once for each of their versions, but which version is right is
 * asked of the transaction every time: a rotation or a shredding is noticed by whoever comes after it, and keys that
 * a transaction made but did not commit are seen by that transaction only.
 *
 * Keys are lent to a synchronous function and must not be kept by it. So they can be wiped at any moment, and no one
 * encrypts with a wiped key.
 */
export class Keychain {
  readonly #storeId: string;
  readonly #random: Random;
  #rootKey: Uint8Array;
  /** Root keys that transactions mean to put in its place, newest last: one takes over once it is seen committed. */
  #nextRootKeys: Uint8Array[] = [];
  #ring: OpenRing | null = null;
  readonly #mounts = new Map<string, { readonly version: number; readonly keys: KeySet }>();
  /** Key sets of values that their own transaction wrote and nobody has committed. They go when the values go. */
  #pendingRings = new WeakMap<Uint8Array, OpenRing>();
  #pendingMounts = new WeakMap<Uint8Array, KeySet>();
  #sealed = false;

  /** Copies the root key. */
  constructor(storeId: string, rootKey: Uint8Array, random: Random) {
    this.#storeId = storeId;
    this.#rootKey = new Uint8Array(rootKey);
    this.#random = random;
  }

  /** Lends the keyring, and the root key it lies under, as the transaction sees them. */
  async withRing<T>(tx: Transaction, use: (ring: KeySet, rootKey: Uint8Array) => T): Promise<T> {
    const stored = await tx.get(ringKey);
    this.assertOpen();
    if (stored === null) throw corruptRecord(ringKey, 'it is missing');
    const ring = this.#openRing(stored);
    return use(ring.keys, ring.rootKey);
  }

  /** Writes an encoded keyring under a root key, and wipes the encoding. */
  putRing(tx: Transaction, encoded: Uint8Array, rootKey: Uint8Array): void {
    tx.put(ringKey, sealRecord({ storeId: this.#storeId, key: ringKey }, rootTerm, rootKey, encoded, this.#random));
    wipe(encoded);
  }

  /** Lends a mount's data key as the transaction sees it. Throws Fault `corrupt-record` where there is none. */
  async withMountKey<T>(tx: Transaction, mountId: string, use: (keys: KeySet) => T): Promise<T> {
    const stored = await tx.get(mountKeyOf(mountId));
    this.assertOpen();
    if (stored === null) throw corruptRecord(mountKeyOf(mountId), 'it is missing: the mount was removed and its data shredded');
    const cached =
      stored.version === pendingVersion ? this.#pendingMounts.get(stored.value) : this.#cachedMount(mountId, stored.version);
    if (cached !== undefined) return use(cached);
    return await this.withRing(tx, (ring) => use(this.#openMountKey(mountId, stored, ring)));
  }

  /** Prepares for a root key that a transaction is about to put in place of the present one. Copies it. */
  expectRootKey(rootKey: Uint8Array): void {
    this.assertOpen();
    if (this.#nextRootKeys.some((key) => constantTimeEqual(key, rootKey))) return;
    this.#nextRootKeys.push(new Uint8Array(rootKey));
    if (this.#nextRootKeys.length > maxNextRootKeys) wipe(...this.#nextRootKeys.splice(0, 1));
  }

  forgetMount(mountId: string): void {
    this.#mounts.get(mountId)?.keys.wipe();
    this.#mounts.delete(mountId);
  }

  /** Throws Fault `sealed` after `seal`. */
  assertOpen(): void {
    if (this.#sealed) {
      throw new Fault('sealed', 'the store is sealed', { hint: 'Unseal it: its keys were dropped from memory.' });
    }
  }

  seal(): void {
    this.#sealed = true;
    wipe(this.#rootKey, ...this.#nextRootKeys);
    this.#nextRootKeys = [];
    this.#ring?.keys.wipe();
    this.#ring = null;
    for (const mountId of [...this.#mounts.keys()]) this.forgetMount(mountId);
    this.#pendingRings = new WeakMap();
    this.#pendingMounts = new WeakMap();
  }

  #openRing(stored: StoredValue): OpenRing {
    const pending = stored.version === pendingVersion;
    const known = pending ? this.#pendingRings.get(stored.value) : this.#ring;
    if (known?.version === stored.version) return known;
    const ring = this.#decryptRing(stored);
    if (pending) {
      this.#pendingRings.set(stored.value, ring);
    } else if (stored.version > (this.#ring?.version ?? 0)) {
      this.#ring?.keys.wipe();
      this.#ring = ring;
      if (ring.rootKey !== this.#rootKey) this.#takeOver(ring.rootKey);
    }
    return ring;
  }

  #takeOver(rootKey: Uint8Array): void {
    wipe(this.#rootKey, ...this.#nextRootKeys.filter((key) => key !== rootKey));
    this.#rootKey = rootKey;
    this.#nextRootKeys = [];
    this.#pendingRings = new WeakMap();
  }

  #decryptRing(stored: StoredValue): OpenRing {
    for (const rootKey of [this.#rootKey, ...this.#nextRootKeys.toReversed()]) {
      const plaintext = openRecordWith({ storeId: this.#storeId, key: ringKey }, rootKey, stored.value);
      if (plaintext !== null) return { version: stored.version, keys: decoded(ringKey, plaintext), rootKey };
    }
    throw corruptRecord(ringKey, 'it was altered, or the root key was replaced elsewhere and the store must be opened anew');
  }

  #cachedMount(mountId: string, version: number): KeySet | undefined {
    const entry = this.#mounts.get(mountId);
    return entry?.version === version ? entry.keys : undefined;
  }

  #openMountKey(mountId: string, stored: StoredValue, ring: KeySet): KeySet {
    const key = mountKeyOf(mountId);
    const keys = decoded(key, openRecord({ storeId: this.#storeId, key }, ring, stored.value));
    if (stored.version === pendingVersion) {
      this.#pendingMounts.set(stored.value, keys);
    } else if (stored.version > (this.#mounts.get(mountId)?.version ?? 0)) {
      this.forgetMount(mountId);
      this.#mounts.set(mountId, { version: stored.version, keys });
      const oldest = this.#mounts.keys().next().value;
      if (this.#mounts.size > maxCachedMounts && oldest !== undefined) this.forgetMount(oldest);
    }
    return keys;
  }
}

function decoded(key: string, plaintext: Uint8Array): KeySet {
  const keys = decodeKeys(plaintext);
  wipe(plaintext);
  if (keys === null) throw corruptRecord(key, 'it is not in a format that this version knows');
  return keys;
}
