import { constants } from 'node:fs';
import { mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { concatBytes, wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import { keyBytes } from '../crypto/aead.ts';

/*
 * The key file of a static seal: one key on a line, in 64 hex digits. There are two lines, the newer first, only while a
 * rekey is under way. The text is never made a string: those cannot be wiped.
 */
const lineBytes = 2 * keyBytes + 1;
const maxKeys = 2;

/**
 * The keys of a file, newest first; the caller wipes them. Throws Fault `seal-key-missing`, `seal-key-permissions`
 * where others may read it, and `seal-key-wrong` where it is no key file.
 */
export async function readKeyFile(path: string): Promise<Uint8Array[]> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw malformed(path);
    if ((stat.mode & 0o077) !== 0) {
      throw new Fault(
        'seal-key-permissions',
        `the key file ${path} can be read by others (mode ${(stat.mode & 0o777).toString(8)})`,
        {
          hint: `Run: chmod 600 ${shellWord(path)}   If others may have read it: secretctl operator rekey.`,
        },
      );
    }
    const text = new Uint8Array(maxKeys * lineBytes + 1);
    const { bytesRead } = await file.read(text, 0, text.byteLength, 0);
    const keys = parseKeys(text.subarray(0, bytesRead));
    wipe(text);
    if (keys === null) throw malformed(path);
    return keys;
  } finally {
    await file.close();
  }
}

/** Makes a file with a new key, durably, 0600 in a directory 0700. Throws Fault `file` where there is one already. */
export async function createKeyFile(path: string, random: Random): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const key = random.bytes(keyBytes);
  try {
    await writeKeys(path, [key]);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw failed(path, error);
    throw new Fault('file', `the key file ${path} already exists`, {
      hint: 'It may be the only key of a store. Move it away if you are sure.',
    });
  } finally {
    wipe(key);
  }
  await syncDirectory(dirname(path));
}

/** Puts a new key before the present one, which stays. Where an earlier rekey was interrupted, its two keys are kept. */
export async function addKey(path: string, random: Random): Promise<void> {
  const keys = await readKeyFile(path);
  if (keys.length < maxKeys) keys.unshift(random.bytes(keyBytes));
  await replaceKeys(path, keys);
}

/** Keeps the newest key only. */
export async function dropOldKeys(path: string): Promise<void> {
  const keys = await readKeyFile(path);
  wipe(...keys.splice(1));
  await replaceKeys(path, keys);
}

async function replaceKeys(path: string, keys: readonly Uint8Array[]): Promise<void> {
  const next = `${path}.new`;
  try {
    await unlink(next).catch((error: unknown) => {
      if (!isErrno(error, 'ENOENT')) throw error;
    });
    await writeKeys(next, keys);
    await rename(next, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw failed(path, error);
  } finally {
    wipe(...keys);
  }
}

async function writeKeys(path: string, keys: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  const text = concatBytes(...keys.map(hexLine));
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    wipe(text);
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function hexLine(key: Uint8Array): Uint8Array {
  const line = new Uint8Array(lineBytes);
  key.forEach((byte, index) => {
    line[2 * index] = hexDigit(byte >> 4);
    line[2 * index + 1] = hexDigit(byte & 15);
  });
  line[lineBytes - 1] = newline;
  return line;
}

/** Null for anything but one or two lines of hex. The last line end may be missing: a copied key often lacks it. */
function parseKeys(text: Uint8Array): Uint8Array[] | null {
  const whole = text.at(-1) === newline ? text : concatBytes(text, Uint8Array.of(newline));
  if (whole.byteLength % lineBytes !== 0 || whole.byteLength > maxKeys * lineBytes) return null;
  const keys: Uint8Array[] = [];
  for (let at = 0; at < whole.byteLength; at += lineBytes) {
    const key = new Uint8Array(keyBytes);
    for (let index = 0; index < keyBytes; index++) {
      const high = hexValue(whole[at + 2 * index]);
      const low = hexValue(whole[at + 2 * index + 1]);
      if (high === null || low === null) return null;
      key[index] = (high << 4) | low;
    }
    if (whole[at + lineBytes - 1] !== newline) return null;
    keys.push(key);
  }
  return keys;
}

const newline = 0x0a;

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

function hexValue(code: number | undefined): number | null {
  if (code === undefined) return null;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : null;
}

function unreadable(path: string, error: unknown): Fault {
  if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) {
    return new Fault('seal-key-missing', `the key file ${path} does not exist`, {
      hint: 'Put it back from where you keep a copy, or say in the settings where it is. Without it nobody can open the store.',
    });
  }
  if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM')) {
    return new Fault('seal-key-permissions', `you may not read the key file ${path}`, {
      hint: 'Run the command as the user who owns it.',
    });
  }
  return failed(path, error);
}

function malformed(path: string): Fault {
  return new Fault('seal-key-wrong', `${path} is not a key file: it should hold one line of 64 hex digits`, {
    hint: 'Put the file back that `secretctl init` made for this store.',
  });
}

function failed(path: string, error: unknown): Fault {
  return new Fault('file', `the key file ${path} cannot be used: ${error instanceof Error ? error.message : 'unknown error'}`, {
    cause: error,
    hint: 'Check the disk and the permissions of the directory.',
  });
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9_./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
