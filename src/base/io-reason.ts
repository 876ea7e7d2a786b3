import { Fault } from './error.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full (ENOSPC)',
  EDQUOT: 'the disk quota is used up (EDQUOT)',
  EIO: 'the disk reports an input/output error (EIO)',
  EROFS: 'the file system is read-only (EROFS)',
  EACCES: 'permission is denied (EACCES)',
  EPERM: 'the operation is not permitted (EPERM)',
  ENOENT: 'it does not exist (ENOENT)',
  ENOTDIR: 'a part of its path is no folder (ENOTDIR)',
  EEXIST: 'something is there already (EEXIST)',
  ELOOP: 'it is a symbolic link (ELOOP)',
  EISDIR: 'it is a folder (EISDIR)',
  EMFILE: 'too many files are open (EMFILE)',
  EFBIG: 'the file has the greatest size allowed (EFBIG)',
};

/** An error of the file system, for people: what the system says, in words and with its code. */
export function ioReason(error: unknown): string {
  const code = error instanceof Fault ? null : ioCode(error);
  if (code !== null) return reasons[code] ?? code;
  return error instanceof Error ? error.message : String(error);
}

/** The same for what was to be written: what is missing then is the folder. */
export function writeReason(error: unknown): string {
  return ioCode(error) === 'ENOENT' ? 'its folder does not exist (ENOENT)' : ioReason(error);
}

/** The system's code of an error (`ENOENT`), or null: it is none of the system. */
export function ioCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
