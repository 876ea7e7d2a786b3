import type { JsonObject } from '../base/json.ts';

/**
 * A lease of an engine: the right to something outside until a time. Below `lease/` of the core's records:
 * - `id/<id>`                      the record; ids are ordered by their paths, so a prefix is a range
 * - `due/<target>/<ms>/<id>`       when something is to be done about it: 15 digits, so that the order of keys is that of
 *                                  time. By target, so that one that does not answer keeps no other waiting
 * - `pending/<epoch>/<ms>/<id>`    the same of those whose making is under way, by the epoch of the process that makes them
 * - `by-token/<token>/<id>`        the leases that end with a token
 * - `failing/<target>/<id>`        those that could not be ended
 * - `irrevocable/<id>`             those of them that could not for long
 * - `count/…`                      how many there are, for quotas (see core/lease-count.ts)
 * - `ending/prefix/<uuid>`, `ending/token/<token>`   all below a path, or all of a token, that are to end (see ending.ts)
 */
export interface LeaseRecord {
  /** The path of the request that gave it, `/`, and 24 random letters and digits. */
  readonly id: string;
  readonly mountId: string;
  /** The path of the request inside that mount: it is counted by it, also when the mount has moved. */
  readonly inside: string;
  /** In which part of its counts it is (see core/lease-count.ts). */
  readonly part: number;
  /** The id of the mount, `.`, and the target in the engine's words. See LeaseTerms, as for the two after it. */
  readonly target: string;
  readonly kind: string;
  readonly data: JsonObject;
  /** Of the store's owner that gave it: a `pending` one of an earlier epoch is what a crash left. */
  readonly epoch: number;
  /** The id of the token that it ends with (Caller.leaseOwner); null: it stands for itself. */
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
  /** Renewals end here, by what its role said last. */
  readonly latest: number;
  /** And here, whatever the role says: the end of the batch token that got it; null: no such bound. */
  readonly cap: number | null;
  /** Under which time it stands in `due` or `pending`. */
  readonly due: number;
  /** How often it could not be ended, although its target answered. */
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

/** Where a lease stands in the index of what is to be done. */
export function indexPath({
  state,
  epoch,
  target,
  due,
  id,
}: Pick<LeaseRecord, 'state' | 'epoch' | 'target' | 'due' | 'id'>): string {
  const folder = state === 'pending' ? pendingFolder(epoch) : dueFolder(target);
  return `${folder}${timeText(due)}/${id}`;
}

/** Numbers whose order as texts is their own. */
export const timeText = (time: number): string => String(time).padStart(15, '0');

export const dueFolder = (target: string): string => `due/${target}/`;
export const failingFolder = (target: string): string => `failing/${target}/`;
export const pendingFolder = (epoch: number): string => `pending/${timeText(epoch)}/`;

/** The time and the id of an `indexPath`. */
export function parseIndexPath(path: string): { readonly due: number; readonly id: string } {
  const [, , due = '', ...id] = path.split('/');
  return { due: Number(due), id: id.join('/') };
}
