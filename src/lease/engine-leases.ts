import { type Clock, forOthers } from '../base/clock.ts';
import { goDuration } from '../base/duration.ts';
import { runOf } from '../core/corridor.ts';
import type { LeaseHandler, LeaseSource, MountAccess, ShownLease } from '../core/lease.ts';
import type { Mount, MountType, RouteContext } from '../core/mount-type.ts';
import type { View } from '../barrier/view.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { Transaction } from '../storage/transaction.ts';
import { isToEnd, noteEnding } from './ending.ts';
import { handlerOf, issued } from './handler.ts';
import { FailingLeases } from './failing.ts';
import { Leases } from './leases.ts';
import type { LeaseRecord } from './record.ts';

export interface EngineLeaseParts {
  /** The types whose mounts give leases. */
  readonly engines: readonly MountType[];
  readonly clock: Clock;
  storageOf(tx: Transaction, mountId: string): View;
  access(mount: Mount): MountAccess;
  /** Has the background task look no later than at a time. */
  expect(at: number): void;
}

/** How long what must happen outside before a renewal may take, in milliseconds. */
const longestRenewal = 30_000;

/** What a renewal comes to. */
interface Renewed {
  readonly expiresAt: number;
  readonly latest: number;
  readonly warnings: readonly string[];
}

/** The leases of engines. What they stand for outside is ended in the background. */
export function engineLeases(parts: EngineLeaseParts): LeaseSource {
  return {
    async find(context, id) {
      const record = await standing(context, id);
      if (record !== null) return shown(record);
      // A person wonders why its user is still there.
      const { core } = runOf(context);
      const ended = await new Leases(core).get(id);
      const failing = ended === null ? null : await new FailingLeases(core).why(ended, context.now);
      return ended === null || failing === null ? null : { ...shown(ended), renewable: false, failing };
    },
    children: (context, folder) => new Leases(runOf(context).core).children(folder),
    async prepareRenewal(context, id, increment) {
      const record = await standing(context, id);
      if (record === null) return null;
      const run = runOf(context);
      const mount = run.mounts.byId(record.mountId);
      if (mount === null) throw badRequest('lease is not renewable: its mount is gone');
      const handler = handlerOf(parts.engines, mount);
      const renewed = await renewal(handler, record, parts.storageOf(run.tx, mount.id), mount, increment, context.now);
      return async () => {
        const until = forOthers(parts.clock, renewed.expiresAt);
        await handler?.renew?.(issued(record), until, parts.access(mount), AbortSignal.timeout(longestRenewal));
        return renewed;
      };
    },
    async renew(context, id) {
      const record = await standing(context, id);
      const renewed = context.prepared as Renewed | undefined;
      if (record === null || renewed === undefined) return null;
      const { expiresAt, latest, warnings } = renewed;
      await new Leases(runOf(context).core).extend(record, expiresAt, latest, context.now);
      // It may be sooner than before.
      parts.expect(expiresAt);
      const leaseDuration = Math.floor((expiresAt - context.now) / 1000);
      return { leaseId: record.id, renewable: true, leaseDuration, ...(warnings.length > 0 ? { warnings } : {}) };
    },
    async revoke(context, id) {
      const leases = new Leases(runOf(context).core);
      const record = await leases.get(id);
      if (record === null) return true;
      await leases.end(record, context.now, false);
      return false;
    },
    async revokePrefix(context, prefix, force) {
      const core = runOf(context).core;
      const leases = new Leases(core);
      const record = await leases.get(prefix);
      if (record !== null) await leases.end(record, context.now, force);
      if ((await leases.below(prefix, null, 1)).length === 0) return record === null;
      await noteEnding(core, { of: { prefix }, until: context.now, force }, context.random);
      return false;
    },
  };
}

/** Until when a renewal lets a lease live: by what its role says now. Throws RequestError 400 where it may not live on. */
async function renewal(
  handler: LeaseHandler | null,
  record: LeaseRecord,
  storage: View,
  mount: Mount,
  increment: number,
  now: number,
): Promise<Renewed> {
  if (!record.renewable) throw badRequest('lease is not renewable');
  const terms = await handler?.renewal?.(issued(record), storage, mount);
  const longest = terms === undefined ? record.latest : record.issuedAt + terms.maxTtl * 1000;
  const latest = record.cap === null ? longest : Math.min(longest, record.cap);
  if (latest - now < 1000) throw badRequest('lease expired: past the max TTL, cannot renew');
  const ttl = increment > 0 ? increment : (terms?.ttl ?? record.ttl);
  const wanted = now + ttl * 1000;
  if (wanted <= latest) return { expiresAt: wanted, latest, warnings: [] };
  const effective = Math.floor((latest - now) / 1000);
  const warnings = [
    `TTL of "${goDuration(ttl)}" exceeded the effective max_ttl of "${goDuration(effective)}"; TTL value is capped accordingly`,
  ];
  return { expiresAt: latest, latest, warnings };
}

/** One that is active, not past its time and not to end: asked at each use, whatever the background has come to. */
async function standing(context: RouteContext, id: string): Promise<LeaseRecord | null> {
  const { core } = runOf(context);
  const record = await new Leases(core).get(id);
  if (record?.state !== 'active' || record.expiresAt <= context.now) return null;
  return (await isToEnd(core, record)) ? null : record;
}

function shown({ id, issuedAt, expiresAt, lastRenewal, renewable }: LeaseRecord): ShownLease {
  return { id, path: id.slice(0, id.lastIndexOf('/')), issuedAt, expiresAt, lastRenewal, renewable };
}
