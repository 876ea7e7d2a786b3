import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { Fault } from '../base/error.ts';
import type { StoredRecord } from './backend.ts';
import { syncDirectory } from './directory.ts';
import { lmdbFileName, openLmdbFile } from './lmdb.ts';
import { recordOf, recordOfState, stateKey } from './lmdb-record.ts';
import type { ReadSnapshot, SnapshotHeader } from './snapshot.ts';

const stagedName = 'restoring.mdb';
const replacedName = 'replaced.mdb';
const recordsPerTransaction = 2048;

/** A data file that was written beside the one in use, whole and checked, and takes its place with `activate`. */
export interface StagedRestore {
  /** What the snapshot says of itself. */
  readonly header: SnapshotHeader;
  readonly records: number;
  /**
   * Puts the file in the place of the present one, which is kept as `replaced.mdb`. The store must be closed, and owned
   * by this process. After a crash at any moment either the old or the new file is in place.
   */
  activate(): void;
  discard(): void;
}

/**
 * Writes the records of a snapshot into a new data file in the directory of a store. `epoch` and `sequence` are
 * the newest of the store that it replaces: no writer from before is taken for the owner, no version is used again. Throws Fault `snapshot` where the
 * snapshot is damaged or of another store; nothing is left of it then.
 */
export async function stageRestore(
  directory: string,
  snapshot: ReadSnapshot,
  store: { readonly storeId: string; readonly epoch: number; readonly sequence: number },
): Promise<StagedRestore> {
  if (snapshot.header.storeId !== store.storeId) {
    throw new Fault(
      'snapshot',
      `this is a snapshot of the store ${snapshot.header.storeId}, and this store is ${store.storeId}`,
      {
        hint: 'Restore it into its own store, or into an empty directory with the settings of that store.',
      },
    );
  }
  const staged = join(directory, stagedName);
  const discard = (): void => {
    for (const path of [staged, `${staged}-lock`]) rmSync(path, { force: true });
  };
  discard();
  try {
    const database = await openLmdbFile(staged);
    let records = 0;
    try {
      let page: StoredRecord[] = [];
      for await (const record of snapshot.records) {
        page.push(record);
        if (page.length < recordsPerTransaction) continue;
        await write(database, page);
        records += page.length;
        page = [];
      }
      await write(database, page);
      records += page.length;
      await database.put(
        stateKey,
        recordOfState({ sequence: Math.max(snapshot.header.sequence, store.sequence), epoch: store.epoch }),
      );
    } finally {
      await database.close();
    }
    syncFile(staged);
    return {
      header: snapshot.header,
      records,
      discard,
      activate() {
        const present = join(directory, lmdbFileName);
        const replaced = join(directory, replacedName);
        rmSync(replaced, { force: true });
        if (existsSync(present)) linkSync(present, replaced);
        renameSync(staged, present);
        for (const lock of [`${staged}-lock`, `${present}-lock`]) rmSync(lock, { force: true });
        syncDirectory(directory);
      },
    };
  } catch (error) {
    discard();
    throw error;
  }
}

async function write(database: RootDatabase<Uint8Array, Uint8Array>, page: readonly StoredRecord[]): Promise<void> {
  await database.transaction(() => {
    for (const { key, version, value } of page) void database.put(Buffer.from(key), recordOf(version, value));
  });
}

function syncFile(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
