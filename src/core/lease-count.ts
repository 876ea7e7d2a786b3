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
    if (counted.of === 'all') return this.#sum(await this.#view.scan('mount/'));
    if (counted.of === 'mount') return this.#sum(await this.#view.scan(mountFolder(counted.mount)));
    let sum = 0;
    for (let part = 0; part < parts; part++)
      sum += await this.#sum(await this.#within(counted, placeFolder(counted.mount, part)));
    return sum;
  }

  /** The records that count a role or a path, in one part. */
  async #within(counted: Counted & { readonly of: 'role' | 'path' }, folder: string): Promise<readonly string[]> {
    if (counted.of === 'role') return this.#view.scan(folder + roleFolder(counted.role));
    const { path } = counted;
    const found: string[] = [];
    for (const role of await this.#view.children(folder)) {
      const prefix = folder + role;
      if (path.endsWith('*')) found.push(...(await this.#view.scan(prefix + path.slice(0, -1))));
      else found.push(prefix + path);
    }
    return found;
  }

  async #sum(paths: readonly string[]): Promise<number> {
    let sum = 0;
    for (const path of paths) sum += (await this.#view.getJson<number>(path)) ?? 0;
    return sum;
  }

  async #change(leases: readonly CountedLease[], by: 1 | -1): Promise<void> {
    const changes = new Map<string, number>();
    for (const lease of leases) for (const path of pathsOf(lease)) changes.set(path, (changes.get(path) ?? 0) + by);
    for (const [path, change] of changes) {
      const count = ((await this.#view.getJson<number>(path)) ?? 0) + change;
      if (count > 0) await this.#view.putJson(path, count);
      else await this.#view.delete(path);
    }
  }
}

/** By mount, and by role and path: two records for each lease. */
function pathsOf({ mount, path, role, part }: CountedLease): readonly string[] {
  return [`${mountFolder(mount)}${part}`, `${placeFolder(mount, part)}${roleFolder(role)}${path === '' ? '.' : path}`];
}

const mountFolder = (mount: string): string => `mount/${mount}/`;
const placeFolder = (mount: string, part: number): string => `place/${mount}/${part}/`;
/** Roles have names of any characters. */
const roleFolder = (role: string | null): string => (role === null ? '-/' : `+${encodeURIComponent(role)}/`);

/** The views of the nouns that count leases, in the core's. */
const nouns = ['lease/', 'token/'];

/** How many leases and tokens there are; `core` is the core's view. */
export async function countLeases(core: View, counted: Counted): Promise<number> {
  let sum = 0;
  for (const noun of nouns) sum += await new LeaseCounts(core.below(noun)).of(counted);
  return sum;
}
