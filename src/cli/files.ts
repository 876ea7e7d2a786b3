import { readFileSync } from 'node:fs';
import { chmod, rename, rm, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fromUtf8 } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import { ioCode, ioReason, writeReason } from '../base/io-reason.ts';
import type { CliContext } from './context.ts';

/**
 * The bytes of a file that a person named. Throws Fault `file` with the name as it was typed; where no such file is
 * there and `instead` is given, that in its place: the person may have typed the secret itself.
 */
export function readNamedFile(context: CliContext, path: string, instead: string | null = null): Uint8Array {
  try {
    return readFileSync(resolve(context.cwd, path));
  } catch (error) {
    const absent = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE'].includes(ioCode(error) ?? '');
    throw new Fault('file', `${absent ? (instead ?? path) : path} can't be read: ${ioReason(error)}`, { cause: error });
  }
}

/** The same as text. Throws Fault `file` also where it is not UTF-8. */
export function readNamedText(context: CliContext, path: string, instead: string | null = null): string {
  return asText(readNamedFile(context, path, instead), path);
}

/** Bytes as text. Throws Fault `file` that names where they come from. */
export function asText(bytes: Uint8Array, from: string): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new Fault('file', `${from} is not UTF-8 text`, { hint: 'Encode it first, for example as base64.' });
  }
}

/**
 * Writes a file beside and renames it: whoever reads it sees the old text or the new one. It keeps its mode; a new one
 * gets 0644 within the umask. Throws Fault `file`.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  try {
    const mode = await modeOf(path);
    await writeFile(beside, text, { mode: mode ?? 0o644, flush: true });
    // The umask is for what is made; what was there keeps the rights that its owner gave it.
    if (mode !== null) await chmod(beside, mode);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw new Fault('file', `${path} can't be written: ${writeReason(error)}`, { cause: error });
  }
}

async function modeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
