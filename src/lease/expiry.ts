import { type Backoff, spreadDelayAfter } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import type { Barrier } from '../barrier/barrier.ts';
import type { View } from '../barrier/view.ts';
import { done, type Controller, type Due, type DuePage, type Step } from '../core/controller.ts';
import type { MountAccess } from '../core/lease.ts';
import { readMount } from '../core/mount-table.ts';
import type { Mount, MountType } from '../core/mount-type.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';
import type { TransactionalStore } from '../storage/transaction.ts';
import { continueEnding, endings } from './ending.ts';
import { isIrrevocable, Leases } from './leases.ts';
import type { LeaseRecord } from './record.ts';

export interface LeaseExpiryParts {
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly random: Random;
  /** The types whose mounts give leases. */
  readonly engines: readonly MountType[];
}

/** The name under which a revocation wakes the controller. */
export const leaseExpiryName = 'lease-expiry';

const atOnce = 200;
const day = 24 * 3_600_000;
const backoff: Backoff = { first: 10_000, most: day };

/**
 * Ends leases that are past their time, revoked, or pending for too long: marks them, has their engine end what they
 * stand for outside, and forgets them. What cannot be ended is tried again at times that stand in the index.
 */
export function leaseExpiry(parts: LeaseExpiryParts): Controller {
  const { store, barrier, clock } = parts;
  return {
    name: leaseExpiryName,
    description: 'Ends leases that are past their time or revoked, and what they stand for outside.',
    concurrency: 8,
    due: (now, page) => store.read((tx) => dueLeases(barrier.view(tx, 'core'), now, page)),
    async reconcile(key, signal) {
      const [what, name] = split(key);
      if (what === 'lease') return endLease(parts, name, signal);
      const now = clock.now();
      const complete = await store.transact((tx) => continueEnding(barrier.view(tx, 'core'), name, atOnce, now));
      return { again: complete ? null : now, look: true };
    },
  };
}

function split(key: string): readonly [string, string] {
  const colon = key.indexOf(':');
  return [key.slice(0, colon), key.slice(colon + 1)];
}

async function dueLeases(core: View, now: number, { after, limit }: DuePage): Promise<Due> {
  const leases = new Leases(core);
  const keys: string[] = [];
  if (after === null) keys.push(...(await endings(core, limit)).map((name) => `ending:${name}`));
  const page = await leases.dueFrom(after, limit);
  for (const { due, id } of page) {
    if (due > now) return { keys, after: null, next: due };
    keys.push(`lease:${id}`);
  }
  return { keys, after: page.length < limit ? null : (page.at(-1)?.path ?? null), next: null };
}

async function endLease(parts: LeaseExpiryParts, id: string, signal: AbortSignal): Promise<Step> {
  const { store, barrier, clock } = parts;
  const now = clock.now();
  const found = await store.transact(async (tx) => {
    const core = barrier.view(tx, 'core');
    const leases = new Leases(core);
    const record = await leases.get(id);
    if (record === null || record.due > now) return { record, mount: null };
    // From here on nobody renews it, whatever becomes of this process.
    if (record.state !== 'ending') await leases.end(record, now, false);
    return { record, mount: await readMount(core, record.mountId) };
  });
  if (found.record === null) return done;
  if (found.record.due > now) return { again: found.record.due };
  const problem = await endOutside(parts, found.record, found.mount, signal);
  const failed = await store.transact(async (tx) => {
    const leases = new Leases(barrier.view(tx, 'core'));
    const record = await leases.get(id);
    if (record === null) return false;
    if (problem === null || record.force) await leases.remove(record);
    else await leases.failed(record, problem.message, clock.now() + pauseAfter(parts, record));
    return problem !== null && !record.force;
  });
  if (failed && problem !== null) throw problem;
  return done;
}

/** Null: it has ended. Throws Fault where the store fails: that says nothing of the lease. */
async function endOutside(
  { store, barrier, engines }: LeaseExpiryParts,
  { id, kind, data, confirmed }: LeaseRecord,
  mount: Mount | null,
  signal: AbortSignal,
): Promise<RequestError | null> {
  if (mount === null) return badRequest('its mount is gone');
  const handler = engines.find(({ type }) => type === mount.type)?.leases;
  if (handler === undefined) return badRequest(`the engine "${mount.type}" gives no leases`);
  const access: MountAccess = { mount, read: (work) => store.read((tx) => work(barrier.view(tx, { mountId: mount.id }))) };
  try {
    await handler.revoke({ id, kind, data, pending: !confirmed }, access, signal);
    return null;
  } catch (error) {
    if (error instanceof Fault) throw error;
    // Of a defect nothing is kept: its text may quote anything.
    return error instanceof RequestError ? error : new RequestError(500, 'internal error', { cause: error });
  }
}

/** A day for what counts as irrevocable. */
function pauseAfter({ random }: LeaseExpiryParts, record: LeaseRecord): number {
  if (isIrrevocable({ ...record, attempts: record.attempts + 1 })) return day;
  return spreadDelayAfter(record.attempts + 1, backoff, random);
}
