import type { Backoff } from '../base/backoff.ts';
import type { View } from '../barrier/view.ts';
import type { Controller, Due, DuePage } from '../core/controller.ts';
import { TargetUnavailable } from '../core/lease.ts';
import { readMount } from '../core/mount-table.ts';
import type { Transaction } from '../storage/transaction.ts';
import { continueEnding, endings } from './ending.ts';
import { handlerOf, issued } from './handler.ts';
import { Leases } from './leases.ts';
import { endDue, type TargetEndingParts } from './target-ending.ts';

export interface LeaseExpiryParts extends TargetEndingParts {
  /** Of this owner of the store. */
  readonly epoch: number;
}

/** The name under which a revocation wakes the controller. */
export const leaseExpiryName = 'lease-expiry';

const notedAtOnce = 200;
/** For a target that does not answer: it is asked with one lease. */
const probing: Backoff = { first: 1_000, most: 60_000 };

/**
 * Ends leases that are past their time, revoked, or pending for too long: marks them, has their engine end what they
 * stand for outside, and forgets them. What cannot be ended is tried again at times that stand in the index. A key is a
 * target. One that does not answer is a circuit that opens: it is left alone, longer each time, and then tried with a
 * single lease.
 */
export function leaseExpiry(parts: LeaseExpiryParts): Controller {
  const { store, barrier, clock } = parts;
  const unavailable = new Set<string>();
  return {
    name: leaseExpiryName,
    description: 'Ends leases that are past their time or revoked, and what they stand for outside.',
    concurrency: 8,
    retry: probing,
    due: (now, page) => store.read((tx) => dueKeys(parts, new Leases(barrier.view(tx, 'core')), tx, now, page)),
    async reconcile(key, signal) {
      const [what, name] = split(key);
      if (what === 'target') {
        const step = await endDue(parts, name, unavailable.has(name), signal);
        if (step instanceof TargetUnavailable) {
          unavailable.add(name);
          throw step;
        }
        unavailable.delete(name);
        return step;
      }
      const now = clock.now();
      const complete = await store.transact((tx) => {
        const core = barrier.view(tx, 'core');
        return what === 'pending' ? endPending(parts, new Leases(core), now) : continueEnding(core, name, notedAtOnce, now);
      });
      return { again: complete ? null : now, look: true };
    },
    describe: (key) => store.read((tx) => described(parts, barrier.view(tx, 'core'), ...split(key))),
  };
}

async function described({ engines }: LeaseExpiryParts, core: View, what: string, name: string): Promise<string> {
  if (what !== 'target') return 'revocations that were asked for';
  const mount = await readMount(core, name.slice(0, name.indexOf('.')));
  if (mount === null) return 'leases of a mount that is gone';
  const leases = new Leases(core);
  const [first] = await leases.dueAt(name, 1);
  const record = first === undefined ? null : await leases.get(first.id);
  const place = record === null ? undefined : handlerOf(engines, mount)?.place?.(issued(record));
  return `leases of ${mount.path}/${place === undefined ? '' : ` (${place})`}`;
}

/** The key under which the leases of a target are ended. */
export const targetKey = (target: string): string => `target:${target}`;

/** The key under which what is to end as a whole is ended. */
export const endingKey = (name: string): string => `ending:${name}`;

const pendingKey = 'pending:';

function split(key: string): readonly [string, string] {
  const colon = key.indexOf(':');
  return [key.slice(0, colon), key.slice(colon + 1)];
}

async function dueKeys(
  { epoch, barrier }: LeaseExpiryParts,
  leases: Leases,
  tx: Transaction,
  now: number,
  { after, limit }: DuePage,
): Promise<Due> {
  const keys: string[] = [];
  let next: number | null = null;
  const at = (due: number, key: string): void => {
    if (due <= now) keys.push(key);
    else next = Math.min(next ?? due, due);
  };
  if (after === null) {
    keys.push(...(await endings(barrier.view(tx, 'core'), limit)).map(endingKey));
    for (const of of await leases.pendingEpochs()) {
      const [first] = await leases.pendingOf(of, 1);
      if (first !== undefined) at(of === epoch ? first.due : now, pendingKey);
    }
  }
  const targets = await leases.targets(after, limit);
  for (const target of targets) {
    const [first] = await leases.dueAt(target, 1);
    if (first !== undefined) at(first.due, targetKey(target));
  }
  return { keys, after: targets.length < limit ? null : (targets.at(-1) ?? null), next };
}

/** Has those end whose making a crash, or a defect, has left half done. True: that was all of them. */
async function endPending({ epoch }: LeaseExpiryParts, leases: Leases, now: number): Promise<boolean> {
  for (const of of await leases.pendingEpochs()) {
    const page = await leases.pendingOf(of, notedAtOnce);
    const left = page.filter(({ due }) => of !== epoch || due <= now);
    for (const { id } of left) {
      const record = await leases.get(id);
      if (record !== null) await leases.end(record, now, false);
    }
    if (left.length === notedAtOnce) return false;
  }
  return true;
}
