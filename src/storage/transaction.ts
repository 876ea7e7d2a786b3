import type { ListedKey, ListOptions, StoredValue } from './backend.ts';

/**
 * An optimistic transaction over a backend. Reads are remembered with their versions, writes are buffered and seen by
 * later reads of the same transaction; nothing reaches the backend before the commit. A transaction function may run
 * more than once, so it has no external effect and keeps nothing outside of its result.
 */
export interface Transaction {
  get(key: string): Promise<StoredValue | null>;
  /** As Backend.list, with the buffered writes merged in. A buffered write has version `pendingVersion`. */
  list(prefix: string, options?: ListOptions): Promise<ListedKey[]>;
  /** The bytes are handed over: they must not be changed afterwards. Throws as `checkKey` (see key.ts). */
  put(key: string, value: Uint8Array): void;
  delete(key: string): void;
  /** Runs once after this transaction has committed, never when it did not (cache updates, wake-ups). */
  onCommit(action: (sequence: number) => void): void;
}

/** The version of a value that this transaction has written itself. */
export const pendingVersion = -1;

/** Runs transaction functions against one backend under one epoch. */
export interface TransactionalStore {
  /**
   * Runs `work` and commits what it wrote. A conflict runs it again; after three conflicts it waits its turn in a
   * queue of writers, so that it ends. When `work` throws, nothing is written and the error is passed on
   * (but if what it read was stale, it runs again first). Throws what Backend.commit throws.
   */
  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Runs `work` without the right to write (put and delete throw). Its reads are only checked where it throws: an error
   * that rests on stale reads is not passed on, `work` runs again. What it returns may be of several moments.
   */
  read<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}
