import { type Backoff, spreadDelayAfter } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import type { Barrier } from '../barrier/barrier.ts';
import type { Step } from '../core/controller.ts';
import { deletingMount } from '../core/deleting-mounts.ts';
import { TargetUnavailable, type MountAccess } from '../core/lease.ts';
import { readMount } from '../core/mount-table.ts';
import type { Mount, MountType } from '../core/mount-type.ts';
import type { AuditPort } from '../core/ports.ts';
import { systemEntry } from '../core/system-entry.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import type { DroppedLease, DroppedLeases } from './dropped.ts';
import { FailingLeases } from './failing.ts';
import { handlerOf, issued } from './handler.ts';
import { isIrrevocable, Leases } from './leases.ts';
import type { LeaseRecord } from './record.ts';

export interface TargetEndingParts {
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly random: Random;
  /** The types whose mounts give leases. */
  readonly engines: readonly MountType[];
  readonly audit: Pick<AuditPort, 'append'>;
  /** Told of those that are forgotten by force. */
  readonly dropped: DroppedLeases;
}

/** How many leases of a target one step ends at most, and for how long it begins with more of them (milliseconds). */
const atOnce = 256;
const beginFor = 1000;
/** How many of them at the same time. */
const besideEachOther = 4;
const day = 24 * 3_600_000;
const backoff: Backoff = { first: 10_000, most: day };

/**
 * Ends leases of a target; `probe`: tries with one whether it answers. TargetUnavailable: it does not, and the rest waits,
 * but for what is to be forgotten all the same.
 */
export async function endDue(
  parts: TargetEndingParts,
  target: string,
  probe: boolean,
  signal: AbortSignal,
): Promise<Step | TargetUnavailable> {
  const { store, barrier, clock } = parts;
  const now = clock.now();
  const found = await store.transact(async (tx) => {
    const core = barrier.view(tx, 'core');
    const leases = new Leases(core);
    const page = await leases.dueAt(target, atOnce);
    const records: LeaseRecord[] = [];
    for (const { due, id } of page) {
      if (due > now) break;
      const record = await leases.get(id);
      if (record === null) {
        await leases.forgetDue(target, { due, id });
        continue;
      }
      // From here on nobody renews it, whatever becomes of this process.
      records.push(record.state === 'ending' ? record : await leases.end(record, now, false));
    }
    const [first] = records;
    const mount = first === undefined ? null : await readMount(core, first.mountId);
    const deleting = mount !== null && (await deletingMount(core, mount.id)) !== null;
    const more = page.length === atOnce ? now : null;
    return { records, mount, deleting, next: page.find(({ due }) => due > now)?.due ?? more };
  });
  const outcomes = await endAll(parts, found, probe, signal);
  const dropped = await tellDropped(parts, outcomes, found.mount);
  const unavailable = [...outcomes.values()].find((problem) => problem instanceof TargetUnavailable) ?? null;
  const unresolved = await store.transact(async (tx) => {
    const leases = new Leases(barrier.view(tx, 'core'));
    const gone: LeaseRecord[] = [];
    for (const [{ id }, problem] of outcomes) {
      const record = await leases.get(id);
      if (record === null) continue;
      if (problem === null || dropped.has(id)) gone.push(record);
      // Forced since then: its turn comes at once.
      else if (problem instanceof TargetUnavailable || record.force) await leases.unanswered(record, problem.message);
      else await leases.failed(record, problem.message, clock.now() + pauseAfter(parts, record));
    }
    await forget(parts, tx, leases, gone, found.mount);
    return new FailingLeases(barrier.view(tx, 'core')).anyAt(target);
  });
  parts.dropped.add([...dropped.values()]);
  if (unavailable !== null && !found.records.some(({ force }) => force)) return unavailable;
  const problem = firstOf(outcomes);
  // Those for which there was no time wait at the front.
  const step: Step = { again: outcomes.size < found.records.length ? now : found.next, unresolved };
  return problem === null ? step : { ...step, problem: named(parts, found.mount, problem) };
}

/** The first that failed and is tried again; null: none is. */
function firstOf(outcomes: ReadonlyMap<LeaseRecord, RequestError | null>): readonly [LeaseRecord, RequestError] | null {
  for (const [record, problem] of outcomes) if (problem !== null && !record.force) return [record, problem];
  return null;
}

/** A failure with what it is about, for the log. */
function named(
  { engines }: TargetEndingParts,
  mount: Mount | null,
  [record, { message }]: readonly [LeaseRecord, RequestError],
): string {
  const what = mount === null ? null : handlerOf(engines, mount)?.describe?.(issued(record));
  return `${what ?? record.id}: ${message}`;
}

/**
 * What became of each that was tried: null, it has ended. After one whose target does not answer no other is begun; those
 * that are to be forgotten whatever becomes of it count as tried then.
 */
async function endAll(
  parts: TargetEndingParts,
  {
    records,
    mount,
    deleting,
  }: { readonly records: readonly LeaseRecord[]; readonly mount: Mount | null; readonly deleting: boolean },
  probe: boolean,
  signal: AbortSignal,
): Promise<ReadonlyMap<LeaseRecord, RequestError | null>> {
  const outcomes = new Map<LeaseRecord, RequestError | null>();
  const waiting = records.values();
  let given: TargetUnavailable | null = null;
  const until = parts.clock.now() + beginFor;
  const worker = async (): Promise<void> => {
    for (const record of waiting) {
      if (given !== null || signal.aborted || parts.clock.now() > until) return;
      const problem = await endOutside(parts, record, mount, deleting, signal);
      outcomes.set(record, problem);
      if (problem instanceof TargetUnavailable) given = problem;
      if (probe) return;
    }
  };
  await Promise.all(Array.from({ length: probe ? 1 : besideEachOther }, worker));
  if (given !== null) for (const record of records) if (record.force && !outcomes.has(record)) outcomes.set(record, given);
  return outcomes;
}

/**
 * Those that are to be forgotten although they could not be ended, by their ids. None is forgotten before a log tells what
 * is left behind: throws where that can't be written.
 */
async function tellDropped(
  { audit, engines, clock }: TargetEndingParts,
  outcomes: ReadonlyMap<LeaseRecord, RequestError | null>,
  mount: Mount | null,
): Promise<ReadonlyMap<string, DroppedLease>> {
  const dropped = new Map<string, DroppedLease>();
  const handler = mount === null ? null : handlerOf(engines, mount);
  for (const [record, problem] of outcomes) {
    if (problem === null || !record.force) continue;
    const what = handler?.describe?.(issued(record)) ?? null;
    dropped.set(record.id, { id: record.id, mount: mount?.path ?? null, what, reason: problem.message, at: clock.now() });
  }
  const entries = [...dropped.values()].map(({ id, what, reason }) =>
    systemEntry({ event: 'lease-left-behind', of: id, what, reason }, mount),
  );
  if (entries.length > 0) await audit.append(entries);
  return dropped;
}

/** Null: it has ended. Throws Fault where the store fails: that says nothing of the lease. */
async function endOutside(
  { store, barrier, engines }: TargetEndingParts,
  record: LeaseRecord,
  mount: Mount | null,
  deleting: boolean,
  signal: AbortSignal,
): Promise<RequestError | null> {
  if (mount === null) return badRequest('its mount is gone');
  const handler = handlerOf(engines, mount);
  if (handler === null) return badRequest(`the engine "${mount.type}" gives no leases`);
  const access: MountAccess = {
    mount,
    deleting,
    read: (work) => store.read((tx) => work(barrier.view(tx, { mountId: mount.id }))),
  };
  try {
    await handler.revoke(issued(record), access, signal);
    return null;
  } catch (error) {
    if (error instanceof Fault) throw error;
    // Of a defect nothing is kept: its text may quote anything.
    return error instanceof RequestError ? error : new RequestError(500, 'internal error', { cause: error });
  }
}

async function forget(
  { barrier, engines }: TargetEndingParts,
  tx: Transaction,
  leases: Leases,
  gone: readonly LeaseRecord[],
  mount: Mount | null,
): Promise<void> {
  await leases.remove(gone);
  if (mount === null) return;
  const storage = barrier.view(tx, { mountId: mount.id });
  for (const record of gone) await handlerOf(engines, mount)?.ended?.(issued(record), storage);
}

/** A day for what counts as irrevocable. */
function pauseAfter({ random }: TargetEndingParts, record: LeaseRecord): number {
  if (isIrrevocable({ ...record, attempts: record.attempts + 1 })) return day;
  return spreadDelayAfter(record.attempts + 1, backoff, random);
}
