import { constants } from 'node:os';
import { Fault } from '../base/error.ts';

const { ENOSPC, EDQUOT, EFBIG, EACCES, EPERM, EROFS } = constants.errno;
const mapFull = -30792;
const foreignFile = new Set([-30793, -30794]);

/** The Fault of an error that the operating system or LMDB gave: `store-full`, `store-format` or `store-io`. */
export function storageFault(error: unknown, what: string): Fault {
  if (error instanceof Fault) return error;
  const { code, message } = error as { code?: unknown; message?: unknown };
  const number = typeof code === 'number' ? code : (constants.errno[code as keyof typeof constants.errno] ?? 0);
  const text = `${what}: ${String(message)}`;
  if ([ENOSPC, EDQUOT, EFBIG, mapFull].includes(number)) {
    return new Fault('store-full', text, { cause: error, hint: 'make room on the disk and start again; nothing is lost' });
  }
  if (foreignFile.has(number)) return new Fault('store-format', text, { cause: error });
  if ([EACCES, EPERM, EROFS].includes(number)) {
    return new Fault('store-io', text, { cause: error, hint: 'the user who runs secretctl must own the store directory' });
  }
  return new Fault('store-io', text, {
    cause: error,
    hint: 'check the disk and start again; what was acknowledged before is safe, the last change may or may not be there',
  });
}
