import type { Backend, Capture } from './backend.ts';
import type { EmbeddedStore } from './embedded.ts';
import { createStore } from './optimistic.ts';
import type { Transaction, TransactionalStore } from './transaction.ts';

/** The transactions of a store whose data file may be opened anew while a server goes on. */
export class ReopenableStore implements TransactionalStore {
  readonly #embedded: EmbeddedStore;
  #current: { readonly store: TransactionalStore; readonly backend: Backend; readonly epoch: number };

  constructor(embedded: EmbeddedStore) {
    this.#embedded = embedded;
    this.#current = current(embedded);
  }

  /** The epoch under which this process owns the store now. */
  get epoch(): number {
    return this.#current.epoch;
  }

  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#current.store.transact(work);
  }

  read<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#current.store.read(work);
  }

  capture(): Promise<Capture> {
    return this.#current.backend.capture();
  }

  /** The number of the last commit. */
  async sequence(): Promise<number> {
    const nothing = { expect: new Map(), unchanged: [], put: new Map(), delete: new Set<string>() };
    const checked = await this.#current.backend.commit({ ...nothing, epoch: this.epoch });
    return checked.committed ? checked.sequence : 0;
  }

  /** As EmbeddedStore.reopen. Transactions that are under way fail. */
  async reopen(between?: () => void): Promise<void> {
    this.#current = current(await this.#embedded.reopen(between));
  }
}

function current({ backend, epoch }: Pick<EmbeddedStore, 'backend' | 'epoch'>) {
  return { store: createStore(backend, epoch), backend, epoch };
}
