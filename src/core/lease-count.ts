import type { View } from '../barrier/view.ts';
import type { Mount } from './mount-type.ts';

/** As what a lease is counted, from its beginning until it is forgotten. */
export interface CountedLease {
  /** Which mount gave it: see `countedAt`. */
  readonly mount: string;
  /** The path of the request inside that mount; ''. */
  readonly path: string;
  /** The role of a login; null: it is none. */
  readonly role: string | null;
  /** In which part of each count it is: what `nextPart` said when it began. */
  readonly part: number;
}

/** The leases that are counted together. */
export type Counted =
  | { readonly of: 'all' }
  | { readonly of: 'mount'; readonly mount: string }
  | { readonly of: 'role'; readonly mount: string; readonly role: string }
  /** `path` may end in `*`. */
  | { readonly of: 'path'; readonly mount: string; readonly path: string };

/**
 * Each count is kept in so many parts: leases that begin at the same time write to different ones, so that none of their
 * transactions is in the way of another.
 */
const parts = 64;
let begun = 0;

/** The part for a lease that begins, in turns. Any is right: which one it is matters for speed alone. */
export function nextPart(): number {
  return begun++ % parts;
}

/** What auth/token makes is kept by that name. */
export const createdTokens = 'created';

/** By which name leases of a mount are counted: that stays the same when it moves. */
export function countedAt({ type, id }: Pick<Mount, 'type' | 'id'>): string {
  return type === 'token' ? createdTokens : id;
}

/**
 * How many leases there are, as numbers that change in the transactions that begin and forget leases: whoever asks reads
 * a few records, however many leases there are. A lease is taken from the part that it was added to, so a count that comes
 * to nothing leaves nothing behind.
 */
export class LeaseCounts {
  readonly #view: View;

  /** `view` is that of the noun whose leases they are. */
  constructor(view: View) {
    this.#view = view.below('count/');
  }

  async add(leases: readonly CountedLease[]): Promise<void> {
    await this.#change(leases, 1);
  }

  async subtract(leases: readonly CountedLease[]): Promise<void> {
    await this.#change(leases, -1);
  }

  async of(counted: Counted): Promise<number> {
    let sum = 0;
    for (let part = 0; part < parts; part++) {
      const path = pathOf(counted, part);
      const paths = path.endsWith('*') ? await this.#view.scan(path.slice(0, -1)) : [path];
      for (const each of paths) sum += (await this.#view.getJson<number>(each)) ?? 0;
    }
    return sum;
  }

  async #change(leases: readonly CountedLease[], by: 1 | -1): Promise<void> {
    const changes = new Map<string, number>();
    for (const lease of leases) {
      for (const counted of countsOf(lease)) {
        const path = pathOf(counted, lease.part);
        changes.set(path, (changes.get(path) ?? 0) + by);
      }
    }
    for (const [path, change] of changes) {
      const count = ((await this.#view.getJson<number>(path)) ?? 0) + change;
      if (count > 0) await this.#view.putJson(path, count);
      else await this.#view.delete(path);
    }
  }
}

function countsOf({ mount, path, role }: CountedLease): Counted[] {
  const counts: Counted[] = [{ of: 'all' }, { of: 'mount', mount }];
  if (path !== '') counts.push({ of: 'path', mount, path });
  if (role !== null) counts.push({ of: 'role', mount, role });
  return counts;
}

function pathOf(counted: Counted, part: number): string {
  switch (counted.of) {
    case 'all':
      return `all/${part}`;
    case 'mount':
      return `mount/${counted.mount}/${part}`;
    case 'role':
      return `role/${counted.mount}/${part}/${counted.role}`;
    case 'path':
      return `path/${counted.mount}/${part}/${counted.path}`;
  }
}
