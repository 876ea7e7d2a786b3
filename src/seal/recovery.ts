import { constantTimeEqual, fromHex, toHex, utf8, wipe } from '../base/bytes.ts';
import { isJsonObject } from '../base/json.ts';
import { hmacSha256 } from '../crypto/keyed-hash.ts';
import { corruptRecord } from '../barrier/record.ts';
import type { View } from '../barrier/view.ts';
import { parseShamir, type ShamirParameters } from './seal-config.ts';
import type { SealContext, ShareNumbers } from './seal-type.ts';
import { splitNewKey } from './shamir.ts';

/*
 * Recovery shares: under a seal that needs nobody, what people hold so that some of them together may do what no single
 * token should (a new root token, another seal). They open nothing. The store keeps no recovery key, only what tells
 * the right one: HMAC-SHA-256 under the recovery key of "secretctl recovery key", a zero byte and the store id. That
 * record lies under the barrier, so that nobody puts a key of his own in its place.
 */
const path = 'seal/recovery';

/** Recovery shares as the store knows them. */
export interface Recovery {
  readonly parameters: ShamirParameters;
  readonly verifier: Uint8Array;
}

export interface NewRecovery extends Recovery {
  /** To be shown to people once. */
  readonly shares: readonly string[];
}

/** Makes a recovery key and its shares. Throws Fault `usage` for numbers that cannot be. */
export async function createRecovery(
  context: Pick<SealContext, 'storeId' | 'random'>,
  split: ShareNumbers,
): Promise<NewRecovery> {
  const { key, parameters, shares } = await splitNewKey(context, split);
  const recovery = recoveryOf(context.storeId, parameters, key);
  wipe(key);
  return { ...recovery, shares };
}

/** The key of existing shares as a recovery key. */
export function recoveryOf(storeId: string, parameters: ShamirParameters, key: Uint8Array): Recovery {
  return { parameters, verifier: verifierOf(storeId, key) };
}

/** True: it is the recovery key. */
export function isRecoveryKey(storeId: string, { verifier }: Recovery, key: Uint8Array): boolean {
  return constantTimeEqual(verifierOf(storeId, key), verifier);
}

/** Null: the store has none. Throws Fault `corrupt-record`. */
export async function readRecovery(core: View): Promise<Recovery | null> {
  const stored = await core.getJson(path);
  if (stored === null) return null;
  if (isJsonObject(stored) && typeof stored.verifier === 'string') {
    const { setId, shares, threshold } = stored;
    const parameters = parseShamir({ setId: setId ?? null, shares: shares ?? null, threshold: threshold ?? null });
    const verifier = fromHex(stored.verifier);
    if (parameters !== null && verifier !== null) return { parameters, verifier };
  }
  throw corruptRecord(path, 'it does not describe recovery shares');
}

/** The caller writes the same parameters into the seal's configuration. Null: the store has none from now on. */
export async function writeRecovery(core: View, recovery: Recovery | null): Promise<void> {
  if (recovery === null) return core.delete(path);
  await core.putJson(path, { ...recovery.parameters, verifier: toHex(recovery.verifier) });
}

function verifierOf(storeId: string, key: Uint8Array): Uint8Array {
  return hmacSha256(key, utf8(`secretctl recovery key\0${storeId}`));
}
