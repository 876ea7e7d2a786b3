import { isCanonicalPath, isIdentifier } from '../base/name.ts';
import { runOf } from '../core/corridor.ts';
import { mountRoute } from '../core/mount-index.ts';
import type { MountTable } from '../core/mount-table.ts';
import type { Mount, MountType, RouteContext } from '../core/mount-type.ts';
import { isSystemMount } from '../core/system-mounts.ts';
import { badRequest } from '../protocol/request-error.ts';

/** What a quota is for. */
export interface QuotaTarget {
  readonly name: string;
  /** The mount that it is for, with which it moves and goes. Null: for all requests. */
  readonly mountId: string | null;
  /** Where that was mounted when the quota was written: a mount that takes its place takes its quota. */
  readonly route: string;
  /** The path inside the mount, perhaps with a `*` at its end; '': all of the mount. */
  readonly suffix: string;
  /** The role of a login; '': any request. */
  readonly role: string;
  /** Shown as it was sent: it has no meaning where there are no namespaces. */
  readonly inheritable: boolean;
}

/** The mount that a quota is for; `everything`: it is for all requests; null: there is none any more. */
export function mountOf({ mountId, route }: QuotaTarget, mounts: MountTable): Mount | 'everything' | null {
  if (mountId === null) return 'everything';
  const mount = mounts.byId(mountId);
  if (mount !== null) return mount;
  const there = mounts.resolve(route);
  return there?.path === '' ? there.mount : null;
}

/** The route of that mount; '': it is for all requests; null: there is none any more. */
export function routeOf(quota: QuotaTarget, mounts: MountTable): string | null {
  const mount = mountOf(quota, mounts);
  return mount === 'everything' ? '' : mount === null ? null : mountRoute(mount);
}

/** As it was sent. */
export function shownPath(route: string, { suffix }: QuotaTarget): string {
  return route === '' ? '' : `${route}/${suffix}`;
}

/** What the path and the role of a quota that is written stand for. Throws RequestError 400. */
export function targetOf(
  context: RouteContext,
  methods: readonly MountType[],
  name: string,
  sent: { readonly path: string; readonly role: string; readonly inheritable?: boolean | undefined },
): QuotaTarget {
  if (!isIdentifier(name)) throw badRequest('a quota is named by letters, digits and "._@-"');
  const target = placeOf(context, sent.path.replace(/^\/+|\/+$/g, ''));
  if (sent.role !== '') checkRole(methods, target, sent.role);
  const { mount, suffix } = target;
  return {
    name,
    mountId: mount?.id ?? null,
    route: mount === null ? '' : mountRoute(mount),
    suffix,
    role: sent.role,
    inheritable: sent.inheritable ?? mount === null,
  };
}

/** Throws RequestError 400 where two of these are for the same, and one of them is the one of this name. */
export function refuseSecond(quotas: readonly QuotaTarget[], name: string, mounts: MountTable): void {
  const own = quotas.find((quota) => quota.name === name);
  const route = own === undefined ? null : routeOf(own, mounts);
  if (own === undefined || route === null) return;
  const same = quotas.find(
    (other) => other !== own && routeOf(other, mounts) === route && other.suffix === own.suffix && other.role === own.role,
  );
  if (same !== undefined) throw badRequest(`quota rule with similar properties exists under the name "${same.name}"`);
}

interface Target {
  readonly mount: Mount | null;
  readonly suffix: string;
}

function placeOf(context: RouteContext, path: string): Target {
  if (path === '') return { mount: null, suffix: '' };
  const destination = runOf(context).mounts.resolve(path);
  if (destination === null) throw badRequest(`invalid mount path "${path}/"`);
  const { mount, path: suffix } = destination;
  const bare = suffix.endsWith('*') ? suffix.slice(0, -1) : suffix;
  if (bare !== '' && !isCanonicalPath(bare)) throw badRequest(`invalid path "${path}": only its end may be a "*"`);
  return { mount, suffix };
}

function checkRole(methods: readonly MountType[], { mount, suffix }: Target, role: string): void {
  if (suffix !== '') {
    throw badRequest(
      'Quotas cannot contain both a path suffix and a role. If a role is provided, path must be a valid auth mount with a concept of roles',
    );
  }
  const path = mount === null ? '' : `${mountRoute(mount)}/`;
  if (mount?.class !== 'auth' && mount?.type !== 'token') {
    throw badRequest(`Mount path "${path}" is not a valid auth method and therefore unsuitable for use with role-based quotas`);
  }
  const method = isSystemMount(mount) ? undefined : methods.find(({ type }) => type === mount.type);
  if (method?.loginRole === undefined) throw badRequest(`Mount path "${path}" does not support use with role-based quotas`);
  if (!isIdentifier(role)) throw badRequest(`"${role}" can't be the name of a role`);
}
