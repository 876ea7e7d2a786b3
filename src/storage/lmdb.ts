import { chmodSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RootDatabase, RootDatabaseOptionsWithPath } from 'lmdb';
import { Fault } from '../base/error.ts';
import {
  maxKeyBytes,
  type Backend,
  type Batch,
  type Capture,
  type CommitResult,
  type ListedKey,
  type ListOptions,
  type RangeGuard,
  type StoredValue,
} from './backend.ts';
import { makePrivateDirectory, syncDirectory } from './directory.ts';
import { checkBatch, checkKey, checkRange } from './key.ts';
import { captureLmdb } from './lmdb-capture.ts';
import { checkLmdbFile } from './lmdb-file.ts';
import { recordOf, stateKey, stateOf, valueOf, versionOf, type State } from './lmdb-record.ts';
import { LmdbWriteQueue } from './lmdb-write-queue.ts';
import { storageFault } from './medium-fault.ts';

export interface LmdbOptions {
  readonly directory: string;
  /** True: make a new data file, and refuse one that is there. False: open the one that is there, and never make one. */
  readonly create: boolean;
}

/** The name of the data file inside of a store's directory. */
export const lmdbFileName = 'data.mdb';

/**
 * Opens the LMDB environment of a directory. A commit resolves when its pages and then its meta page are on the medium;
 * commits that come while another is being synced share the next sync. All files are 0600, whatever the umask.
 * Throws Fault `store-exists` (create), `store-missing`, `store-truncated`, `store-format`, `store-full` or `store-io`.
 *
 * LMDB lets several processes write one environment: who opens it must own it (see ownership.ts).
 */
export async function openLmdbBackend(options: LmdbOptions): Promise<Backend> {
  const path = join(options.directory, lmdbFileName);
  if (!options.create) checkLmdbFile(path);
  else if (existsSync(path)) throw new Fault('store-exists', `there is already a data file ${path}`);
  else makePrivateDirectory(options.directory);
  try {
    const database = await openLmdbFile(path);
    if (options.create) syncDirectory(options.directory);
    return new LmdbBackend(path, database);
  } catch (error) {
    throw storageFault(error, 'cannot open', path);
  }
}

/** Opens or makes one data file, with mode 0600. Throws what lmdb throws. */
export async function openLmdbFile(path: string): Promise<RootDatabase<Uint8Array, Uint8Array>> {
  const { open } = await import('lmdb');
  const settings: RootDatabaseOptionsWithPath & { permissionsMode: number } = {
    path,
    noSubdir: true,
    keyEncoding: 'binary',
    encoding: 'binary',
    // With it, a commit would resolve before it is on the medium.
    overlappingSync: false,
    permissionsMode: 0o600,
    // Address space that costs nothing; LMDB grows its map from here.
    mapSize: 64 * 2 ** 20,
    maxDbs: 1,
  };
  const database = open<Uint8Array, Uint8Array>(settings);
  for (const file of [path, `${path}-lock`]) chmodSync(file, 0o600);
  return database;
}

/** Removes the data files of a store that was never completely made. */
export function removeLmdbFiles(directory: string): void {
  for (const name of [lmdbFileName, `${lmdbFileName}-lock`]) rmSync(join(directory, name), { force: true });
}

class LmdbBackend implements Backend {
  readonly #path: string;
  readonly #database: RootDatabase<Uint8Array, Uint8Array>;
  readonly #writes: LmdbWriteQueue;
  #failure: Fault | null = null;
  #closing: Promise<void> | null = null;

  constructor(path: string, database: RootDatabase<Uint8Array, Uint8Array>) {
    this.#path = path;
    this.#database = database;
    this.#writes = new LmdbWriteQueue({
      database,
      state: () => this.#state(),
      failed: (error) => this.#fail(error, 'cannot write'),
    });
  }

  async get(key: string): Promise<StoredValue | null> {
    checkKey(key);
    return this.#reading(() => {
      const record = this.#record(Buffer.from(key));
      return record === null ? null : { value: valueOf(record), version: versionOf(record) };
    });
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListedKey[]> {
    const { after = null, limit = Infinity } = options;
    checkRange(prefix, after);
    return this.#reading(() => {
      const listed: ListedKey[] = [];
      if (limit <= 0) return listed;
      for (const entry of this.#range(prefix, after, limit)) {
        const value = options.values === true ? valueOf(entry.value) : null;
        listed.push({ key: textOf(entry.key), version: versionOf(entry.value), value });
      }
      return listed;
    });
  }

  async commit(batch: Batch): Promise<CommitResult> {
    checkBatch(batch);
    const writes = batch.put.size + batch.delete.size;
    // A mere check of reads needs no write transaction, and no sync.
    if (writes === 0) return this.#reading(() => this.#check(batch, this.#state()));
    return this.#write<CommitResult>(writes, (state) => {
      const checked = this.#check(batch, state);
      if (!checked.committed) return checked;
      const sequence = ++state.sequence;
      for (const [key, value] of batch.put) void this.#database.put(Buffer.from(key), recordOf(sequence, value));
      for (const key of batch.delete) void this.#database.remove(Buffer.from(key));
      return { committed: true, sequence };
    });
  }

  async advanceEpoch(): Promise<number> {
    return this.#write(1, (state) => ++state.epoch);
  }

  async capture(): Promise<Capture> {
    return captureLmdb(this.#database, () => this.#checkUsable());
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#writes.drained();
    await this.#database.close();
  }

  #reading<T>(read: () => T): T {
    this.#checkUsable();
    try {
      // Else a read transaction lasts for the whole turn of the event loop.
      this.#database.resetReadTxn();
      return read();
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw this.#fail(error, 'cannot read');
    }
  }

  async #write<T>(writes: number, job: (state: State) => T): Promise<T> {
    this.#checkUsable();
    return this.#writes.write(writes, job);
  }

  #check(batch: Batch, state: State): CommitResult {
    if (batch.epoch !== state.epoch) {
      throw new Fault('store-fenced', `this process owned the store in epoch ${batch.epoch}; it is now in ${state.epoch}`);
    }
    for (const [key, version] of batch.expect) {
      const record = this.#lent(Buffer.from(key));
      if ((record === null ? null : versionOf(record)) !== version) return { committed: false, conflict: key };
    }
    for (const guard of batch.unchanged) if (!this.#holds(guard)) return { committed: false, conflict: guard.prefix };
    return { committed: true, sequence: state.sequence };
  }

  #holds(guard: RangeGuard): boolean {
    const through = guard.through === null ? null : Buffer.from(guard.through);
    let count = 0;
    let newest = 0;
    for (const { key, value } of this.#range(guard.prefix, guard.after, Infinity)) {
      if (through !== null && Buffer.compare(key, through) > 0) break;
      if (++count > guard.count) return false;
      newest = Math.max(newest, versionOf(value));
    }
    return count === guard.count && newest === guard.newest;
  }

  #state(): State {
    const record = this.#record(stateKey);
    return record === null ? { sequence: 0, epoch: 0 } : stateOf(record);
  }

  /** What is stored, in a buffer that the next read overwrites. */
  #lent(key: Buffer): Uint8Array | null {
    const lent = this.#database.getBinaryFast(key);
    // Only its `length` is that of the record: the bytes behind it are of other ones.
    return lent === undefined ? null : new Uint8Array(lent.buffer, lent.byteOffset, lent.length);
  }

  #record(key: Buffer): Uint8Array | null {
    const lent = this.#lent(key);
    if (lent === null) return null;
    const record = Buffer.allocUnsafe(lent.byteLength);
    record.set(lent);
    return record;
  }

  #range(prefix: string, after: string | null, limit: number): Iterable<{ key: Uint8Array; value: Uint8Array }> {
    // No key is longer than this, so one byte more moves no border, and LMDB takes no key of any length.
    const first = Buffer.from(prefix).subarray(0, maxKeyBytes + 1);
    const behind = after === null ? null : Buffer.from(after).subarray(0, maxKeyBytes + 1);
    const exclusiveStart = behind !== null && Buffer.compare(behind, first) >= 0;
    const start = exclusiveStart ? behind : first.length === 0 ? Buffer.of(0) : first;
    return this.#database.getRange({
      start,
      exclusiveStart,
      end: first.length === 0 ? stateKey : successorOf(first),
      ...(limit === Infinity ? {} : { limit }),
    });
  }

  #checkUsable(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closing !== null) throw new Fault('store-io', 'the store is closed');
  }

  // After a failed sync nobody knows what is on the medium, and a second attempt may report success for what was lost.
  #fail(error: unknown, what: string): Fault {
    this.#failure ??= storageFault(error, what, this.#path);
    return this.#failure;
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString();
}

/** The least key behind all that start with a prefix, which is UTF-8 and so has no byte 0xff. */
function successorOf(prefix: Buffer): Buffer {
  const successor = Buffer.from(prefix);
  const last = successor.length - 1;
  successor[last] = (successor[last] ?? 0) + 1;
  return successor;
}
