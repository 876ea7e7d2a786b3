import { assemble, type System } from '../src/assemble.ts';
import type { JsonObject } from '../src/base/json.ts';
import { systemRandom, type Random } from '../src/base/random.ts';
import { SteadyClock, type MachineTime } from '../src/base/steady-clock.ts';
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
  readonly clock: { time: number; now(): number; readonly ahead: number };
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
  /** Ends in order, and starts again; between the two, what a test does. */
  restart(meanwhile: () => void): Promise<void>;
}

interface WorldOptions {
  readonly random?: Random;
  readonly time?: number;
  /** Whose time it is in place of `World.clock`: each process has a steady clock of its own. */
  readonly machine?: MachineTime;
}

export async function world(options: WorldOptions = {}): Promise<World> {
  const random = options.random ?? systemRandom;
  const storeId = '3b7ee1f2-6c19-4d3a-9d5e-0a1b2c3d4e5f';
  let steady = options.machine === undefined ? undefined : new SteadyClock(options.machine);
  const clock = {
    time: options.time ?? Date.UTC(2026, 0, 1),
    now(): number {
      return steady?.now() ?? this.time;
    },
    get ahead(): number {
      return steady?.ahead ?? 0;
    },
  };
  const medium = new MemoryMedium();
  const sink = new MemorySink(storeId);
  const rootKey = random.bytes(32);
  const start = async () => {
    if (options.machine !== undefined) steady = new SteadyClock(options.machine);
    const backend = createMemoryBackend(medium);
    const epoch = await backend.advanceEpoch();
    const store = createStore(backend, epoch);
    return { store, epoch };
  };
  const up = async ({ store, epoch }: { store: TransactionalStore; epoch: number }) => {
    const barrier = await openBarrier(store, { storeId, rootKey, random, clock });
    const parts = { storeId, epoch, store, barrier, clock, random, sinks: [sink] };
    return { store, barrier, system: await assemble(steady === undefined ? parts : { ...parts, steady }) };
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
    async restart(meanwhile) {
      await self.system.close();
      meanwhile();
      await self.crash();
    },
  };
  return self;
}
