import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { initializeBarrier, openBarrier } from '../../src/barrier/open-barrier.ts';
import type { View } from '../../src/barrier/view.ts';
import { createMemoryBackend } from '../../src/storage/memory.ts';
import { createStore } from '../../src/storage/optimistic.ts';

/** Runs work in a transaction on the core's view of a new store. */
export type WithinCore = <T>(work: (view: View) => Promise<T>) => Promise<T>;

export async function newCoreView(): Promise<WithinCore> {
  const backend = createMemoryBackend();
  const store = createStore(backend, await backend.advanceEpoch());
  const options = { storeId: 'test', rootKey: systemRandom.bytes(32), random: systemRandom, clock: systemClock };
  await store.transact((tx) => initializeBarrier(tx, options));
  const barrier = await openBarrier(store, options);
  return (work) => store.transact((tx) => work(barrier.view(tx, 'core')));
}
