import type { JsonObject } from '../base/json.ts';

/**
 * A lease of an engine: the right to something outside until a time. Below `lease/` of the core's records:
 * - `id/<id>`                  the record; ids are ordered by their paths, so a prefix is a range
 * - `by-expiry/<ms>/<id>`      when something is to be done about it: 15 digits, so that the order of keys is that of time
 * - `by-token/<token>/<id>`    the leases that end with a token
 * - `irrevocable/<id>`         those that could not be ended for long
 * - `ending/prefix/<uuid>`, `ending/token/<token>`   all below a path, or all of a token, that are to end (see ending.ts)
 */
export interface LeaseRecord {
  /** The path of the request that gave it, `/`, and 24 random letters and digits. */
  readonly id: string;
  readonly mountId: string;
  /** See IssuedLease. */
  readonly kind: string;
  readonly data: JsonObject;
  /** The id of the token that it ends with; null: it stands for itself. */
  readonly tokenId: string | null;
  /**
   * `pending`: what it stands for is about to be made. One that stays so is ended: a crash came in between.
   * `active`: it stands. `ending`: it is revoked or past its time, and what it stands for is to be ended.
   */
  readonly state: 'pending' | 'active' | 'ending';
  /** What it stands for is known to have been made. */
  readonly confirmed: boolean;
  /** Milliseconds since the epoch, as all times here. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly lastRenewal: number | null;
  readonly renewable: boolean;
  /** What a renewal gives that asks for nothing, in seconds. */
  readonly ttl: number;
  /** Renewals end here. */
  readonly latest: number;
  /** Under which time it stands in `by-expiry`. */
  readonly due: number;
  /** How often it could not be ended. */
  readonly attempts: number;
  /** Why it could not; null: it was not tried, or nothing was wrong. */
  readonly lastError: string | null;
  /** Forget it even where it cannot be ended. */
  readonly force: boolean;
}

/** How often the ending of a lease is tried before it counts as irrevocable; from then on it is tried once a day. */
export const revocationAttempts = 6;

/** How long a lease may be pending before it is ended, in milliseconds. */
export const pendingFor = 120_000;

export function duePath(due: number, id: string): string {
  return `by-expiry/${String(due).padStart(15, '0')}/${id}`;
}

/** The time and the id in an index path of `duePath`. */
export function parseDuePath(path: string): { readonly due: number; readonly id: string } {
  const [, due = '', ...id] = path.split('/');
  return { due: Number(due), id: id.join('/') };
}
