import type { Clock } from '../base/clock.ts';
import { fromUtf8, utf8, wipe } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import { keyBytes } from '../crypto/aead.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { EncryptedView } from './encrypted-view.ts';
import { encodeKeys } from './key-set.ts';
import { Keychain } from './keychain.ts';
import { mountKeyOf, mountKeysPrefix, mountPrefix, shreddedKeyOf, superblockKey, usageKey, type Area } from './layout.ts';
import { corruptRecord } from './record.ts';
import { RecordCache } from './record-cache.ts';
import { Records } from './records.ts';
import { Rewrap, type RewrapOptions, type RewrapStep } from './rewrap.ts';
import { purgeShredded } from './shred.ts';
import { checkStore, type StoreCheck } from './store-check.ts';
import { decodeSuperblock, encodeSuperblock, superblockIsAuthentic } from './superblock.ts';
import type { View } from './view.ts';

export interface BarrierOptions {
  readonly storeId: string;
  /** 32 bytes; copied, so the caller may wipe its own. */
  readonly rootKey: Uint8Array;
  readonly random: Random;
  /** Dates the terms. */
  readonly clock: Clock;
  /** Bytes of opened records kept in memory; 16 MiB unless told. */
  readonly cacheBytes?: number;
}

export interface BarrierStatus {
  /** The keyring's newest term. */
  readonly term: number;
  /** When it was made: milliseconds since the epoch. */
  readonly installTime: number;
  /**
   * How many encryptions were counted under this term: an estimate. Those of transactions that did not commit count
   * too; what a process that was killed had counted since the last renewal of the superblock is lost.
   */
  readonly encryptions: number;
}

const defaultCacheBytes = 16 * 1024 * 1024;

/**
 * The encryption layer: typed views over a backend that itself sees only ciphertext. Made by `openBarrier`.
 * After `seal` everything throws Fault `sealed`.
 */
export class Barrier {
  readonly #keychain: Keychain;
  readonly #cache: RecordCache;
  readonly #records: Records;
  readonly #options: Pick<BarrierOptions, 'storeId' | 'random' | 'clock'>;

  constructor(options: BarrierOptions) {
    assertKey(options.rootKey);
    this.#options = { storeId: options.storeId, random: options.random, clock: options.clock };
    this.#keychain = new Keychain(options.storeId, options.rootKey, options.random);
    this.#cache = new RecordCache(options.cacheBytes ?? defaultCacheBytes);
    this.#records = new Records(options.storeId, this.#keychain, this.#cache, options.random);
  }

  /** The records of an area, within one transaction. */
  view(tx: Transaction, area: Area): View {
    this.#keychain.assertOpen();
    return new EncryptedView(this.#records, tx, area);
  }

  /** Makes the data key of a new mount, which its view needs. A mount id is used once. */
  async createMountKey(tx: Transaction, mountId: string): Promise<void> {
    const key = mountKeyOf(mountId);
    if ((await tx.get(key)) !== null || (await tx.get(shreddedKeyOf(mountId))) !== null) {
      throw new TypeError(`the mount id ${mountId} is already in use`);
    }
    const term = await this.#keychain.withRing(tx, (ring) => ring.newest.term);
    const first = { term, installedAt: this.#options.clock.now(), key: this.#newKey() };
    await this.#writeKeys(tx, key, encodeKeys([first]));
    wipe(first.key);
  }

  /**
   * Deletes the mount's data key: from this commit on nothing of the mount can be read, whatever copies of its
   * ciphertext there are. `purgeShredded` deletes that ciphertext afterwards. (Who has both an old copy of the store and
   * its keyring can still open the old key record, until a rotation and a rewrap have retired that keyring's terms.)
   */
  async shredMount(tx: Transaction, mountId: string): Promise<void> {
    const key = mountKeyOf(mountId);
    if ((await tx.get(key)) === null) throw new TypeError(`the mount ${mountId} has no data key`);
    await this.#records.write(tx, 'core', shreddedKeyOf(mountId), new Uint8Array(0));
    tx.delete(key);
    tx.onCommit(() => {
      this.#keychain.forgetMount(mountId);
      this.#cache.deleteAll(mountPrefix(mountId));
    });
  }

  /**
   * Deletes ciphertext of shredded mounts in one transaction, at most `limit` records. Returns how many mounts have
   * ciphertext left; call it again until that is 0.
   */
  async purgeShredded(store: TransactionalStore, options: { readonly limit: number }): Promise<number> {
    return await purgeShredded(store, this.#records, options.limit);
  }

  /** Adds a term to the keyring and a generation to every mount's data key. What is written from now on uses them. */
  async rotate(tx: Transaction): Promise<void> {
    const installedAt = this.#options.clock.now();
    const term = await this.#keychain.withRing(tx, (ring, rootKey) => {
      const next = ring.newest.term + 1;
      const added = { term: next, installedAt, key: this.#newKey() };
      this.#keychain.putRing(tx, ring.encodeWith(added), rootKey);
      wipe(added.key);
      return next;
    });
    this.#settleUsage(tx);
    tx.delete(usageKey);
    for (const { key } of await tx.list(mountKeysPrefix)) {
      const mountId = key.slice(mountKeysPrefix.length);
      const added = { term, installedAt, key: this.#newKey() };
      const encoded = await this.#keychain.withMountKey(tx, mountId, (keys) => keys.encodeWith(added));
      wipe(added.key);
      await this.#writeKeys(tx, key, encoded);
    }
  }

  /**
   * Encrypts anew what lies under an old term, in transactions of at most `limit` records (256 unless told), then drops
   * the old terms. It goes on where an earlier call was interrupted. Returns how many records were encrypted anew.
   */
  async rewrap(store: TransactionalStore, options: RewrapOptions = {}): Promise<number> {
    return await new Rewrap(this.#records, this.#keychain).run(store, options);
  }

  /** One step of `rewrap`, in the caller's transaction. */
  rewrapStep(tx: Transaction): Promise<RewrapStep> {
    return new Rewrap(this.#records, this.#keychain).step(tx);
  }

  /** Opens every record as it lies on the medium, in small steps. Finds damage, not what is missing. */
  check(store: TransactionalStore): Promise<StoreCheck> {
    return checkStore(store, this.#options.storeId, this.#keychain);
  }

  async status(tx: Transaction): Promise<BarrierStatus> {
    const [term, installTime] = await this.#keychain.withRing(tx, ({ newest }) => [newest.term, newest.installedAt] as const);
    return { term, installTime, encryptions: (await this.#savedUsage(tx, term)) + this.#records.encryptions };
  }

  /** Puts the keyring under another root key (32 bytes; copied). The seal must wrap it in the same transaction. */
  async replaceRootKey(tx: Transaction, rootKey: Uint8Array): Promise<void> {
    assertKey(rootKey);
    const generation = await this.generation(tx);
    await this.#keychain.withRing(tx, (ring) => this.#keychain.putRing(tx, ring.encode(), rootKey));
    this.#keychain.expectRootKey(rootKey);
    this.#putSuperblock(tx, generation + 1, rootKey);
  }

  /** Moves the store's generation on, and counts the encryptions since the last time. */
  async renewSuperblock(tx: Transaction): Promise<void> {
    const generation = await this.generation(tx);
    await this.#saveUsage(tx);
    await this.#keychain.withRing(tx, (_, rootKey) => this.#putSuperblock(tx, generation + 1, rootKey));
  }

  /** How often the superblock was renewed. Throws Fault `corrupt-record` where it is not authentic. */
  async generation(tx: Transaction): Promise<number> {
    const stored = await tx.get(superblockKey);
    if (stored === null) throw corruptRecord(superblockKey, 'it is missing');
    return await this.#keychain.withRing(tx, (_, rootKey) => {
      const superblock = decodeSuperblock(stored.value);
      if (superblock?.storeId !== this.#options.storeId || !superblockIsAuthentic(stored.value, rootKey)) {
        throw corruptRecord(superblockKey, 'it was altered, or belongs to another store');
      }
      return superblock.generation;
    });
  }

  /** Drops every key and every opened record from memory. */
  seal(): void {
    this.#keychain.seal();
    this.#cache.deleteAll('');
  }

  #newKey(): Uint8Array {
    return this.#options.random.bytes(keyBytes);
  }

  /** Writes a key record under the keyring and wipes its plaintext. */
  async #writeKeys(tx: Transaction, key: string, encoded: Uint8Array): Promise<void> {
    await this.#records.write(tx, 'core', key, encoded);
    wipe(encoded);
  }

  #putSuperblock(tx: Transaction, generation: number, rootKey: Uint8Array): void {
    tx.put(superblockKey, encodeSuperblock({ storeId: this.#options.storeId, generation }, rootKey));
  }

  async #savedUsage(tx: Transaction, term: number): Promise<number> {
    const saved = await this.#records.read(tx, 'core', usageKey, (value) => JSON.parse(fromUtf8(value)) as Usage);
    return saved?.term === term ? saved.encryptions : 0;
  }

  async #saveUsage(tx: Transaction): Promise<void> {
    const term = await this.#keychain.withRing(tx, (ring) => ring.newest.term);
    const usage: Usage = { term, encryptions: (await this.#savedUsage(tx, term)) + this.#settleUsage(tx) };
    await this.#records.write(tx, 'core', usageKey, utf8(JSON.stringify(usage)));
  }

  /** What was counted in memory; forgotten there once the transaction commits. */
  #settleUsage(tx: Transaction): number {
    const counted = this.#records.encryptions;
    tx.onCommit(() => {
      this.#records.encryptions -= counted;
    });
    return counted;
  }
}

/** The body of `keys/usage`, as JSON. */
interface Usage {
  readonly term: number;
  readonly encryptions: number;
}

function assertKey(rootKey: Uint8Array): void {
  if (rootKey.byteLength !== keyBytes) throw new TypeError(`a root key has ${keyBytes} bytes`);
}
