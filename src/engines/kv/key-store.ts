import { Fault } from '../../base/error.ts';
import type { JsonObject } from '../../base/json.ts';
import type { View } from '../../barrier/view.ts';
import { badRequest } from '../../protocol/request-error.ts';
import type { KeyRecord } from './key-record.ts';

// One record without values for each path, and one record for each version's value. A version's record name ends in
// its number, so that no two (path, number) share one, whatever the path.
const keys = 'metadata/';
const values = 'versions/';
const maxKeyBytes = 1024 * 1024;

export async function loadKey(view: View, path: string): Promise<KeyRecord | null> {
  return await view.getJson<KeyRecord>(keys + path);
}

/** Throws RequestError 400 where the record has grown too large to be kept. */
export async function saveKey(view: View, path: string, key: KeyRecord): Promise<void> {
  // Only the number of versions can make it large; without a limit, each write would rewrite a record without bounds.
  if (key.current - key.oldest > 1000 && JSON.stringify(key).length > maxKeyBytes) {
    throw badRequest('the secret has too many versions: lower max_versions of the mount or of the secret');
  }
  await view.putJson(keys + path, key);
}

/** A view whose folders are those of the secrets. */
export function keyFolders(view: View): View {
  return view.below(keys);
}

/** The value of a version that is not destroyed. Throws Fault `corrupt-record` where its record is missing. */
export async function loadValue(view: View, path: string, number: number): Promise<JsonObject> {
  const value = await view.getJson<JsonObject>(valuePath(path, number));
  if (value === null) throw new Fault('corrupt-record', `the store has lost the value of version ${number} of ${path}`);
  return value;
}

export async function saveValue(view: View, path: string, number: number, value: JsonObject): Promise<void> {
  await view.putJson(valuePath(path, number), value);
}

export async function deleteValues(view: View, path: string, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await view.delete(valuePath(path, number));
}

/** Removes a secret with all of its versions. */
export async function deleteKey(view: View, path: string, key: KeyRecord): Promise<void> {
  await deleteValues(view, path, Object.keys(key.versions).map(Number));
  await view.delete(keys + path);
}

function valuePath(path: string, number: number): string {
  return `${values}${path}/${number}`;
}
