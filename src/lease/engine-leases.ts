import { runOf } from '../core/corridor.ts';
import type { LeaseSource, ShownLease } from '../core/lease.ts';
import type { RouteContext } from '../core/mount-type.ts';
import { badRequest } from '../protocol/request-error.ts';
import { isToEnd, noteEnding } from './ending.ts';
import { Leases } from './leases.ts';
import type { LeaseRecord } from './record.ts';

/** The leases of engines. What they stand for outside is ended in the background. */
export const engineLeases: LeaseSource = {
  async find(context, id) {
    const record = await standing(context, id);
    return record === null ? null : shown(record);
  },
  children: (context, folder) => new Leases(runOf(context).core).children(folder),
  async renew(context, id, increment) {
    const leases = new Leases(runOf(context).core);
    const record = await standing(context, id);
    if (record === null) return null;
    if (!record.renewable) throw badRequest('lease is not renewable');
    if (record.latest - context.now < 1000) throw badRequest('lease expired: past the max TTL, cannot renew');
    const renewed = await leases.extend(record, increment > 0 ? increment : record.ttl, context.now);
    const leaseDuration = Math.floor((renewed.expiresAt - context.now) / 1000);
    return { leaseId: id, renewable: true, leaseDuration };
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
