import { fromUtf8, utf8, wipe } from '../base/bytes.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import type { Keychain } from './keychain.ts';
import {
  behindFolder,
  corePrefix,
  mountKeysPrefix,
  mountOf,
  mountPrefix,
  mountsPrefix,
  rewrapKey,
  shreddedKeyOf,
  shreddedPrefix,
  type Area,
} from './layout.ts';
import type { Records } from './records.ts';

export interface RewrapOptions {
  /** Records looked at in one transaction; 256 unless told. */
  readonly limit?: number;
  /** Called after every commit. */
  readonly onProgress?: (progress: RewrapProgress) => void;
}

interface RewrapProgress {
  /** Records looked at and encrypted anew by this call so far. */
  readonly examined: number;
  readonly renewed: number;
  readonly done: boolean;
}

/** The body of `keys/rewrap`, as JSON: where the walk towards a term has come to. Another term starts it anew. */
interface Position {
  readonly term: number;
  /** An index into `ranges`. */
  readonly range: number;
  /** The last key that was dealt with; null: none of this range. */
  readonly after: string | null;
}

// Mount keys come last: their old generations go when no record of a mount names them any more.
const ranges = [corePrefix, shreddedPrefix, mountsPrefix, mountKeysPrefix] as const;

const defaultLimit = 256;
const maxBytesPerStep = 4 * 1024 * 1024;

/** What a step did, and whether another one is needed. */
export interface RewrapStep {
  readonly examined: number;
  readonly renewed: number;
  readonly done: boolean;
}

/**
 * Encrypts anew every record under an old term, then drops the old terms. A writer cannot bring an old term back behind
 * the walk: it reads the newest key in the transaction in which it uses it. See Barrier.rewrap.
 */
export class Rewrap {
  readonly #records: Records;
  readonly #keychain: Keychain;

  constructor(records: Records, keychain: Keychain) {
    this.#records = records;
    this.#keychain = keychain;
  }

  async run(store: TransactionalStore, options: RewrapOptions): Promise<number> {
    const { limit = defaultLimit, onProgress } = options;
    let examined = 0;
    let renewed = 0;
    for (;;) {
      const step = await store.transact((tx) => this.step(tx, limit));
      examined += step.examined;
      renewed += step.renewed;
      onProgress?.({ examined, renewed, done: step.done });
      if (step.done) return renewed;
    }
  }

  /** One step in the caller's transaction, from where the last one ended. */
  async step(tx: Transaction, limit: number = defaultLimit): Promise<RewrapStep> {
    const { term, terms } = await this.#keychain.withRing(tx, (ring) => ({ term: ring.newest.term, terms: ring.size }));
    if (terms === 1) return { examined: 0, renewed: 0, done: true };
    const saved = await this.#records.read(tx, 'core', rewrapKey, (value) => JSON.parse(fromUtf8(value)) as Position);
    const position = saved?.term === term ? saved : { term, range: 0, after: null };
    const prefix = ranges[position.range];
    if (prefix === undefined) return await this.#finish(tx);

    const keys = await tx.list(prefix, { limit, ...(position.after === null ? {} : { after: position.after }) });
    let after = position.after;
    let bytes = 0;
    let examined = 0;
    let renewed = 0;
    for (const { key } of keys) {
      if (bytes > maxBytesPerStep) break;
      const skipped = prefix === mountsPrefix ? await shreddedFolder(tx, key) : null;
      after = skipped ?? key;
      if (skipped !== null) break;
      bytes += (await tx.get(key))?.value.byteLength ?? 0;
      examined += 1;
      if (await this.#renew(tx, prefix, key)) renewed += 1;
    }
    const ended = keys.length < limit && after === (keys.at(-1)?.key ?? after);
    await this.#save(tx, ended ? { term, range: position.range + 1, after: null } : { term, range: position.range, after });
    return { examined, renewed, done: false };
  }

  async #renew(tx: Transaction, prefix: (typeof ranges)[number], key: string): Promise<boolean> {
    if (prefix !== mountKeysPrefix) {
      const area: Area = prefix === mountsPrefix ? { mountId: mountOf(key) } : 'core';
      return await this.#records.renew(tx, area, key);
    }
    const mountId = key.slice(mountKeysPrefix.length);
    const generations = await this.#keychain.withMountKey(tx, mountId, (keys) => keys.size);
    if (generations === 1) return await this.#records.renew(tx, 'core', key);
    const newest = await this.#keychain.withMountKey(tx, mountId, (keys) => keys.encodeNewest());
    await this.#records.write(tx, 'core', key, newest);
    wipe(newest);
    return true;
  }

  async #finish(tx: Transaction): Promise<RewrapStep> {
    tx.delete(rewrapKey);
    await this.#keychain.withRing(tx, (ring, rootKey) => this.#keychain.putRing(tx, ring.encodeNewest(), rootKey));
    return { examined: 0, renewed: 0, done: true };
  }

  async #save(tx: Transaction, position: Position): Promise<void> {
    await this.#records.write(tx, 'core', rewrapKey, utf8(JSON.stringify(position)));
  }
}

/** For a record of a mount that was shredded (its key is gone, nothing of it can be encrypted anew): a key behind all of them. */
async function shreddedFolder(tx: Transaction, key: string): Promise<string | null> {
  const mountId = mountOf(key);
  return (await tx.get(shreddedKeyOf(mountId))) === null ? null : behindFolder(mountPrefix(mountId));
}
