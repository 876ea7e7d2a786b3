import { assemble, type System } from '../src/assemble.ts';
import type { JsonObject } from '../src/base/json.ts';
import { systemRandom, type Random } from '../src/base/random.ts';
import { initializeContent } from '../src/initialize.ts';
import type { Reply } from '../src/protocol/reply.ts';
import { RequestError } from '../src/protocol/request-error.ts';
import type { Operation, Remote } from '../src/protocol/request.ts';
import type { Barrier } from '../src/barrier/barrier.ts';
import { initializeBarrier, openBarrier } from '../src/barrier/open-barrier.ts';
import { createMemoryBackend, MemoryMedium } from '../src/storage/memory.ts';
import { createStore } from '../src/storage/optimistic.ts';
import type { TransactionalStore } from '../src/storage/transaction.ts';
import { MemorySink } from './memory-sink.ts';

/** A whole system on a memory store with a clock that tests move: everything but the edges is real. */
export interface World {
  readonly storeId: string;
  readonly rootToken: string;
  /** The age public key of the store. */
  readonly recipient: string;
  /** Milliseconds since the epoch; tests move it. */
  readonly clock: { time: number; now(): number };
  readonly sink: MemorySink;
  readonly medium: MemoryMedium;
  store: TransactionalStore;
  barrier: Barrier;
  system: System;
  /** Sends a request with the root token unless another is given (null: none). Throws RequestError. */
  send(operation: Operation, path: string, data?: JsonObject, token?: string | null, remote?: Remote | null): Promise<Reply>;
  read(path: string, data?: JsonObject, token?: string | null): Promise<Reply>;
  list(path: string, data?: JsonObject, token?: string | null): Promise<Reply>;
  write(path: string, data?: JsonObject, token?: string | null): Promise<Reply>;
  patch(path: string, data?: JsonObject, token?: string | null): Promise<Reply>;
  delete(path: string, data?: JsonObject, token?: string | null): Promise<Reply>;
  /** The status of a request that is refused; the status of the reply where it is not. */
  status(operation: Operation, path: string, data?: JsonObject, token?: string | null): Promise<number>;
  /** Ends without an orderly close, as SIGKILL does, and starts again on the same store and log. */
  crash(): Promise<void>;
}

export async function world(options: { readonly random?: Random; readonly time?: number } = {}): Promise<World> {
  const random = options.random ?? systemRandom;
  const storeId = '3b7ee1f2-6c19-4d3a-9d5e-0a1b2c3d4e5f';
  const clock = {
    time: options.time ?? Date.UTC(2026, 0, 1),
    now(): number {
      return this.time;
    },
  };
  const medium = new MemoryMedium();
  const sink = new MemorySink(storeId);
  const rootKey = random.bytes(32);
  const start = async () => {
    const backend = createMemoryBackend(medium);
    const epoch = await backend.advanceEpoch();
    const store = createStore(backend, epoch);
    return { store, epoch };
  };
  const up = async ({ store, epoch }: { store: TransactionalStore; epoch: number }) => {
    const barrier = await openBarrier(store, { storeId, rootKey, random, clock });
    return { store, barrier, system: await assemble({ storeId, epoch, store, barrier, clock, random, sinks: [sink] }) };
  };
  const first = await start();
  await first.store.transact((tx) => initializeBarrier(tx, { storeId, rootKey, random, clock }));
  const opening = await openBarrier(first.store, { storeId, rootKey, random, clock });
  const secrets = await first.store.transact((tx) =>
    initializeContent(tx, opening, { random, clock, sinks: [{ name: sink.name, type: sink.type }] }),
  );
  const self: World = {
    storeId,
    ...secrets,
    clock,
    sink,
    medium,
    ...(await up(first)),
    send: (operation, path, data = {}, token = secrets.rootToken, remote = null) =>
      self.system.handle({ operation, path, data, token, remote, wrapTtl: null }),
    read: (path, data, token) => self.send('read', path, data, token),
    list: (path, data, token) => self.send('list', path, data, token),
    write: (path, data, token) => self.send('write', path, data, token),
    patch: (path, data, token) => self.send('patch', path, data, token),
    delete: (path, data, token) => self.send('delete', path, data, token),
    async status(operation, path, data, token) {
      try {
        return (await self.send(operation, path, data, token)).status ?? 200;
      } catch (error) {
        if (error instanceof RequestError) return error.status;
        throw error;
      }
    },
    async crash() {
      Object.assign(self, await up(await start()));
    },
  };
  return self;
}
