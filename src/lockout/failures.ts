import { fromBase64, toBase64, utf8, wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import { KeyedHash } from '../crypto/keyed-hash.ts';

/**
 * The failed logins of one name, in the core's storage:
 * - `lockout/known/<accessor of the mount>/<hash of the name>`   of a user there is
 * - `lockout/unknown/<accessor of the mount>/<bucket>`           of names nobody has, many of which share a bucket
 * - `lockout/key`                                                with which names are hashed
 *
 * Names that nobody has are chosen by whoever comes, so they get a fixed number of records and not one each. Nobody
 * without the key knows which of them meet, and none meets a user's.
 */
export interface Failures {
  /** As the method knows the user; empty for names that share a record. */
  readonly name: string;
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly last: number;
  /** From then on nothing depends on the record. Milliseconds since the epoch. */
  readonly until: number;
}

/** To fill them within a lock takes more wrong passwords than a server looks at in that time. */
const bucketDigits = 4;

export const knownFolder = 'known/';
const unknownFolder = 'unknown/';
const keyPath = 'key';

/** Where the failures of a name are counted. `view`: the core's below `lockout/`. Null: nothing was ever counted. */
export async function failuresPath(view: View, accessor: string, name: string, known: boolean): Promise<string | null> {
  const key = await readKey(view);
  return key === null ? null : pathOf(key, accessor, name, known);
}

/** The same, where there may be no key yet. */
export async function newFailuresPath(
  view: View,
  accessor: string,
  name: string,
  known: boolean,
  random: Random,
): Promise<string> {
  return pathOf((await readKey(view)) ?? (await createKey(view, random)), accessor, name, known);
}

function pathOf(key: Uint8Array, accessor: string, name: string, known: boolean): string {
  const hash = new KeyedHash(key);
  const hex = hash.hex(utf8(`${accessor}\0${name}`));
  hash.wipe();
  wipe(key);
  return known ? `${knownFolder}${accessor}/${hex}` : `${unknownFolder}${accessor}/${hex.slice(0, bucketDigits)}`;
}

async function readKey(view: View): Promise<Uint8Array | null> {
  const record = await view.getJson<{ readonly key: string }>(keyPath);
  if (record === null) return null;
  const key = fromBase64(record.key);
  if (key?.byteLength !== 32) {
    throw new Fault('corrupt-record', 'the key with which failed logins are counted is not one', {
      hint: 'Restore the store from a backup.',
    });
  }
  return key;
}

async function createKey(view: View, random: Random): Promise<Uint8Array> {
  const key = random.bytes(32);
  await view.putJson(keyPath, { key: toBase64(key) });
  return key;
}

/** What one run of `sweepLockouts` did. */
export interface LockoutSweep {
  readonly removed: number;
  /** Where to go on; null: all records were seen. */
  readonly next: string | null;
}

/**
 * Deletes counts on which nothing depends any more: looks at up to `limit` records that come after `after`. Nothing
 * depends on it either; their number is bounded. `core` is the core's view.
 */
export async function sweepLockouts(core: View, now: number, limit: number, after: string | null = null): Promise<LockoutSweep> {
  const view = core.below('lockout/');
  let removed = 0;
  const paths = await view.scan('', { limit, ...(after === null ? {} : { after }) });
  for (const path of paths) {
    if (path === keyPath) continue;
    const failures = await view.getJson<Failures>(path);
    if (failures === null || failures.until > now) continue;
    await view.delete(path);
    removed++;
  }
  return { removed, next: paths.length < limit ? null : (paths.at(-1) ?? null) };
}
