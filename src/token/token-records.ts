import type { View } from '../barrier/view.ts';
import { countFolder } from '../core/counter-route.ts';
import { type CountedLease, createdTokens, LeaseCounts } from '../core/lease-count.ts';
import type { Grant } from '../core/ports.ts';
import { isRevokedBy, revokedPrefixes } from './revoked-prefix.ts';
import type { TokenKey } from './token-key.ts';
import { maxDepth, mountIndexOf, type Tombstone, type TokenRecord } from './token.ts';

/** How long the record of a used-up token is kept, so that the request which took the last use still finds it. */
const lastUseGrace = 60_000;

/** The records of tokens and their indexes, in one transaction. */
export class TokenRecords {
  readonly #tokens: View;
  readonly #key: TokenKey;
  readonly #counts: LeaseCounts;
  readonly #expect: (due: number) => void;

  /** `tokens` is the core's view below `token/`; `expect` hears when a record is due for removal. */
  constructor(tokens: View, key: TokenKey, expect: (due: number) => void = () => undefined) {
    this.#tokens = tokens;
    this.#expect = expect;
    this.#key = key;
    this.#counts = new LeaseCounts(tokens);
  }

  /** The record as it stands, whether its token still works or not. Null: there is none. */
  async get(id: string): Promise<TokenRecord | null> {
    const found = await this.#tokens.getJson<TokenRecord | Tombstone>(`id/${id}`);
    return found === null || 'gone' in found ? null : found;
  }

  /** Is there anything of a token with this id, or anything that descended from one? */
  async isTaken(id: string): Promise<boolean> {
    if ((await this.#tokens.get(`id/${id}`)) !== null) return true;
    return (await this.#tokens.children(`child/${id}/`, { limit: 1 })).length > 0;
  }

  /** Writes a new record and its indexes. */
  async add(id: string, record: TokenRecord): Promise<void> {
    await this.#tokens.putJson(`id/${id}`, record);
    await this.#tokens.putJson(this.#accessorPath(record), { id });
    if (record.parent !== null) await this.#tokens.putJson(`child/${record.parent}/${id}`, {});
    const index = mountIndexOf(record);
    if (index !== null) await this.#tokens.putJson(`by-mount/${index}/${id}`, {});
    if (record.due !== null) await this.#putDue(record.due, id);
    if (record.counted !== undefined) await this.#counts.add([countedToken(record, record.counted)]);
  }

  /** Replaces a record. What the indexes hold of it, `due` apart, does not change. */
  async update(id: string, before: TokenRecord, after: TokenRecord): Promise<void> {
    await this.#tokens.putJson(`id/${id}`, after);
    if (before.due === after.due) return;
    if (before.due !== null) await this.#tokens.delete(duePath(before.due, id));
    if (after.due !== null) await this.#putDue(after.due, id);
  }

  async #putDue(due: number, id: string): Promise<void> {
    await this.#tokens.putJson(duePath(due, id), {});
    this.#expect(due);
  }

  /** Takes one use of a limited token. False: it has none left, or is gone. */
  async takeUse(id: string, now: number): Promise<boolean> {
    const record = await this.get(id);
    if (record === null) return false;
    if (record.numUses === 0) return true;
    if (record.usesLeft === 0) return false;
    const usesLeft = record.usesLeft - 1;
    const end = now + lastUseGrace;
    const due = usesLeft > 0 ? record.due : Math.min(record.due ?? end, end);
    await this.update(id, record, { ...record, usesLeft, due });
    return true;
  }

  /** Deletes a record and its indexes; its children are left as they are. */
  async remove(id: string, record: TokenRecord): Promise<void> {
    await this.#tokens.delete(`id/${id}`);
    await this.#tokens.delete(this.#accessorPath(record));
    if (record.parent !== null) await this.#tokens.delete(`child/${record.parent}/${id}`);
    const index = mountIndexOf(record);
    if (index !== null) await this.#tokens.delete(`by-mount/${index}/${id}`);
    if (record.due !== null) await this.#tokens.delete(duePath(record.due, id));
    if (record.counted !== undefined) await this.#counts.subtract([countedToken(record, record.counted)]);
  }

  /** The ids of one index of `by-mount`, page by page; `after` is the last one seen, '' at the beginning. */
  async ofMount(index: string, after: string, limit: number): Promise<readonly string[]> {
    return this.#tokens.children(`by-mount/${index}/`, { ...(after === '' ? {} : { after }), limit });
  }

  /** The id of the token with this accessor, or null. */
  async byAccessor(accessor: string): Promise<string | null> {
    const entry = await this.#tokens.getJson<{ readonly id: string }>(`accessor/${this.#key.accessorHash(accessor)}`);
    return entry?.id ?? null;
  }

  /** Accessors in an order without meaning, which stays the same; `after` is the `name` of the last entry seen. */
  async page(after: string, limit: number): Promise<{ readonly name: string; readonly id: string }[]> {
    const names = await this.#tokens.children('accessor/', { ...(after === '' ? {} : { after }), limit });
    const entries: { name: string; id: string }[] = [];
    for (const name of names) {
      const entry = await this.#tokens.getJson<{ readonly id: string }>(`accessor/${name}`);
      if (entry !== null) entries.push({ name, id: entry.id });
    }
    return entries;
  }

  /** How many tokens have a record, those that ended and were not cleared away yet among them. */
  async count(): Promise<number> {
    return countFolder(this.#tokens, 'accessor');
  }

  /** Where an accessor stands in the order of `page`. */
  placeOf(accessor: string): string {
    return this.#key.accessorHash(accessor);
  }

  /**
   * Whether a token works at this moment, as far as its record and those of its ancestors say: the bindings on which
   * all of them rest, which are still to be asked. Null: it does not work. It may have no uses left.
   */
  async standing(record: TokenRecord, now: number): Promise<readonly Grant[] | null> {
    const grants: Grant[] = [];
    const revoked = await revokedPrefixes(this.#tokens);
    let current = record;
    for (let depth = 0; depth <= maxDepth; depth++) {
      if (current.expiresAt !== null && current.expiresAt <= now) return null;
      if (revoked.some((prefix) => isRevokedBy(prefix, current))) return null;
      if (current.grant !== null) grants.push(current.grant);
      if (current.parent === null) return grants;
      const parent = await this.#tokens.getJson<TokenRecord | Tombstone>(`id/${current.parent}`);
      if (parent === null) return null;
      if ('gone' in parent) return grants;
      // Nothing is stored of a batch token: its parent is gone, and somebody chose the same ID again.
      if (current.accessor === '' && parent.createdAt > current.createdAt) return null;
      current = parent;
    }
    return null;
  }

  /** Has it a parent that counts? One that left a tombstone does not. */
  async isOrphan(record: TokenRecord): Promise<boolean> {
    return record.parent === null || (await this.get(record.parent)) === null;
  }

  #accessorPath(record: TokenRecord): string {
    return `accessor/${this.#key.accessorHash(record.accessor)}`;
  }
}

function countedToken({ mountId }: TokenRecord, counted: NonNullable<TokenRecord['counted']>): CountedLease {
  return { mount: mountId ?? createdTokens, ...counted };
}

export function duePath(due: number, id: string): string {
  return `by-expiry/${String(due).padStart(15, '0')}/${id}`;
}

/** The time and the id in an index path of `duePath`. */
export function parseDuePath(path: string): { readonly due: number; readonly id: string } {
  const [, due = '', id = ''] = path.split('/');
  return { due: Number(due), id };
}
