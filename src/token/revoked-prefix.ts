import type { View } from '../barrier/view.ts';
import { mountIndexOf, type TokenRecord } from './token.ts';

/**
 * All tokens below a path that are to end. From the commit that notes it none of them works, since each use looks here;
 * their records are removed piece by piece.
 */
export interface RevokedPrefix {
  /** Where in `by-mount` they stand. */
  readonly index: string;
  /** Where their mount lies, and at or below which path inside it they were given; null: anywhere. */
  readonly route: string;
  readonly below: string | null;
  /** Later ones stay. Milliseconds since the epoch. */
  readonly until: number;
  /** The last id that was looked at; '': none. */
  readonly after: string;
}

// One record for all of them: there is hardly ever one, and each use of a token must know.
const place = 'revoking/prefixes';

/** In the order in which they were noted. `tokens` is the core's view below `token/`. */
export async function revokedPrefixes(tokens: View): Promise<readonly RevokedPrefix[]> {
  return (await tokens.getJson<readonly RevokedPrefix[]>(place)) ?? [];
}

/** Puts them in the place of those before. */
export async function putRevokedPrefixes(tokens: View, prefixes: readonly RevokedPrefix[]): Promise<void> {
  await (prefixes.length === 0 ? tokens.delete(place) : tokens.putJson(place, prefixes));
}

/** Notes more of them. What is asked for again before it has begun is noted once, for all tokens until then. */
export async function noteRevokedPrefixes(tokens: View, noted: readonly Omit<RevokedPrefix, 'after'>[]): Promise<void> {
  const name = ({ index, route, below }: Omit<RevokedPrefix, 'after'>): string => JSON.stringify([index, route, below]);
  const names = new Set(noted.map(name));
  const others = (await revokedPrefixes(tokens)).filter((other) => other.after !== '' || !names.has(name(other)));
  await putRevokedPrefixes(tokens, [...others, ...noted.map((prefix) => ({ ...prefix, after: '' }))]);
}

/** Is a token one of those that are to end? A batch token is none: nothing of it is stored, and it cannot be revoked. */
export function isRevokedBy({ index, route, below, until }: RevokedPrefix, record: TokenRecord): boolean {
  if (record.accessor === '' || mountIndexOf(record) !== index || record.createdAt > until) return false;
  if (below === null) return true;
  const path = `${record.path}/`;
  if (path.startsWith(`${route}/`)) return path.startsWith(`${route}/${below}/`);
  // It shows where its mount lay before it moved.
  return path.includes(`/${below}/`);
}
