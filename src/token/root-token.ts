import { randomText, type Random } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import { TokenKeys } from './token-key.ts';
import { newAccessor, servicePrefix } from './token.ts';
import { Tokens } from './tokens.ts';

/** 142 bits. Clients make one-time passwords of the length that root tokens have in the Vault API. */
const rootTokenBody = 24;
/** Characters. */
export const rootTokenLength = servicePrefix.length + rootTokenBody;

/**
 * Makes a root token, which does not expire. `core` is the core's view of a store that has its token key, `now` in
 * milliseconds since the epoch. The token is returned once and is nowhere else.
 */
export async function addRootToken(core: View, random: Random, now: number): Promise<string> {
  const keys = new TokenKeys();
  const tokens = await Tokens.open(keys, core);
  const rootToken = servicePrefix + randomText(random, rootTokenBody);
  await tokens.records.add(tokens.idOf(rootToken), {
    accessor: newAccessor(random),
    parent: null,
    depth: 0,
    policies: ['root'],
    path: 'auth/token/root',
    meta: null,
    displayName: 'root',
    role: null,
    grant: null,
    mountId: null,
    numUses: 0,
    usesLeft: 0,
    createdAt: now,
    creationTtl: 0,
    lastTtl: 0,
    renewedAt: null,
    expiresAt: null,
    due: null,
    explicitMaxTtl: 0,
    maxTtl: 0,
    period: 0,
    renewable: false,
    boundCidrs: [],
  });
  keys.wipe();
  return rootToken;
}
