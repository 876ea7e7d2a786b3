import { runOf } from '../core/corridor.ts';
import type { Mount, RouteContext } from '../core/mount-type.ts';
import { type IdentityKind, type IdentityRecord, IdentityRecords } from './records.ts';

/** The records as the transaction of a request sees them. */
export function recordsOf(context: RouteContext): IdentityRecords {
  return new IdentityRecords(runOf(context).core);
}

/** The auth method with this accessor (`auth/token` is one too), or null. */
export function methodAt(context: RouteContext, accessor: string): Mount | null {
  const found = runOf(context).mounts.byAccessor(accessor);
  return found !== null && (found.class === 'auth' || found.type === 'token') ? found : null;
}

/** The entity or group that the path of a request names, by its id or its name, or null. */
export async function namedByPath<K extends IdentityKind>(
  { params }: RouteContext,
  records: IdentityRecords,
  kind: K,
): Promise<IdentityRecord<K> | null> {
  return params['id'] === undefined ? records.byName(kind, params['name'] ?? '') : records.get(kind, params['id']);
}
