/**
 * What keeps the bytes. Every engine underneath (memory, LMDB, later PostgreSQL and others) offers this one primitive:
 * a conditional batch. A key is 1 to 1,024 bytes of UTF-8; keys are ordered by those bytes. Values are opaque.
 */
export interface Backend {
  /** The stored value, or null where there is none. Throws Fault `store-io` when the medium fails. */
  get(key: string): Promise<StoredValue | null>;

  /** The keys that start with `prefix`, in byte order. Returns fewer than `limit` only at the end. */
  list(prefix: string, options?: ListOptions): Promise<ListedKey[]>;

  /**
   * Commits all of a batch or nothing. Resolves when the outcome is durable. A condition that does not hold gives
   * `{ committed: false, conflict }`, naming the key or prefix; that is the caller's cue to read again, not an error.
   * A batch without writes only checks its conditions; its sequence is that of the last commit.
   * Throws Fault `store-fenced` where `epoch` is not the store's newest, `store-full` and `store-io` when the
   * medium fails; after these two the backend refuses every further call, and after `store-io` the outcome is unknown.
   */
  commit(batch: Batch): Promise<CommitResult>;

  /** Makes every earlier epoch stale and returns the new one. Durable when resolved. */
  advanceEpoch(): Promise<number>;

  /**
   * Every record at one moment, in byte order of the keys, while others go on reading and writing. `sequence` is that
   * of the last commit it holds. Whoever takes it reads it to the end or returns from it: until then the medium keeps
   * what was replaced since. Throws Fault `store-io`.
   */
  capture(): Promise<Capture>;

  /** Waits for what is under way and frees the medium. Idempotent. */
  close(): Promise<void>;
}

export interface Capture {
  readonly sequence: number;
  /** Pages of records. */
  readonly pages: AsyncIterable<readonly StoredRecord[]>;
}

export interface StoredRecord extends StoredValue {
  readonly key: string;
}

export interface StoredValue {
  readonly value: Uint8Array;
  /** The sequence of the commit that wrote it: never reused, also not after delete and create. */
  readonly version: number;
}

export interface ListOptions {
  /** Only keys that are greater than this one (a whole key, not a suffix). */
  readonly after?: string;
  /** At most this many; unlimited unless told. */
  readonly limit?: number;
  /** Also return the values. */
  readonly values?: boolean;
}

export interface ListedKey {
  readonly key: string;
  readonly version: number;
  /** Null unless `values` was asked for. */
  readonly value: Uint8Array | null;
}

/** A condition on what a list saw, so that a commit notices a key which appeared or went away (a phantom). */
export interface RangeGuard {
  readonly prefix: string;
  /** The range starts behind this key; null: at the first key with the prefix. */
  readonly after: string | null;
  /** The last key of the range; null: to the end of the prefix. */
  readonly through: string | null;
  /** How many keys the range held … */
  readonly count: number;
  /** … and the greatest of their versions (0 for none): any change moves one of the two. */
  readonly newest: number;
}

export interface Batch {
  readonly epoch: number;
  /** Keys that must still have this version; null: must be absent. */
  readonly expect: ReadonlyMap<string, number | null>;
  readonly unchanged: readonly RangeGuard[];
  readonly put: ReadonlyMap<string, Uint8Array>;
  /** Deleting an absent key is no error. Disjoint from `put`. */
  readonly delete: ReadonlySet<string>;
}

export type CommitResult =
  { readonly committed: true; readonly sequence: number } | { readonly committed: false; readonly conflict: string };

export const maxKeyBytes = 1024;
