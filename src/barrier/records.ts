import type { Random } from '../base/random.ts';
import type { StoredValue } from '../storage/backend.ts';
import { pendingVersion, type Transaction } from '../storage/transaction.ts';
import type { Keychain } from './keychain.ts';
import type { KeySet } from './key-set.ts';
import type { Area } from './layout.ts';
import { openRecord, recordTerm, sealRecord } from './record.ts';
import type { RecordCache } from './record-cache.ts';

/** Encrypted records by their backend key; the area says under whose keys they lie. */
export class Records {
  readonly storeId: string;
  /** Encryptions since the last one that was counted in the store. */
  encryptions = 0;
  readonly #keychain: Keychain;
  readonly #cache: RecordCache;
  readonly #random: Random;

  constructor(storeId: string, keychain: Keychain, cache: RecordCache, random: Random) {
    this.storeId = storeId;
    this.#keychain = keychain;
    this.#cache = cache;
    this.#random = random;
  }

  /**
   * What `use` makes of the opened record, or null where there is none. The bytes are lent: `use` neither changes nor
   * keeps them. Throws Fault `corrupt-record` where the record, or the area's key, does not open.
   */
  async read<T>(tx: Transaction, area: Area, key: string, use: (value: Uint8Array, version: number) => T): Promise<T | null> {
    for (;;) {
      const stored = await tx.get(key);
      try {
        return await this.#withKeys(tx, area, (keys) => (stored === null ? null : this.#open(keys, key, stored, use)));
      } catch (error) {
        // Reads without a commit see no single moment: a rewrap may end between record and keys.
        if (stored === null || (await tx.get(key))?.version === stored.version) throw error;
      }
    }
  }

  /** Encrypts under the area's newest key. */
  async write(tx: Transaction, area: Area, key: string, value: Uint8Array): Promise<void> {
    await this.#withKeys(tx, area, (keys) => this.#write(tx, keys, key, value));
  }

  /** Encrypts a record anew where its key is not the area's newest. False: there was nothing to do. */
  async renew(tx: Transaction, area: Area, key: string): Promise<boolean> {
    const stored = await tx.get(key);
    return await this.#withKeys(tx, area, (keys) => {
      if (stored === null || recordTerm(stored.value) === keys.newest.term) return false;
      this.#write(tx, keys, key, openRecord({ storeId: this.storeId, key }, keys, stored.value));
      return true;
    });
  }

  /** Throws what `read` would throw for want of the area's key. */
  async assertReadable(tx: Transaction, area: Area): Promise<void> {
    await this.#withKeys(tx, area, () => undefined);
  }

  #open<T>(keys: KeySet, key: string, stored: StoredValue, use: (value: Uint8Array, version: number) => T): T {
    const cached = this.#cache.get(key, stored.version);
    if (cached !== null) return use(cached, stored.version);
    const value = openRecord({ storeId: this.storeId, key }, keys, stored.value);
    if (stored.version !== pendingVersion) this.#cache.set(key, stored.version, value);
    return use(value, stored.version);
  }

  #write(tx: Transaction, keys: KeySet, key: string, value: Uint8Array): void {
    const { term, key: newest } = keys.newest;
    this.encryptions += 1;
    tx.put(key, sealRecord({ storeId: this.storeId, key }, term, newest, value, this.#random));
  }

  #withKeys<T>(tx: Transaction, area: Area, use: (keys: KeySet) => T): Promise<T> {
    return area === 'core' ? this.#keychain.withRing(tx, use) : this.#keychain.withMountKey(tx, area.mountId, use);
  }
}
