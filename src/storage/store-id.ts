import { closeSync, constants, fchmodSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/error.ts';
import { isJsonObject } from '../base/json.ts';
import { syncDirectory } from './directory.ts';

/**
 * The file that says that there is a store and which one. It is written and synced apart from the data and before them,
 * so that a store whose data went away is never taken for a new one.
 */
export interface StoreId {
  /** A UUID. */
  readonly id: string;
  /** False until all that belongs to a new store had been made. */
  readonly complete: boolean;
}

const fileName = 'store.json';
const format = 1;

/** Null where the directory holds no store. Throws Fault `store-format` for a file that this program does not know. */
export function readStoreId(directory: string): StoreId | null {
  const path = join(directory, fileName);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Fault('store-io', `cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  const file = parsed(text);
  if (!isJsonObject(file) || typeof file['format'] !== 'number') throw unknownFormat(path, 'it is damaged');
  if (file['format'] !== format) throw unknownFormat(path, `it has format ${file['format']}, this program knows ${format}`);
  const { id, complete } = file;
  if (typeof id !== 'string' || !/^[0-9a-f-]{36}$/.test(id) || typeof complete !== 'boolean') {
    throw unknownFormat(path, 'it is damaged');
  }
  return { id, complete };
}

/** Writes the file, or replaces it as a whole. Durable when it returns. */
export function writeStoreId(directory: string, store: StoreId): void {
  const path = join(directory, fileName);
  const temporary = `${path}.new`;
  const descriptor = openSync(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    fchmodSync(descriptor, 0o600);
    writeSync(descriptor, `${JSON.stringify({ format, id: store.id, complete: store.complete })}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
  syncDirectory(directory);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unknownFormat(path: string, detail: string): Fault {
  return new Fault('store-format', `cannot use the store of ${path}: ${detail}`, {
    hint: 'use the version of secretctl that made the store, or restore the store directory from a backup',
  });
}
