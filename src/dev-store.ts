import { initializeContent } from './initialize.ts';
import type { Clock } from './base/clock.ts';
import { randomUuid, type Random } from './base/random.ts';
import type { Barrier } from './barrier/barrier.ts';
import type { SealContext } from './seal/seal-type.ts';
import { shamirSeal } from './seal/shamir.ts';
import { initializeStore } from './seal/unseal.ts';
import { createMemoryBackend, MemoryMedium } from './storage/memory.ts';
import { createStore } from './storage/optimistic.ts';
import type { TransactionalStore } from './storage/transaction.ts';

/** A store in memory, as `server -dev` has it: it is initialized, and gone with the process. */
export interface DevStore {
  readonly storeId: string;
  readonly epoch: number;
  readonly store: TransactionalStore;
  readonly context: SealContext;
  /** The one share that opens it, also after `operator seal`. */
  readonly share: string;
  readonly rootToken: string;
}

export async function createDevStore({ clock, random }: { readonly clock: Clock; readonly random: Random }): Promise<DevStore> {
  const storeId = randomUuid(random);
  const backend = createMemoryBackend(new MemoryMedium());
  const epoch = await backend.advanceEpoch();
  const store = createStore(backend, epoch);
  const context: SealContext = { storeId, random, settings: {} };
  const made = await shamirSeal.create(context, { shares: 1, threshold: 1 });
  let rootToken = '';
  const barrier: Barrier = await initializeStore(store, made, { storeId, random, clock }, async (tx, opened) => {
    ({ rootToken } = await initializeContent(tx, opened, { random, clock, sinks: [] }));
  });
  barrier.seal();
  return { storeId, epoch, store, context, share: made.shares[0] ?? '', rootToken };
}
