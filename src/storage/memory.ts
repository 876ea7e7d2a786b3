import { Fault } from '../base/error.ts';
import type {
  Backend,
  Batch,
  Capture,
  CommitResult,
  ListedKey,
  ListOptions,
  RangeGuard,
  StoredRecord,
  StoredValue,
} from './backend.ts';
import { checkBatch, checkKey, checkRange, compareKeys } from './key.ts';
import { OrderedKeys } from './ordered-keys.ts';

/** What a memory backend keeps; it outlives the backend, as a disk outlives the process. */
export class MemoryMedium {
  readonly entries = new Map<string, StoredValue>();
  readonly keys = new OrderedKeys();
  sequence = 0;
  epoch = 0;

  /** A medium with the same content that goes its own way from here. */
  clone(): MemoryMedium {
    const copy = new MemoryMedium();
    for (const [key, entry] of this.entries) {
      copy.entries.set(key, { value: entry.value.slice(), version: entry.version });
      copy.keys.add(key);
    }
    copy.sequence = this.sequence;
    copy.epoch = this.epoch;
    return copy;
  }
}

/**
 * A backend in this process's memory, for tests and throw-away stores. Backends over one medium see the same content,
 * as two owners of one disk would; a new backend over the medium of a dropped one is a restart.
 */
export function createMemoryBackend(medium: MemoryMedium = new MemoryMedium()): Backend {
  return new MemoryBackend(medium);
}

class MemoryBackend implements Backend {
  readonly #medium: MemoryMedium;
  #closed = false;

  constructor(medium: MemoryMedium) {
    this.#medium = medium;
  }

  // Each method is async for its promise: an error rejects, it is never thrown at the caller. Values are copied both
  // ways, so that nobody who wipes or reuses a buffer reaches into the store.

  async get(key: string): Promise<StoredValue | null> {
    this.#checkOpen();
    checkKey(key);
    const entry = this.#medium.entries.get(key);
    return entry === undefined ? null : { value: entry.value.slice(), version: entry.version };
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListedKey[]> {
    this.#checkOpen();
    const { after = null, limit = Infinity } = options;
    checkRange(prefix, after);
    const listed: ListedKey[] = [];
    if (limit <= 0) return listed;
    for (const key of this.#medium.keys.below(prefix, after)) {
      const entry = this.#medium.entries.get(key);
      if (entry === undefined) continue;
      listed.push({ key, version: entry.version, value: options.values === true ? entry.value.slice() : null });
      if (listed.length >= limit) break;
    }
    return listed;
  }

  async commit(batch: Batch): Promise<CommitResult> {
    this.#checkOpen();
    checkBatch(batch);
    const medium = this.#medium;
    if (batch.epoch !== medium.epoch) {
      throw new Fault('store-fenced', `this process owned the store in epoch ${batch.epoch}; it is now in ${medium.epoch}`);
    }
    const conflict = this.#conflictOf(batch);
    if (conflict !== null) return { committed: false, conflict };
    if (batch.put.size === 0 && batch.delete.size === 0) return { committed: true, sequence: medium.sequence };
    const version = ++medium.sequence;
    for (const [key, value] of batch.put) {
      if (!medium.entries.has(key)) medium.keys.add(key);
      medium.entries.set(key, { value: value.slice(), version });
    }
    for (const key of batch.delete) if (medium.entries.delete(key)) medium.keys.delete(key);
    return { committed: true, sequence: version };
  }

  async advanceEpoch(): Promise<number> {
    this.#checkOpen();
    return ++this.#medium.epoch;
  }

  async capture(): Promise<Capture> {
    this.#checkOpen();
    const { entries, keys, sequence } = this.#medium.clone();
    return {
      sequence,
      pages: (async function* () {
        const records: StoredRecord[] = [];
        for (const key of keys.below('', null)) {
          const entry = entries.get(key);
          if (entry !== undefined) records.push({ key, ...entry });
        }
        yield records;
      })(),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #conflictOf(batch: Batch): string | null {
    for (const [key, version] of batch.expect) {
      if ((this.#medium.entries.get(key)?.version ?? null) !== version) return key;
    }
    for (const guard of batch.unchanged) if (!this.#holds(guard)) return guard.prefix;
    return null;
  }

  #holds(guard: RangeGuard): boolean {
    let count = 0;
    let newest = 0;
    for (const key of this.#medium.keys.below(guard.prefix, guard.after)) {
      if (guard.through !== null && compareKeys(key, guard.through) > 0) break;
      count++;
      newest = Math.max(newest, this.#medium.entries.get(key)?.version ?? 0);
    }
    return count === guard.count && newest === guard.newest;
  }

  #checkOpen(): void {
    if (this.#closed) throw new Fault('store-io', 'the store is closed');
  }
}
