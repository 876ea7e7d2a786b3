import type { RouteContext } from '../../core/mount-type.ts';
import { badRequest } from '../../protocol/request-error.ts';
import { loadConfig } from './config.ts';
import { addVersion, newKey } from './key-record.ts';
import { saveKey, saveValue } from './key-store.ts';
import { kvVersion } from './options.ts';
import { takeStored } from './version-1.ts';

// One transaction brings all secrets into the other form, so that nobody sees half of it; it is held in memory.
const mostSecrets = 10_000;
const mostCharacters = 64 * 1024 * 1024;

/**
 * Makes versions out of the plain secrets of a mount that a tune turns to version 2: each becomes the first version of
 * its path. Throws RequestError 400 where there is too much for one transaction.
 */
export async function upgradeSecrets(
  context: RouteContext,
  options: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const { storage, mount, now } = context;
  const [before, after] = [kvVersion(mount.options), kvVersion(options)];
  if (before === after) return [];
  const config = await loadConfig(storage);
  let [secrets, characters] = [0, 0];
  for await (const [path, data] of takeStored(storage, mostSecrets + 1)) {
    secrets += 1;
    characters += JSON.stringify(data).length;
    if (secrets > mostSecrets || characters > mostCharacters) {
      throw badRequest('this mount holds too much to be changed to version 2: mount a new one and copy the secrets');
    }
    const { key } = addVersion(newKey(now), config, now);
    await saveValue(storage, path, key.current, data);
    await saveKey(storage, path, key);
  }
  // Clients that upgrade a mount take nothing but an answer with content.
  return [`Upgrading mount from version ${before} to version ${after}.`];
}
