import type { Backend } from '../../src/storage/backend.ts';
import { createMemoryBackend, type MemoryMedium } from '../../src/storage/memory.ts';
import { createStore } from '../../src/storage/optimistic.ts';
import type { TransactionalStore } from '../../src/storage/transaction.ts';

/** A process that dies at its nth commit: just before it, or when it is durable but nobody was told. */
export interface CrashPoint {
  readonly commit: number;
  readonly when: 'before' | 'after';
}

export class Crash extends Error {}

/** A store over the medium that dies at the point; from then on every call fails. */
export async function crashingStore(medium: MemoryMedium, point: CrashPoint): Promise<TransactionalStore> {
  const backend = createMemoryBackend(medium);
  const epoch = await backend.advanceEpoch();
  let commits = 0;
  let dead = false;
  const alive = () => {
    if (dead) throw new Crash('the process is gone');
  };
  const dying: Backend = {
    async get(key) {
      alive();
      return await backend.get(key);
    },
    async list(prefix, options) {
      alive();
      return await backend.list(prefix, options);
    },
    async commit(batch) {
      alive();
      commits += 1;
      dead = commits === point.commit;
      if (dead && point.when === 'before') alive();
      const result = await backend.commit(batch);
      alive();
      return result;
    },
    capture: () => backend.capture(),
    advanceEpoch: () => backend.advanceEpoch(),
    close: () => backend.close(),
  };
  return createStore(dying, epoch);
}

/** Runs `work` with a store that dies at each point in turn, until it outlives all of its commits. `check` looks at what is left. */
export async function atEachCommit(
  start: () => Promise<MemoryMedium>,
  work: (store: TransactionalStore) => Promise<unknown>,
  check: (medium: MemoryMedium, point: CrashPoint) => Promise<void>,
): Promise<number> {
  for (let commit = 1; ; commit++) {
    for (const when of ['before', 'after'] as const) {
      const medium = await start();
      const point: CrashPoint = { commit, when };
      try {
        await work(await crashingStore(medium, point));
        return commit - 1;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
      }
      await check(medium, point);
    }
  }
}
