import type { View } from '../barrier/view.ts';
import type { Attempted } from '../core/controller.ts';
import { endingsBelow } from './ending.ts';
import { endingKey, targetKey } from './expiry.ts';
import { Leases } from './leases.ts';

/** What became of leases that were revoked: they are ended, they wait for their turn, or one could not be ended. */
type Ended = 'ended' | 'waiting' | { readonly problem: string };

/**
 * Has what was revoked be ended outside at once: one lease, or those at or below a path that are not of a later time
 * than `until`. Waits for it so many milliseconds.
 */
export type EndNow = (
  revoked: { readonly id: string } | { readonly prefix: string; readonly until: number },
  within: number,
) => Promise<Ended>;

export interface EndNowParts {
  /** Reads the core's view. */
  read<T>(work: (core: View) => Promise<T>): Promise<T>;
  /** Has the controller of the leases try a key. Null: it was not tried in time. */
  attempt(key: string, signal: AbortSignal): Promise<Attempted | null>;
}

const lookedAtAtOnce = 200;

export function createEndNow({ read, attempt }: EndNowParts): EndNow {
  async function one(id: string, late: AbortSignal): Promise<Ended> {
    for (;;) {
      const before = await read((core) => new Leases(core).get(id));
      if (before === null) return 'ended';
      const attempted = await attempt(targetKey(before.target), late);
      const left = await read((core) => new Leases(core).get(id));
      if (left === null) return 'ended';
      if (attempted === null) return 'waiting';
      // Its own trouble, or that of its target, which was tried with another lease.
      const problem = left.attempts > before.attempts ? left.lastError : attempted.problem;
      if (problem !== null) return { problem };
    }
  }

  async function below(prefix: string, until: number, late: AbortSignal): Promise<Ended> {
    for (;;) {
      const [name] = await read((core) => endingsBelow(core, prefix));
      if (name === undefined) break;
      const attempted = await attempt(endingKey(name), late);
      if (attempted === null) return 'waiting';
      if (attempted.problem !== null) return { problem: attempted.problem };
    }
    let after: string | null = null;
    for (let page: readonly string[] = [prefix]; page.length > 0;) {
      for (const id of page) {
        if (late.aborted) return 'waiting';
        const record = await read((core) => new Leases(core).get(id));
        if (record === null || record.issuedAt > until) continue;
        const ended = await one(id, late);
        if (ended !== 'ended') return ended;
      }
      const from: string | null = after;
      page = await read((core) => new Leases(core).below(prefix, from, lookedAtAtOnce));
      after = page.at(-1) ?? null;
    }
    return 'ended';
  }

  return (revoked, within) => {
    const late = AbortSignal.timeout(within);
    return 'id' in revoked ? one(revoked.id, late) : below(revoked.prefix, revoked.until, late);
  };
}
