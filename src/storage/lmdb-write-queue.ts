import type { RootDatabase } from 'lmdb';
import { Fault } from '../base/error.ts';
import { recordOfState, stateKey, type State } from './lmdb-record.ts';

export interface LmdbWriteQueueParts {
  readonly database: RootDatabase<Uint8Array, Uint8Array>;
  /** Reads it in the transaction that is open. */
  state(): State;
  /** A transaction failed: the medium can't be used any more. Returns what everybody who waits is told. */
  failed(error: unknown): Fault;
}

/** About so many writes go into one LMDB transaction: they are made on the main thread, where others wait to read. */
const writesPerTransaction = 4096;

interface Job {
  readonly writes: number;
  /** Runs inside of the write transaction; what it throws aborts the transaction. Returns how to report success. */
  run(state: State): () => void;
  reject(fault: unknown): void;
}

/** Group commit: jobs that come while a transaction is being synced share the next one. */
export class LmdbWriteQueue {
  readonly #parts: LmdbWriteQueueParts;
  #waiting: Job[] = [];
  #draining: Promise<void> | null = null;

  constructor(parts: LmdbWriteQueueParts) {
    this.#parts = parts;
  }

  /** Queues a job for the next write transaction. Rejects with a `store-fenced` of its own, or with what failed them all. */
  write<T>(writes: number, job: (state: State) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const run = (state: State) => {
        try {
          const result = job(state);
          return () => resolve(result);
        } catch (error) {
          // Thrown by the check, before anything was written: the others in this transaction are not concerned.
          if (error instanceof Fault && error.code === 'store-fenced') return () => reject(error);
          throw error;
        }
      };
      this.#waiting.push({ writes, run, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    while (this.#draining !== null) await this.#draining;
  }

  async #drain(): Promise<void> {
    const { database } = this.#parts;
    while (this.#waiting.length > 0) {
      let group: Job[] = [];
      let reports: (() => void)[] = [];
      try {
        // A child transaction, since lmdb commits what a failed plain one had written up to there.
        await database.childTransaction(() => {
          group = this.#nextGroup();
          const before = this.#parts.state();
          const state = { ...before };
          reports = group.map((job) => job.run(state));
          if (state.sequence === before.sequence && state.epoch === before.epoch) return;
          void database.put(stateKey, recordOfState(state));
        });
      } catch (error) {
        const fault = this.#parts.failed(await commitErrorOf(error));
        for (const job of [...group, ...this.#waiting.splice(0)]) job.reject(fault);
        break;
      }
      for (const report of reports) report();
    }
    this.#draining = null;
  }

  // All that waits when the transaction begins, up to its limit: the longer a sync takes, the more share the next.
  #nextGroup(): Job[] {
    let writes = 0;
    const end = this.#waiting.findIndex((job) => (writes += job.writes) > writesPerTransaction);
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : Math.max(1, end));
  }
}

/**
 * What a failed transaction failed of. lmdb rejects with a stand-in that holds a second promise, and that one ends the
 * process if nobody takes it.
 */
async function commitErrorOf(error: unknown): Promise<unknown> {
  const second = (error as { commitError?: Promise<unknown> } | null)?.commitError;
  if (second === undefined) return error;
  return second.then(
    () => error,
    (cause: unknown) => cause,
  );
}
