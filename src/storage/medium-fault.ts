import { statfsSync } from 'node:fs';
import { constants } from 'node:os';
import { Fault } from '../base/error.ts';

const { ENOSPC, EDQUOT, EFBIG, EIO, EACCES, EPERM, EROFS } = constants.errno;
// Of LMDB: MDB_MAP_FULL, MDB_INVALID, MDB_VERSION_MISMATCH.
const mapFull = -30792;
const foreignFile = [-30793, -30794];
const almostNothing = 2 ** 20;

/**
 * The Fault of an error that the operating system or LMDB gave while it used `path`: `store-full`, `store-format` or
 * `store-io`.
 */
export function storageFault(error: unknown, what: string, path: string): Fault {
  if (error instanceof Fault) return error;
  const { code, message } = error as { code?: unknown; message?: unknown };
  const number = typeof code === 'number' ? code : (constants.errno[code as keyof typeof constants.errno] ?? 0);
  const text = `${what} ${path}: ${String(message)}`;
  if ([ENOSPC, EDQUOT, EFBIG, mapFull].includes(number) || (number === EIO && isFull(path))) {
    return new Fault('store-full', text, {
      cause: error,
      hint: 'make room on its disk and start again; all that was acknowledged is there',
    });
  }
  if (foreignFile.includes(number)) return new Fault('store-format', text, { cause: error });
  if ([EACCES, EPERM, EROFS].includes(number)) {
    return new Fault('store-io', text, { cause: error, hint: 'the user who runs secretctl must own the store directory' });
  }
  return new Fault('store-io', text, {
    cause: error,
    hint: 'check its disk and start again; all that was acknowledged is there, the last change may or may not be',
  });
}

// A full disk cuts a write short, and LMDB calls that an input/output error.
function isFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize < almostNothing;
  } catch {
    return false;
  }
}
