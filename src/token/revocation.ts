import type { View } from '../barrier/view.ts';
import { isRevokedBy, noteRevokedPrefixes, putRevokedPrefixes, revokedPrefixes, type RevokedPrefix } from './revoked-prefix.ts';
import { type TokenKey, TokenKeys } from './token-key.ts';
import { duePath, parseDuePath, TokenRecords } from './token-records.ts';
import type { Tombstone } from './token.ts';

/** Removes what a token keeps outside of its record: its cubbyhole. Runs in the transaction of the revocation. */
export type Forget = (tokenId: string) => Promise<void>;

/** How many tokens one transaction removes at most; what is more is left to later runs of `expireTokens`. */
export const revocationBatch = 500;

const pageSize = 64;

/**
 * The end of tokens. A token without its record works no more, and neither does one of its descendants, since each use
 * looks up the tree; nor does one below a path that is noted as revoked. So a revocation is complete with its first
 * write, however much it ends. What it leaves behind is noted below `revoking/` and removed within a budget, here and in
 * later runs.
 */
export class Revocation {
  readonly #tokens: View;
  readonly #records: TokenRecords;
  readonly #forget: Forget;
  #budget: number;
  #removed = 0;

  constructor(tokens: View, key: TokenKey, forget: Forget, budget: number = revocationBatch) {
    this.#tokens = tokens;
    this.#records = new TokenRecords(tokens, key);
    this.#forget = forget;
    this.#budget = budget;
  }

  /** True: this run may change no more records. */
  get exhausted(): boolean {
    return this.#budget <= 0;
  }

  /** How many tokens this run has removed. */
  get removed(): number {
    return this.#removed;
  }

  /** Ends a token and all that descends from it. An unknown one is no error. */
  async tree(id: string): Promise<void> {
    if (!(await this.#remove(id))) return;
    if (!(await this.#sweepTree(id))) await this.#tokens.putJson(`revoking/tree/${id}`, {});
  }

  /** Ends a token; its children go on as orphans. */
  async orphanChildren(id: string): Promise<void> {
    if (!(await this.#remove(id))) return;
    if (!(await this.#hasChildren(id))) return;
    // Until each child is rewritten, the stone says that they were not revoked with their parent.
    await this.#tokens.putJson(`id/${id}`, { gone: true } satisfies Tombstone);
    if (!(await this.#sweepChildren(id))) await this.#tokens.putJson(`revoking/children/${id}`, {});
  }

  /** Ends all tokens below paths. */
  async prefixes(revoked: readonly Omit<RevokedPrefix, 'after'>[]): Promise<void> {
    await noteRevokedPrefixes(this.#tokens, revoked);
    await this.resume();
  }

  /** Goes on with what earlier revocations left. True: nothing is left. */
  async resume(): Promise<boolean> {
    for (const [folder, sweep] of [
      ['revoking/tree/', (id: string) => this.#sweepTree(id)],
      ['revoking/children/', (id: string) => this.#sweepChildren(id)],
      ['revoking/mount/', (id: string) => this.#sweepMount(id)],
    ] as const) {
      for (;;) {
        const [id] = await this.#tokens.children(folder, { limit: 1 });
        if (id === undefined) break;
        if (!(await sweep(id))) return false;
        await this.#tokens.delete(folder + id);
      }
    }
    return this.#sweepPrefixes();
  }

  /** Ends a token whose time in the index has come, or drops an entry that no record confirms. */
  async due(path: string): Promise<void> {
    const { due, id } = parseDuePath(path);
    if ((await this.#records.get(id))?.due === due) await this.tree(id);
    else await this.#tokens.delete(duePath(due, id));
  }

  /** Removes what descends from `root`, leaves first. False: the budget ended before the work did. */
  async #sweepTree(root: string): Promise<boolean> {
    const path: { readonly id: string; page: string[] }[] = [{ id: root, page: [] }];
    for (;;) {
      const frame = path.at(-1);
      if (frame === undefined) return true;
      if (frame.page.length === 0) frame.page = await this.#tokens.children(`child/${frame.id}/`, { limit: pageSize });
      const child = frame.page.shift();
      if (child !== undefined && (await this.#hasChildren(child))) {
        path.push({ id: child, page: [] });
        continue;
      }
      const leaf = child ?? (path.length > 1 ? frame.id : null);
      if (child === undefined) path.pop();
      if (leaf === null) return true;
      if (this.#budget <= 0) return false;
      // An entry of the tree without a record has nothing else to be removed.
      if (!(await this.#remove(leaf))) await this.#tokens.delete(`child/${path.at(-1)?.id ?? root}/${leaf}`);
    }
  }

  async #sweepChildren(parent: string): Promise<boolean> {
    for (;;) {
      const page = await this.#tokens.children(`child/${parent}/`, { limit: pageSize });
      if (page.length === 0) break;
      for (const child of page) {
        if (this.#budget <= 0) return false;
        this.#budget--;
        const record = await this.#records.get(child);
        if (record !== null) await this.#records.update(child, record, { ...record, parent: null });
        await this.#tokens.delete(`child/${parent}/${child}`);
      }
    }
    await this.#tokens.delete(`id/${parent}`);
    return true;
  }

  async #sweepMount(mountId: string): Promise<boolean> {
    for (;;) {
      const page = await this.#tokens.children(`by-mount/${mountId}/`, { limit: pageSize });
      if (page.length === 0) return true;
      for (const id of page) {
        if (this.#budget <= 0) return false;
        await this.tree(id);
        await this.#tokens.delete(`by-mount/${mountId}/${id}`);
      }
    }
  }

  async #sweepPrefixes(): Promise<boolean> {
    const prefixes = await revokedPrefixes(this.#tokens);
    for (const [place, prefix] of prefixes.entries()) {
      const after = await this.#sweepPrefix(prefix);
      if (after === null) continue;
      await putRevokedPrefixes(this.#tokens, [{ ...prefix, after }, ...prefixes.slice(place + 1)]);
      return false;
    }
    if (prefixes.length > 0) await putRevokedPrefixes(this.#tokens, []);
    return true;
  }

  /** The last id that it came to before the budget ended; null: all are removed. */
  async #sweepPrefix(prefix: RevokedPrefix): Promise<string | null> {
    let { after } = prefix;
    for (;;) {
      const page = await this.#records.ofMount(prefix.index, after, pageSize);
      for (const id of page) {
        if (this.#budget <= 0) return after;
        after = id;
        const record = await this.#records.get(id);
        // What is looked at and stays costs its part of a transaction, too.
        if (record !== null && isRevokedBy(prefix, record)) await this.tree(id);
        else this.#budget--;
      }
      if (page.length < pageSize) return null;
    }
  }

  async #hasChildren(id: string): Promise<boolean> {
    return (await this.#tokens.children(`child/${id}/`, { limit: 1 })).length > 0;
  }

  async #remove(id: string): Promise<boolean> {
    const record = await this.#records.get(id);
    if (record === null) return false;
    await this.#records.remove(id, record);
    await this.#forget(id);
    this.#budget--;
    this.#removed++;
    return true;
  }
}

/** What one run of `expireTokens` did. */
export interface ExpiryRun {
  /** How many tokens it removed. */
  readonly removed: number;
  /** When the next token is due, in milliseconds since the epoch: in the past where the limit ended the run. Null: none. */
  readonly nextDue: number | null;
}

/**
 * When `expireTokens` has something to do, in milliseconds since the epoch; 0: now, since a revocation is not complete.
 * Null: never, as things stand. Reads no more than a few keys. `core` is the core's view.
 */
export async function nextTokenDue(core: View): Promise<number | null> {
  const tokens = core.below('token/');
  const [left] = await tokens.scan('revoking/', { limit: 1 });
  if (left !== undefined) return 0;
  const [first] = await tokens.scan('by-expiry/', { limit: 1 });
  return first === undefined ? null : parseDuePath(first).due;
}

/**
 * Removes tokens that are past their time, with all that descends from them, and goes on with revocations that were too
 * large for one transaction: at most about `limit` tokens, to be called again while `nextDue` is not in the future.
 * Nothing depends on it: a token that is past its time does not work anyway. `core` is the core's view.
 */
export async function expireTokens(core: View, now: number, limit: number, forget: Forget): Promise<ExpiryRun> {
  const tokens = core.below('token/');
  const keys = new TokenKeys();
  try {
    const revocation = new Revocation(tokens, await keys.load(tokens), forget, limit);
    if (!(await revocation.resume())) return { removed: revocation.removed, nextDue: now };
    for (;;) {
      const page = await tokens.scan('by-expiry/', { limit: pageSize });
      for (const path of page) {
        const { due } = parseDuePath(path);
        if (due > now || revocation.exhausted) return { removed: revocation.removed, nextDue: due };
        await revocation.due(path);
      }
      if (page.length < pageSize) return { removed: revocation.removed, nextDue: null };
    }
  } finally {
    keys.wipe();
  }
}
