import { Fault } from '../base/error.ts';
import { isIdentifier } from '../base/name.ts';
import { maxKeyBytes } from '../storage/backend.ts';
import { corruptRecord } from './record.ts';

/**
 * Where things lie in the backend. A key is also the key path that a record is bound to, so that a record cannot be
 * read at another place. Key names are not secret.
 *
 * - `core/<path>`          records of the core and its nouns, under the keyring
 * - `keys/ring`            the keyring, under the root key (term 0)
 * - `keys/mount/<id>`      the data key of a mount, under the keyring
 * - `keys/shredded/<id>`   a mount whose key is gone and whose ciphertext waits to be deleted, under the keyring
 * - `keys/rewrap`          how far a rewrap has come, under the keyring
 * - `keys/usage`           how many encryptions were counted, under the keyring
 * - `mount/<id>/<path>`    records of a mount, under its data key
 * - `seal`                 the seal's configuration and the wrapped root key, in the clear (see seal/seal-config.ts)
 * - `superblock`           store id and generation, in the clear with a MAC (see superblock.ts)
 */
export const ringKey = 'keys/ring';
export const mountKeysPrefix = 'keys/mount/';
export const shreddedPrefix = 'keys/shredded/';
export const rewrapKey = 'keys/rewrap';
export const usageKey = 'keys/usage';
export const superblockKey = 'superblock';
export const corePrefix = 'core/';
export const mountsPrefix = 'mount/';

/** Whose records: the core's, or those of one mount. */
export type Area = 'core' | { readonly mountId: string };

/** The key that every record of an area starts with. */
export function areaPrefix(area: Area): string {
  return area === 'core' ? corePrefix : mountPrefix(area.mountId);
}

export function mountPrefix(mountId: string): string {
  return `${mountsPrefix}${checkedId(mountId)}/`;
}

export function mountKeyOf(mountId: string): string {
  return `${mountKeysPrefix}${checkedId(mountId)}`;
}

export function shreddedKeyOf(mountId: string): string {
  return `${shreddedPrefix}${checkedId(mountId)}`;
}

/** The mount that a key below `mount/` belongs to. Throws Fault `corrupt-record` for a key that no mount can have. */
export function mountOf(key: string): string {
  const mountId = key.slice(mountsPrefix.length, Math.max(0, key.indexOf('/', mountsPrefix.length)));
  if (!isIdentifier(mountId)) throw corruptRecord(key, 'no mount has such a key');
  return mountId;
}

/**
 * The key of a record. Throws Fault `key-too-long` over 1,024 bytes, and a TypeError for a path that is empty, starts
 * or ends with `/`, holds an empty segment or a lone surrogate: such a path is a mistake of the caller.
 */
export function recordKey(prefix: string, path: string): string {
  if (path === '' || path.startsWith('/') || path.endsWith('/') || path.includes('//') || !path.isWellFormed()) {
    throw new TypeError(`not a record's path: ${JSON.stringify(path)}`);
  }
  const key = prefix + path;
  if (Buffer.byteLength(key) > maxKeyBytes) {
    throw new Fault('key-too-long', `the path ${path.slice(0, 80)}… is too long to be stored`, {
      hint: `Together with its prefix a path has at most ${maxKeyBytes} bytes; shorten it.`,
    });
  }
  return key;
}

/** The first key behind everything that starts with `folder` (which ends in `/`): `0` follows `/` in UTF-8. */
export function behindFolder(folder: string): string {
  return `${folder.slice(0, -1)}0`;
}

function checkedId(mountId: string): string {
  if (!isIdentifier(mountId)) throw new TypeError(`not a mount id: ${JSON.stringify(mountId)}`);
  return mountId;
}
