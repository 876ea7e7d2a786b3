import type { Backend, CommitResult, ListedKey, ListOptions, RangeGuard, StoredValue } from './backend.ts';
import { checkKey, compareKeys } from './key.ts';
import { OrderedKeys } from './ordered-keys.ts';
import { pendingVersion, type Transaction, type TransactionalStore } from './transaction.ts';
import { WriterTurns } from './writer-turns.ts';

const patience = 3;

/**
 * Optimistic transactions over a backend, under the epoch in which this process owns it. A transaction function must
 * not wait for another transaction of the same store: in its turn as the only writer it would wait for itself.
 */
export function createStore(backend: Backend, epoch: number): TransactionalStore {
  return new OptimisticStore(backend, epoch);
}

class OptimisticStore implements TransactionalStore {
  readonly #backend: Backend;
  readonly #epoch: number;
  readonly #turns = new WriterTurns();

  constructor(backend: Backend, epoch: number) {
    this.#backend = backend;
    this.#epoch = epoch;
  }

  async transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let conflicts = 0; conflicts < patience; conflicts++) {
      const attempt = await this.#attempt(work, (commit) => this.#turns.share(commit));
      if (attempt.settled) return attempt.result();
    }
    return this.#turns.alone(async () => {
      for (;;) {
        // Nobody else in this process commits now, so a conflict can only come from outside of it.
        const attempt = await this.#attempt(work, (commit) => commit());
        if (attempt.settled) return attempt.result();
      }
    });
  }

  async read<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 0; attempt < patience; attempt++) {
      const tx = new RecordingTransaction(this.#backend);
      try {
        return await work(new ReadOnlyTransaction(tx));
      } catch (error) {
        // What seems lost or damaged may have been changed between two reads.
        if ((await this.#backend.commit(tx.end(this.#epoch))).committed) throw error;
      }
    }
    return this.transact((tx) => work(new ReadOnlyTransaction(tx)));
  }

  async #attempt<T>(
    work: (tx: Transaction) => Promise<T>,
    inTurn: (commit: () => Promise<CommitResult>) => Promise<CommitResult>,
  ): Promise<Attempt<T>> {
    const tx = new RecordingTransaction(this.#backend);
    let result: () => T;
    try {
      const value = await work(tx);
      result = () => value;
    } catch (error) {
      tx.dropWrites();
      result = () => {
        throw error;
      };
    }
    const outcome = await inTurn(() => this.#backend.commit(tx.end(this.#epoch)));
    if (!outcome.committed) return { settled: false };
    for (const action of tx.actions) action(outcome.sequence);
    return { settled: true, result };
  }
}

type Attempt<T> = { readonly settled: false } | { readonly settled: true; readonly result: () => T };

class ReadOnlyTransaction implements Transaction {
  readonly #tx: Transaction;

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  get(key: string): Promise<StoredValue | null> {
    return this.#tx.get(key);
  }

  list(prefix: string, options?: ListOptions): Promise<ListedKey[]> {
    return this.#tx.list(prefix, options);
  }

  put(key: string): void {
    throw new TypeError(`a read-only transaction does not write: ${key}`);
  }

  delete(key: string): void {
    this.put(key);
  }

  onCommit(): void {
    // It never commits.
  }
}

class RecordingTransaction implements Transaction {
  actions: ((sequence: number) => void)[] = [];
  readonly #backend: Backend;
  readonly #seen = new Map<string, number | null>();
  /** What was read twice and so will be again: keys of the barrier, records that a check and a change both read. */
  readonly #again = new Map<string, StoredValue>();
  readonly #guards = new Map<string, RangeGuard>();
  /** Null: deleted here. */
  #writes = new Map<string, Uint8Array | null>();
  #written = new OrderedKeys();
  #over = false;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async get(key: string): Promise<StoredValue | null> {
    const own = this.#writes.get(key);
    if (own !== undefined) return own === null ? null : { value: own, version: pendingVersion };
    const again = this.#again.get(key);
    if (again !== undefined) return again;
    const stored = await this.#backend.get(key);
    // The first sight counts: where a second one differs, the commit must fail.
    if (!this.#seen.has(key)) this.#seen.set(key, stored?.version ?? null);
    else if (stored !== null) this.#again.set(key, stored);
    return stored;
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListedKey[]> {
    const limit = options.limit ?? Infinity;
    const listed: ListedKey[] = [];
    let after = options.after ?? null;
    while (listed.length < limit) {
      const wanted = limit - listed.length;
      const page = await this.#backend.list(prefix, {
        ...(after === null ? {} : { after }),
        ...(wanted === Infinity ? {} : { limit: wanted }),
        values: options.values ?? false,
      });
      const through = page.length < wanted ? null : (page.at(-1)?.key ?? null);
      this.#guard(prefix, after, through, page);
      for (const entry of this.#merged(page, prefix, after, through, options.values ?? false)) {
        listed.push(entry);
        if (listed.length >= limit) break;
      }
      if (through === null) break;
      after = through;
    }
    return listed;
  }

  put(key: string, value: Uint8Array): void {
    checkKey(key);
    this.#write(key, value);
  }

  delete(key: string): void {
    checkKey(key);
    this.#write(key, null);
  }

  onCommit(action: (sequence: number) => void): void {
    this.actions.push(action);
  }

  /** Leaves only the reads, for the question whether they were still true. */
  dropWrites(): void {
    this.#writes = new Map();
    this.#written = new OrderedKeys();
    this.actions = [];
  }

  /** Takes no more writes and returns what to commit. */
  end(epoch: number) {
    this.#over = true;
    const put = new Map<string, Uint8Array>();
    const deleted = new Set<string>();
    for (const [key, value] of this.#writes) {
      if (value === null) deleted.add(key);
      else put.set(key, value);
    }
    return { epoch, expect: this.#seen, unchanged: [...this.#guards.values()], put, delete: deleted };
  }

  #write(key: string, value: Uint8Array | null): void {
    if (this.#over) throw new TypeError(`a transaction that is over does not write: ${key}`);
    if (!this.#writes.has(key)) this.#written.add(key);
    this.#writes.set(key, value);
  }

  #guard(prefix: string, after: string | null, through: string | null, page: readonly ListedKey[]): void {
    const range = JSON.stringify([prefix, after, through]);
    if (this.#guards.has(range)) return;
    let newest = 0;
    for (const entry of page) newest = Math.max(newest, entry.version);
    this.#guards.set(range, { prefix, after, through, count: page.length, newest });
  }

  /** A page of the backend with this transaction's writes between `after` and `through` in their places. */
  *#merged(
    page: readonly ListedKey[],
    prefix: string,
    after: string | null,
    through: string | null,
    values: boolean,
  ): Generator<ListedKey, void, undefined> {
    let next = 0;
    for (const key of this.#written.below(prefix, after)) {
      if (through !== null && compareKeys(key, through) > 0) break;
      for (; next < page.length; next++) {
        const entry = page[next];
        if (entry === undefined || compareKeys(entry.key, key) >= 0) break;
        yield entry;
      }
      if (page[next]?.key === key) next++;
      const own = this.#writes.get(key) ?? null;
      if (own !== null) yield { key, version: pendingVersion, value: values ? own : null };
    }
    for (; next < page.length; next++) {
      const entry = page[next];
      if (entry !== undefined) yield entry;
    }
  }
}
