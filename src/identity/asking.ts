import type { CoreContext } from '../core/corridor.ts';
import type { Mount, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { IdentityRecords } from './records.ts';

/** The fields of every list request. */
export const listFields = {
  after: { type: 'string', description: 'Only what comes after this one, which need not exist.', default: '' },
  limit: { type: 'int', description: 'At most this many; 0 or less: all of them.', default: 0 },
} as const satisfies Fields;

/** The page that a list request asks for. */
export function pageOf(context: RouteContext): { readonly after?: string; readonly limit?: number } {
  const { after, limit } = readFields(listFields, context.data);
  return { ...(after === '' ? {} : { after }), ...(limit > 0 ? { limit } : {}) };
}

/** The records as the transaction of a request sees them. */
export function recordsOf(context: RouteContext): IdentityRecords {
  return new IdentityRecords((context as CoreContext).run.core);
}

/** The auth method with this accessor (`auth/token` is one too), or null. */
export function methodAt(context: RouteContext, accessor: string): Mount | null {
  const found = (context as CoreContext).run.mounts.all().find((mount) => mount.accessor === accessor);
  return found !== undefined && (found.class === 'auth' || found.type === 'token') ? found : null;
}
