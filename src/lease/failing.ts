import { givingWay } from '../base/giving-way.ts';
import type { View } from '../barrier/view.ts';
import type { FailingLease } from '../core/lease.ts';
import { isIrrevocable, Leases } from './leases.ts';
import { failingFolder, type LeaseRecord } from './record.ts';

/** Of how many of a target it is looked at what they wait for. */
const looked = 16;

/** One that has ended, and why what it stands for is still there. */
export interface Unended {
  readonly record: LeaseRecord;
  readonly failing: FailingLease;
}

/** The leases of a store that could not be ended, in one transaction. */
export class FailingLeases {
  readonly #view: View;
  readonly #leases: Leases;

  /** `core` is the core's view. */
  constructor(core: View) {
    this.#view = core.below('lease/');
    this.#leases = new Leases(core);
  }

  /**
   * Those that have ended and could not be ended outside, and those that wait behind them because their target does not
   * answer, `limit` at most.
   */
  async first(limit: number, now: number): Promise<readonly Unended[]> {
    const found = new Map<string, Unended>();
    const giveWay = givingWay(64);
    const add = async (id: string, standing: string | null): Promise<void> => {
      await giveWay();
      const record = found.has(id) ? null : await this.#leases.get(id);
      const failing = record === null ? null : failingOf(record, record.lastError ?? standing, now);
      if (record !== null && failing !== null) found.set(id, { record, failing });
    };
    for (const name of await this.#view.children('failing/')) {
      const target = name.slice(0, -1);
      const folder = failingFolder(target);
      for (const path of await this.#view.scan(folder, { limit: limit - found.size })) await add(path.slice(folder.length), null);
      const standing = await this.#errorOf(target, now);
      for (const { due, id } of found.size < limit ? await this.#leases.dueAt(target, limit) : []) {
        if (due > now || found.size === limit) break;
        await add(id, standing);
      }
      if (found.size === limit) break;
    }
    return [...found.values()];
  }

  /** Why what it stands for is still there; null: it stands, or nothing is known to be wrong with ending it. */
  async why(record: LeaseRecord, now: number): Promise<FailingLease | null> {
    return failingOf(record, record.lastError ?? (await this.#errorOf(record.target, now)), now);
  }

  /** Why a target does not answer, as one of its leases tells that waits for it; null: it does, as far as is known. */
  async #errorOf(target: string, now: number): Promise<string | null> {
    const folder = failingFolder(target);
    for (const path of await this.#view.scan(folder, { limit: looked })) {
      const record = await this.#leases.get(path.slice(folder.length));
      // One that was refused waits for a time of its own.
      if (record !== null && record.due <= now) return record.lastError;
    }
    return null;
  }

  /** Is there such a lease of a target? */
  async anyAt(target: string): Promise<boolean> {
    return (await this.#view.scan(failingFolder(target), { limit: 1 })).length > 0;
  }
}

/** `error`: its own, or that of its target. Null: it has not ended, or nothing was wrong. */
function failingOf(record: LeaseRecord, error: string | null, now: number): FailingLease | null {
  const { state, attempts, due } = record;
  const isOver = state === 'ending' || (state === 'active' && due <= now);
  if (!isOver || error === null) return null;
  return { attempts, error, nextAttempt: due > now ? due : null, irrevocable: isIrrevocable(record) };
}
