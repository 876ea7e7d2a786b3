import { createHash } from 'node:crypto';
import type { Clock } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import type { Barrier } from '../../src/barrier/barrier.ts';
import { initializeBarrier, openBarrier } from '../../src/barrier/open-barrier.ts';
import { createMemoryBackend, MemoryMedium } from '../../src/storage/memory.ts';
import { createStore } from '../../src/storage/optimistic.ts';
import type { TransactionalStore } from '../../src/storage/transaction.ts';

/** Bytes that look random and are the same in every run: SHA-256 of seed and counter. */
export function seededRandom(seed: string): Random {
  let counter = 0;
  return {
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at += 32) {
        const block = createHash('sha256').update(`${seed} ${counter++}`).digest();
        bytes.set(block.subarray(0, length - at), at);
      }
      return bytes;
    },
  };
}

export const storeId = '3f1f7b0e-6f0a-4a53-9a44-6c1b3c1f2a77';
export const mountId = 'a2c4b6d8-0001-4002-8003-123456789abc';

/** A clock that stands until it is moved. */
export interface StoppedClock extends Clock {
  time: number;
}

export function stoppedClock(time = Date.UTC(2026, 10, 24)): StoppedClock {
  return {
    time,
    now() {
      return this.time;
    },
  };
}

export interface Fixture {
  readonly medium: MemoryMedium;
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly rootKey: Uint8Array;
  readonly random: Random;
  readonly clock: StoppedClock;
  /** Another barrier over the same medium, as another process or a restart has one. */
  reopen(options?: {
    readonly rootKey?: Uint8Array;
    readonly storeId?: string;
    readonly store?: TransactionalStore;
  }): Promise<Barrier>;
}

export async function storeOver(medium: MemoryMedium): Promise<TransactionalStore> {
  const backend = createMemoryBackend(medium);
  return createStore(backend, await backend.advanceEpoch());
}

/** An open barrier over a new memory store, with one mount. */
export async function newBarrier(seed = 'barrier'): Promise<Fixture> {
  const medium = new MemoryMedium();
  const store = await storeOver(medium);
  const random = seededRandom(seed);
  const clock = stoppedClock();
  const rootKey = random.bytes(32);
  await store.transact((tx) => initializeBarrier(tx, { storeId, rootKey, random, clock }));
  const reopen: Fixture['reopen'] = (options = {}) =>
    openBarrier(options.store ?? store, {
      storeId: options.storeId ?? storeId,
      rootKey: options.rootKey ?? rootKey,
      random,
      clock,
    });
  const barrier = await reopen();
  await store.transact((tx) => barrier.createMountKey(tx, mountId));
  return { medium, store, barrier, rootKey, random, clock, reopen };
}

/** The stored bytes at a key, to be looked at or replaced behind the barrier's back. */
export function stored(medium: MemoryMedium, key: string): Uint8Array {
  const entry = medium.entries.get(key);
  if (entry === undefined) throw new Error(`nothing at ${key}`);
  return entry.value;
}

/** Replaces the bytes at a key as a thief with access to the medium would: under a new version. */
export function overwrite(medium: MemoryMedium, key: string, value: Uint8Array): void {
  medium.keys.add(key);
  medium.entries.set(key, { value: value.slice(), version: ++medium.sequence });
}
