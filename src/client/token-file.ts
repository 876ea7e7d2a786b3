import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { Fault } from '../base/error.ts';
import { ioCode, ioReason, writeReason } from '../base/io-reason.ts';

/** A token, and where it comes from, for messages: a variable or a file. */
export interface FoundToken {
  readonly token: string;
  readonly origin: string;
}

/** The token in a file; null: there is no such file, or nothing in it. Throws Fault `token-missing` or `token-permissions`. */
export function readTokenFile(path: string): FoundToken | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (ioCode(error) === 'ENOENT') return null;
    throw new Fault('token-missing', `the token file ${path} can't be read: ${ioReason(error)}`);
  }
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new Fault('token-permissions', `others can read the token in ${path}`, {
      hint: `Run: chmod 600 ${path}   If others may have read it, make a new token and revoke this one.`,
    });
  }
  return text === '' ? null : checkedToken(text, path);
}

/** Writes a token to a file that only its owner can read. Throws Fault `file`. */
export function writeTokenFile(path: string, token: string): void {
  // Written beside and renamed: nobody reads a half of it, and a file that others could read is replaced, not filled.
  const beside = `${path}.${process.pid}.new`;
  try {
    rmSync(beside, { force: true });
    const descriptor = openSync(beside, 'wx', 0o600);
    try {
      writeSync(descriptor, token);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw new Fault('file', `the token can't be kept in ${path}: ${writeReason(error)}`);
  }
}

export function removeTokenFile(path: string): void {
  rmSync(path, { force: true });
}

/** A token as one can be sent in a header. Throws Fault `token-missing`, which does not repeat it. */
export function checkedToken(token: string, origin: string): FoundToken {
  if (!/^[\x21-\x7e]{1,4096}$/.test(token))
    throw new Fault('token-missing', `${origin} holds no token: a token is one word without spaces and line breaks`);
  return { token, origin };
}
