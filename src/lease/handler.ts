import type { IssuedLease, LeaseHandler } from '../core/lease.ts';
import type { Mount, MountType } from '../core/mount-type.ts';
import type { LeaseRecord } from './record.ts';

/** Who ends and renews what the leases of a mount stand for; null: its type gives none. */
export function handlerOf(engines: readonly MountType[], { type }: Mount): LeaseHandler | null {
  return engines.find((engine) => engine.type === type)?.leases ?? null;
}

/** A lease as its engine gets it back. */
export function issued({ id, kind, data, confirmed }: LeaseRecord): IssuedLease {
  return { id, kind, data, pending: !confirmed };
}
