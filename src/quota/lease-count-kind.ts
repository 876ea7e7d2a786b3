import type { Json, JsonObject } from '../base/json.ts';
import type { Kind, LensContext, LensRequest, LiveObject, ResourceName, SpecSchema } from '../kinds/kind.ts';
import { normalTarget, pathOfQuota, pathOfTarget, targetProblems, targetProperties } from './kind-target.ts';

const properties: Readonly<Record<string, SpecSchema>> = {
  ...targetProperties('leases of'),
  maxLeases: { type: 'integer', minimum: 1, description: 'How many leases and tokens there may be at a time.' },
};

/** A lease-count quota. The most specific one that fits a request counts: role, path, mount, all leases. */
export const leaseCountQuotaKind: Kind = {
  kind: 'LeaseCountQuota',
  description: 'How many leases and tokens there may be at a time: of all, of a mount, of a path, or of logins of a role.',
  spec: { type: 'object', required: ['maxLeases'], additionalProperties: false, properties },
  mountField: null,
  mountKind: null,
  nameRule: 'identifier',
  importId: 'the name of the quota',
  normalize,
  check: (spec, resource, context) => targetProblems(normalize(spec, resource, context)),
  // What it counts changes all the time, and makes no plan stale.
  reads: (resource) => [{ operation: 'read', path: `${pathOf(resource)}/config` }],
  read: ([reply], resource, context) => (reply === null || reply === undefined ? null : live(reply, resource, context)),
  write: ({ after }, resource): LensRequest[] => {
    const { role, maxLeases = 0 } = after;
    const data = { path: pathOfTarget(after), role: role ?? '', max_leases: maxLeases };
    return [{ operation: 'write', path: pathOf(resource), data }];
  },
  remove: (resource) => [{ operation: 'delete', path: pathOf(resource), data: {} }],
};

const pathOf = (resource: ResourceName): string => pathOfQuota('lease-count', resource);

function normalize(sent: JsonObject, _: ResourceName, context: LensContext): JsonObject {
  const spec: Record<string, Json> = {};
  for (const [name, { default: preset }] of Object.entries(properties)) spec[name] = sent[name] ?? preset ?? 0;
  return { ...spec, ...normalTarget(spec, context) };
}

function live(
  { path = '', role = '', max_leases: maxLeases = 0 }: JsonObject,
  resource: ResourceName,
  context: LensContext,
): LiveObject {
  return { spec: normalize({ path, role, maxLeases }, resource, context), mark: null };
}
