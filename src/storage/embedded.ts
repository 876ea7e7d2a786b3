import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import { randomUuid, type Random } from '../base/random.ts';
import type { Backend } from './backend.ts';
import { makePrivateDirectory, syncDirectory } from './directory.ts';
import { lmdbFileName, openLmdbBackend, removeLmdbFiles } from './lmdb.ts';
import { storageFault } from './medium-fault.ts';
import { takeOwnership, type Ownership } from './ownership.ts';
import { readStoreId, writeStoreId } from './store-id.ts';

export interface EmbeddedOptions {
  /** What this process is doing, for whoever finds the store locked: `secretctl apply`. Without secrets. */
  readonly command: string;
  /** How long to wait for another owner of the store to end, in milliseconds; 0 unless told. */
  readonly lockTimeout?: number;
  readonly clock: Clock;
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

/** A store on this machine that this process owns until it closes it or ends. */
export interface EmbeddedStore {
  readonly backend: Backend;
  /** The epoch of this ownership, for every commit. */
  readonly epoch: number;
  /** A UUID that the store has had since it was made. */
  readonly storeId: string;
  /**
   * Closes the data file and opens it anew, checked as at the start and under a new epoch, while this process goes on
   * owning the store: after the medium failed, or with another file that `between` puts in its place. Throws as
   * `openEmbeddedStore`; it may be called again then.
   */
  reopen(between?: () => void): Promise<Pick<EmbeddedStore, 'backend' | 'epoch'>>;
  /** Waits for what is under way, closes the data file and lets the next owner in. Idempotent. */
  close(): Promise<void>;
}

export interface CreateOptions extends EmbeddedOptions {
  readonly random: Random;
  /** Writes what belongs to the store from the start, beside it too. Only when it has resolved is the store made. */
  readonly fill?: (store: Opened) => Promise<void>;
}

/**
 * Makes a new store in a directory (made when missing, 0700). Throws Fault `store-exists` where there is one,
 * `store-locked` where another process makes one just now, `store-full`, `store-io`, and what `fill` throws. A store
 * whose making was cut short is made again under its id, so `fill` may find what an earlier one left beside it.
 */
export async function createEmbeddedStore(directory: string, options: CreateOptions): Promise<EmbeddedStore> {
  return withFaults(directory, async () => {
    makePrivateDirectory(directory);
    return owned(directory, options, async () => {
      const found = readStoreId(directory);
      if (found?.complete === true) throw existing(directory, 'there is already a store');
      if (found === null && existsSync(join(directory, lmdbFileName)))
        throw existing(directory, 'there is a data file without its store.json');
      const id = found?.id ?? randomUuid(options.random);
      writeStoreId(directory, { id, complete: false });
      syncDirectory(dirname(directory));
      // Nobody was ever told that anything is in them.
      removeLmdbFiles(directory);
      const opened = { ...(await underNewEpoch(await openLmdbBackend({ directory, create: true }))), storeId: id };
      try {
        await options.fill?.(opened);
        writeStoreId(directory, { id, complete: true });
      } catch (error) {
        await opened.backend.close();
        throw error;
      }
      return opened;
    });
  });
}

/**
 * Opens the store of a directory: takes the lock, then checks what it is, then whether its data are whole, and only then
 * maps them. Never makes a store. Throws Fault `store-missing`, `store-locked`, `store-format`, `store-truncated`,
 * `store-full` or `store-io`.
 */
export async function openEmbeddedStore(directory: string, options: EmbeddedOptions): Promise<EmbeddedStore> {
  return withFaults(directory, async () => {
    if (!existsSync(directory)) throw missing(directory, 'there is no such directory');
    return owned(directory, options, async () => {
      const found = readStoreId(directory);
      const data = join(directory, lmdbFileName);
      if (found === null && existsSync(data)) {
        throw new Fault('store-format', `the store in ${directory} has lost its file store.json`, {
          hint: 'restore store.json, or the whole directory, from a backup',
        });
      }
      if (found === null) throw missing(directory, 'it holds none');
      if (!found.complete) throw missing(directory, 'its making was cut short');
      if ((statSync(data, { throwIfNoEntry: false })?.size ?? 0) === 0) {
        throw new Fault(
          'store-truncated',
          `the store ${found.id} in ${directory} has lost its data: ${data} is missing or empty`,
          {
            hint: 'restore the store directory from a backup; nothing in it was changed',
          },
        );
      }
      makePrivateDirectory(directory);
      return { ...(await underNewEpoch(await openLmdbBackend({ directory, create: false }))), storeId: found.id };
    });
  });
}

type Opened = Pick<EmbeddedStore, 'backend' | 'epoch' | 'storeId'>;

async function owned(directory: string, options: EmbeddedOptions, open: () => Promise<Opened>): Promise<EmbeddedStore> {
  const ownership = await takeOwnership(join(directory, 'owner.lock'), {
    command: options.command,
    lockTimeout: options.lockTimeout ?? 0,
    clock: options.clock,
    sleep: options.sleep ?? ((milliseconds) => sleepFor(milliseconds)),
  });
  try {
    const opened = await open();
    let { backend } = opened;
    return {
      ...opened,
      async reopen(between) {
        // What failed once may fail to close as well.
        await backend.close().catch(() => undefined);
        between?.();
        const again = await underNewEpoch(await openLmdbBackend({ directory, create: false }));
        backend = again.backend;
        return again;
      },
      close: once(() => closeBoth(backend, ownership)),
    };
  } catch (error) {
    ownership.release();
    throw error;
  }
}

async function underNewEpoch(backend: Backend): Promise<{ backend: Backend; epoch: number }> {
  try {
    return { backend, epoch: await backend.advanceEpoch() };
  } catch (error) {
    await backend.close();
    throw error;
  }
}

async function closeBoth(backend: Backend, ownership: Ownership): Promise<void> {
  try {
    await backend.close();
  } finally {
    ownership.release();
  }
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= action());
}

async function withFaults<T>(directory: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw storageFault(error, 'cannot use the store in', directory);
  }
}

function existing(directory: string, detail: string): Fault {
  return new Fault('store-exists', `cannot make a store in ${directory}: ${detail}`, {
    hint: 'choose another directory, or use the store that is there',
  });
}

function missing(directory: string, detail: string): Fault {
  return new Fault('store-missing', `there is no store in ${directory}: ${detail}`, {
    hint: 'make one with "secretctl init", or say which one with -store',
  });
}
