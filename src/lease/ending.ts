import { randomUuid, type Random } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import { Leases } from './leases.ts';
import type { LeaseRecord } from './record.ts';

/** What is to end as a whole: all leases of a token, or all below a path. */
export interface Ending {
  readonly of: { readonly tokenId: string } | { readonly prefix: string };
  /** Leases of later times stay. Milliseconds since the epoch. */
  readonly until: number;
  readonly force: boolean;
  /** The last id that was looked at; null: none. */
  readonly after: string | null;
}

const folder = 'lease/ending/';

/**
 * Notes that something is to end: from that commit on its leases stand no more. `continueEnding` has them end. `core` is
 * the core's view.
 */
export async function noteEnding(core: View, ending: Omit<Ending, 'after'>, random: Random): Promise<void> {
  const name = 'tokenId' in ending.of ? `token/${ending.of.tokenId}` : `prefix/${randomUuid(random)}`;
  await core.putJson(folder + name, { ...ending, after: null } satisfies Ending);
}

/** Is a lease among those of which it is noted that they are to end? */
export async function isToEnd(core: View, { id, issuedAt, tokenId }: LeaseRecord): Promise<boolean> {
  if (tokenId !== null && (await core.get(`${folder}token/${tokenId}`)) !== null) return true;
  for (const path of await core.scan(`${folder}prefix/`)) {
    const ending = await core.getJson<Ending>(path);
    if (ending === null || !('prefix' in ending.of) || issuedAt > ending.until) continue;
    if (id.startsWith(`${ending.of.prefix}/`)) return true;
  }
  return false;
}

/**
 * Called where a token is removed: its leases end with it. Costs one look for a token that has none. True: it has some,
 * so the controller has something to do.
 */
export async function endLeasesOfToken(core: View, tokenId: string, random: Random, now: number): Promise<boolean> {
  if ((await new Leases(core).ofToken(tokenId, null, 1)).length === 0) return false;
  await noteEnding(core, { of: { tokenId }, until: now, force: false }, random);
  return true;
}

/** The names of what is to end. */
export async function endings(core: View, limit: number): Promise<readonly string[]> {
  return (await core.scan(folder, { limit })).map((path) => path.slice(folder.length));
}

/** The names of what is to end below this very path. */
export async function endingsBelow(core: View, prefix: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (const path of await core.scan(`${folder}prefix/`)) {
    const ending = await core.getJson<Ending>(path);
    if (ending !== null && 'prefix' in ending.of && ending.of.prefix === prefix) names.push(path.slice(folder.length));
  }
  return names;
}

/** Has about `limit` leases end. True: all have that were to, or there is nothing of this name. */
export async function continueEnding(core: View, name: string, limit: number, now: number): Promise<boolean> {
  const ending = await core.getJson<Ending>(folder + name);
  if (ending === null) return true;
  const leases = new Leases(core);
  const { of, until, force, after } = ending;
  const ids = 'tokenId' in of ? await leases.ofToken(of.tokenId, after, limit) : await leases.below(of.prefix, after, limit);
  for (const id of ids) {
    const record = await leases.get(id);
    if (record !== null && record.issuedAt <= until) await leases.end(record, now, force);
  }
  if (ids.length === limit) {
    await core.putJson(folder + name, { ...ending, after: ids.at(-1) ?? null } satisfies Ending);
    return false;
  }
  await core.delete(folder + name);
  return true;
}
