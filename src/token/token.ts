import type { Random } from '../base/random.ts';
import { randomText } from '../base/random.ts';
import type { Grant } from '../core/ports.ts';

/**
 * A stored token. The token itself is nowhere: its id is a keyed hash of it (see token-key.ts).
 *
 * Below `token/` of the core's records:
 * - `key`                       what the hashes are keyed with
 * - `id/<id>`                   the record
 * - `accessor/<hash>`           `{id}`, by the keyed hash of the accessor
 * - `child/<parent id>/<id>`    the tree; the value is empty JSON
 * - `by-expiry/<ms>/<id>`       when the record is due for removal: 15 digits, so that the order of keys is that of time
 * - `by-mount/<mount id>/<id>`  the logins of a mount, and what auth/token made (`created`)
 * - `count/…`                   how many leases tokens are, for quotas (see core/lease-count.ts)
 * - `revoking/tree|children|mount/<id>`, `revoking/prefixes`  what a revocation left for later runs (see revocation.ts)
 * - `roles/<name>`              token roles (see role.ts)
 */
export interface TokenRecord {
  readonly accessor: string;
  /** The id of the token that made it; null: an orphan. */
  readonly parent: string | null;
  /** How many ancestors it had when it was made. */
  readonly depth: number;
  /** Sorted; `['root']` stands alone. */
  readonly policies: readonly string[];
  /** The API path that made it: `auth/approle/login`. */
  readonly path: string;
  readonly meta: Readonly<Record<string, string>> | null;
  readonly displayName: string;
  /** The id of the entity behind it as it was when it was made; absent: none. */
  readonly entityId?: string;
  /** The token role that made it; null: none did. */
  readonly role: string | null;
  /** The binding that it rests on: a login's role, or its token role. */
  readonly grant: Grant | null;
  /** The auth method whose login gave it; null: auth/token made it. */
  readonly mountId: string | null;
  /** How often it may be used; 0: without limit. */
  readonly numUses: number;
  /** How many of these are left. */
  readonly usesLeft: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Seconds; 0: it does not expire. */
  readonly creationTtl: number;
  /** What creation or the last renewal gave, in seconds: a renewal without increment gives it again. */
  readonly lastTtl: number;
  /** Milliseconds since the epoch; null: never renewed. */
  readonly renewedAt: number | null;
  /** It does not work from this moment on. Milliseconds since the epoch; null: it does not expire. */
  readonly expiresAt: number | null;
  /** Under which time it stands in `by-expiry`; null: in none. */
  readonly due: number | null;
  /** Seconds; 0: not set. */
  readonly explicitMaxTtl: number;
  readonly maxTtl: number;
  readonly period: number;
  readonly renewable: boolean;
  readonly boundCidrs: readonly string[];
  /**
   * As what it is counted for quotas: the path of its request inside the mount, and the role of a login. Absent: it is
   * not (root tokens, those of wrapped replies, and all that were made before tokens were counted).
   */
  readonly counted?: { readonly path: string; readonly role: string | null; readonly part: number };
}

/** In the place of a record whose token is gone while its children wait to be made orphans: they still work. */
export interface Tombstone {
  readonly gone: true;
}

/** What a token presented to us is: the record's, or the one that a batch token carries in itself. */
export interface Token {
  readonly id: string;
  readonly type: 'service' | 'batch';
  readonly record: TokenRecord;
}

/** What Vault's tokens start with, so that secret scanners and log scrubbers know ours too. */
export const servicePrefix = 'hvs.';
export const batchPrefix = 'hvb.';

/** What tokens of servers with this API start with. */
export const tokenPrefixes: readonly string[] = [servicePrefix, batchPrefix, 'hvr.', 's.', 'b.', 'r.'];

/** The one policy of a token that opens a wrapped reply. Nobody can assign it. */
export const wrappingPolicy = 'response-wrapping';

/** Longer text is no token of ours. */
export const maxTokenLength = 8192;

/** An ancestor is read at each use, so there is an end to how many there may be. */
export const maxDepth = 64;

/** A new service token: 92 letters and digits (over 540 bits), since scanners look for 90 or more behind the prefix. */
export function newServiceToken(random: Random): string {
  return servicePrefix + randomText(random, 92);
}

export function newAccessor(random: Random): string {
  return randomText(random, 24);
}

/** The member `entityId` of a record; none for ''. */
export function entityMember(entityId: string): Pick<TokenRecord, 'entityId'> {
  return entityId === '' ? {} : { entityId };
}

/** Where in `by-mount` the tokens stand that auth/token made. */
export const createdIndex = 'created';

/** Where in `by-mount` a token stands; null: nowhere. */
export function mountIndexOf({ mountId, path, policies }: TokenRecord): string | null {
  if (mountId !== null) return mountId;
  return path.startsWith('auth/token/create') && !policies.includes(wrappingPolicy) ? createdIndex : null;
}

export function isRoot(record: Pick<TokenRecord, 'policies'>): boolean {
  return record.policies.includes('root');
}
