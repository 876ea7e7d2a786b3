import { wipe } from '../base/bytes.ts';

// What an entry costs besides its bytes: key, map slot, objects. An estimate.
const entryOverhead = 200;

/**
 * Opened records by key and version, least recently used first out, bounded in bytes. A version is never reused, so
 * an entry is right for ever for whoever sees that version. It owns its bytes and wipes them when they leave.
 */
export class RecordCache {
  readonly #limit: number;
  readonly #entries = new Map<string, { readonly version: number; readonly value: Uint8Array }>();
  #size = 0;

  /** At most `limit` bytes in all; a single record takes an eighth of that at most. 0: nothing is kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The bytes, not to be changed nor kept beyond the current synchronous step; null where they are not here. */
  get(key: string, version: number): Uint8Array | null {
    const entry = this.#entries.get(key);
    if (entry?.version !== version) return null;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Keeps a copy. */
  set(key: string, version: number, value: Uint8Array): void {
    if (cost(key, value) > this.#limit / 8 || version < (this.#entries.get(key)?.version ?? 0)) return;
    this.delete(key);
    this.#entries.set(key, { version, value: new Uint8Array(value) });
    this.#size += cost(key, value);
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#limit) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#size -= cost(key, entry.value);
    wipe(entry.value);
  }

  deleteAll(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.delete(key);
  }
}

function cost(key: string, value: Uint8Array): number {
  return entryOverhead + key.length + value.byteLength;
}
