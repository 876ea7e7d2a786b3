import type { RouteContext } from '../core/mount-type.ts';
import { badRequest, permissionDenied } from '../protocol/request-error.ts';
import { checkName } from './naming.ts';
import type { IdentityKind, IdentityRecords } from './records.ts';

/**
 * The name that an entity or group shall have from now on, or null: it keeps its own. The caller must be allowed to
 * write under both. Throws RequestError 400 where it can't be called so, 403 where the caller may not.
 */
export async function newNameOf(
  context: RouteContext,
  records: IdentityRecords,
  kind: IdentityKind,
  before: { readonly id: string } | null,
  wanted: string | undefined,
): Promise<string | null> {
  if (wanted === undefined) return null;
  if (before === null) throw badRequest(`there is no ${kind} of this name to rename`);
  checkName(kind, wanted);
  const { caller, request } = context;
  const path = `identity/${kind}/name/${wanted}`;
  const asked = { verb: 'update', path, data: request.data, wrapTtl: request.wrapTtl, sudo: false } as const;
  if (caller?.acl.allows(asked).allowed !== true) throw permissionDenied();
  const other = await records.byName(kind, wanted);
  if (other !== null && other.id !== before.id) throw badRequest(`${kind} name is already in use`);
  return wanted;
}
