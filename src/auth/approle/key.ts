import { fromBase64, toBase64, utf8, wipe } from '../../base/bytes.ts';
import { Fault } from '../../base/error.ts';
import type { RouteContext } from '../../core/mount-type.ts';
import type { View } from '../../barrier/view.ts';
import { KeyedHash } from '../../crypto/keyed-hash.ts';

const path = 'key';

/** Makes the key with which a new mount hashes role ids, secret ids and accessors. */
export async function createMountKey(context: RouteContext): Promise<void> {
  const key = context.random.bytes(32);
  await context.storage.putJson(path, { key: toBase64(key) });
  wipe(key);
}

/** The names under which this mount stores what it must not know in the clear. */
export interface MountHash {
  roleId(roleId: string): string;
  /** A secret id's hash also names its role, so that it means nothing elsewhere. */
  secretId(roleUid: string, secretId: string): string;
  accessor(roleUid: string, accessor: string): string;
}

export async function mountHash(storage: View): Promise<MountHash> {
  const record = await storage.getJson<{ readonly key: string }>(path);
  const key = fromBase64(record?.key ?? '');
  if (key?.byteLength !== 32) {
    throw new Fault('corrupt-record', 'an approle mount has no key, so nobody can log in there', {
      hint: 'Restore the store from a backup, or disable the auth method and enable it again.',
    });
  }
  const hash = new KeyedHash(key);
  wipe(key);
  return {
    roleId: (roleId) => hash.hex(utf8(`role-id\0${roleId}`)),
    secretId: (roleUid, secretId) => hash.hex(utf8(`secret-id\0${roleUid}\0${secretId}`)),
    accessor: (roleUid, accessor) => hash.hex(utf8(`accessor\0${roleUid}\0${accessor}`)),
  };
}
