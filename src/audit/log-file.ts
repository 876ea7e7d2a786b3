import { constants } from 'node:fs';
import { access, lstat, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../base/error.ts';
import { ioCode, ioReason } from '../base/io-reason.ts';

/** The few things a file sink asks of the system: handed in, so that tests can make each of them fail. */
export interface LogFile {
  /** Appends some of the bytes, at least one; returns how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Makes what was written durable, the new length included. */
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  stat(): Promise<LogFileStat>;
  /** Reads into `target`; returns how many bytes, 0 at the end. */
  read(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

interface LogFileStat {
  readonly size: number;
  /** Names in folders that lead to the file; 0: it was deleted. */
  readonly links: number;
  /** Tells this file from any other on the machine. */
  readonly identity: string;
}

export type OpenLogFile = (path: string) => Promise<LogFile>;

/** Null: a regular file or nothing is at the path. Otherwise a sentence. Looks only. */
export async function pathProblem(path: string): Promise<string | null> {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) return `${path} is a symbolic link; an audit log is written only to the file itself`;
    if (!found.isFile()) return `${path} is not a regular file`;
    return modeProblem(path, found.mode);
  } catch (error) {
    if (ioCode(error) !== 'ENOENT') return `${path} cannot be examined: ${ioReason(error)}`;
  }
  try {
    await access(dirname(path), constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return `no file can be made in the folder ${dirname(path)}: ${ioReason(error)}`;
  }
}

/**
 * Opens a log file for reading and appending, and creates it (0600, durable in its folder) where there is none.
 * Symbolic links, other than regular files, and files that others may write or anyone may execute are refused.
 * Throws Fault `audit-unavailable`.
 */
export async function openLogFile(path: string): Promise<LogFile> {
  // Looked at before opening, because opening a pipe or a device may have effects of its own; the descriptor is
  // checked again, because the path may change in between.
  const problem = await pathProblem(path);
  if (problem !== null) throw unavailable(problem);
  let handle: FileHandle;
  try {
    handle = await openOrCreate(path);
  } catch (error) {
    throw unavailable(`${path} cannot be opened: ${ioReason(error)}`, error);
  }
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw unavailable(`${path} is not a regular file`);
    const wide = modeProblem(path, found.mode);
    if (wide !== null) throw unavailable(wide);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return overHandle(handle);
}

function overHandle(handle: FileHandle): LogFile {
  return {
    write: async (bytes) => (await handle.write(bytes, 0, bytes.byteLength)).bytesWritten,
    datasync: () => handle.datasync(),
    truncate: (length) => handle.truncate(length),
    stat: async () => {
      const { size, nlink, dev, ino } = await handle.stat();
      return { size, links: nlink, identity: `${dev}:${ino}` };
    },
    read: async (target, position) => (await handle.read(target, 0, target.byteLength, position)).bytesRead,
    close: () => handle.close(),
  };
}

async function openOrCreate(path: string): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    return await open(path, flags);
  } catch (error) {
    if (ioCode(error) !== 'ENOENT') throw error;
  }
  let handle: FileHandle;
  try {
    handle = await open(path, flags | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (error) {
    // Made in between: by a call of ours that was given up.
    if (ioCode(error) === 'EEXIST') return open(path, flags);
    throw error;
  }
  try {
    await syncFolder(dirname(path));
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Makes names that were added to or removed from a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function modeProblem(path: string, mode: number): string | null {
  if ((mode & 0o133) === 0) return null;
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  return `${path} has mode ${shown}: others may write to it or it may be executed; run chmod 0600 on it`;
}

function unavailable(message: string, cause?: unknown): Fault {
  return new Fault('audit-unavailable', message, { cause });
}
