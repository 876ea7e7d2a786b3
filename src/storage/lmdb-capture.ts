import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RootDatabase, Transaction } from 'lmdb';
import type { Capture, StoredRecord } from './backend.ts';
import { stateKey, stateOf, valueOf, versionOf } from './lmdb-record.ts';

/** A page of a capture ends behind so many records or bytes. */
const pageRecords = 512;
const pageBytes = 1024 * 1024;

type Database = RootDatabase<Uint8Array, Uint8Array>;

/**
 * Every record of a database as it is now, while others go on writing: a read transaction of its own lasts until the
 * pages were read, or whoever reads them ends. `checkUsable` is asked before each page and throws where there is no more
 * to read.
 */
export function captureLmdb(database: Database, checkUsable: () => void): Capture {
  checkUsable();
  database.resetReadTxn();
  const transaction = database.useReadTransaction();
  const record = database.get(stateKey, { transaction });
  return {
    sequence: record === undefined ? 0 : stateOf(record).sequence,
    pages: pagesOf(database, transaction, checkUsable),
  };
}

/** Each page is read in one go; between them others have their turn. */
async function* pagesOf(
  database: Database,
  transaction: Transaction,
  checkUsable: () => void,
): AsyncGenerator<readonly StoredRecord[]> {
  try {
    let after: Buffer | null = null;
    for (;;) {
      checkUsable();
      const page: StoredRecord[] = [];
      let bytes = 0;
      const start: Buffer = after ?? Buffer.of(0);
      for (const { key, value } of database.getRange({ start, exclusiveStart: true, end: stateKey, transaction })) {
        after = Buffer.from(key);
        page.push({ key: after.toString(), version: versionOf(value), value: valueOf(value).slice() });
        bytes += value.byteLength;
        if (page.length >= pageRecords || bytes >= pageBytes) break;
      }
      if (page.length === 0) return;
      yield page;
      await nextTurn();
    }
  } finally {
    transaction.done();
  }
}
