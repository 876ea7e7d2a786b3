import type { JsonObject } from '../base/json.ts';
import { noteDeleting } from './deleting-mounts.ts';
import { isFreeIdentifier, isMountPath } from '../base/name.ts';
import { randomText, randomUuid } from '../base/random.ts';
import { readFields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, MissingMount } from '../protocol/request-error.ts';
import { type CorridorParts, runOf, typeKey } from './corridor.ts';
import {
  checkDefaultTtl,
  enableFields,
  newConfig,
  reservedMounts,
  shownMount,
  shownTuning,
  tunedConfig,
  tuneFields,
} from './mount-fields.ts';
import { mountRoute } from './mount-index.ts';
import type { Mount, MountType, Route, RouteContext } from './mount-type.ts';
import { wholeMount } from './outside.ts';
import { isSystemMount } from './system-mounts.ts';

type MountClass = 'secret' | 'auth';

/** `sys/mounts` and `sys/auth`: the table of engines and auth methods. */
export function mountRoutes(parts: CorridorParts): readonly Route[] {
  return [...routesOf(parts, 'secret', 'mounts'), ...routesOf(parts, 'auth', 'auth')];
}

const noun = (mountClass: MountClass): string => (mountClass === 'secret' ? 'secret engine' : 'auth method');
const routeOf = (mountClass: MountClass, path: string): string => (mountClass === 'auth' ? `auth/${path}` : path);

function routesOf(parts: CorridorParts, mountClass: MountClass, folder: 'mounts' | 'auth'): readonly Route[] {
  const sudo = mountClass === 'auth';
  return [
    {
      path: folder,
      summary: `The mounted ${noun(mountClass)}s.`,
      operations: {
        read: { summary: 'Lists them by path.', handle: (context) => Promise.resolve({ data: shownAll(context, mountClass) }) },
      },
    },
    {
      path: `${folder}/:path*`,
      summary: `One ${noun(mountClass)}, or its tuning at …/tune.`,
      operations: {
        read: {
          summary: 'Reads it.',
          forPlans: true,
          handle: (context) => Promise.resolve(readMount(context, mountClass)),
        },
        write: {
          summary: 'Enables or tunes it.',
          fields: { ...enableFields, ...tuneFields },
          sudo,
          configures: true,
          handle: (context) => writeMount(parts, context, mountClass),
        },
        delete: {
          summary: 'Disables it and destroys what it holds.',
          sudo,
          configures: true,
          handle: (context) => disable(parts, context, mountClass),
        },
      },
    },
  ];
}

function shownAll(context: RouteContext, mountClass: MountClass): JsonObject {
  const shown: Record<string, JsonObject> = {};
  for (const mount of runOf(context).mounts.all()) {
    if (listedClass(mount) === mountClass) shown[`${listedPath(mount)}/`] = shownMount(mount);
  }
  return shown;
}

/** Among which mounts a listing shows it. */
export function listedClass(mount: Mount): MountClass {
  return mountRoute(mount).startsWith('auth/') ? 'auth' : 'secret';
}

/** The path under which a listing shows a mount: an auth method's without `auth/`. */
export function listedPath(mount: Mount): string {
  const route = mountRoute(mount);
  return route.startsWith('auth/') ? route.slice('auth/'.length) : route;
}

/** `sys/mounts` knows auth methods too, at `auth/…`. */
function find(context: RouteContext, mountClass: MountClass, path: string): Mount | null {
  const destination = runOf(context).mounts.resolve(routeOf(mountClass, path));
  return destination?.path === '' ? destination.mount : null;
}

/** `…/tune` is the tuning of the mount before it, unless a mount itself is called so. Null: nothing to be tuned. */
function tuneTarget(
  context: RouteContext,
  mountClass: MountClass,
): { readonly path: string; readonly mount: Mount | null } | null {
  const { path = '' } = context.params;
  if (!path.endsWith('/tune') || find(context, mountClass, path) !== null) return null;
  const tuned = path.slice(0, -'/tune'.length);
  return { path: tuned, mount: find(context, mountClass, tuned) };
}

function readMount(context: RouteContext, mountClass: MountClass): Reply {
  const { path = '' } = context.params;
  const tuned = tuneTarget(context, mountClass);
  if (tuned !== null) {
    const route = routeOf(mountClass, tuned.path);
    if (tuned.mount === null) throw new MissingMount(`cannot fetch sysview for path "${route}/"`);
    return { data: shownTuning(tuned.mount) };
  }
  const mount = find(context, mountClass, path);
  if (mount !== null) return { data: shownMount(mount) };
  throw new MissingMount(mountClass === 'secret' ? `No secret engine mount at ${path}/` : `No auth engine at ${path}/`);
}

async function writeMount(parts: CorridorParts, context: RouteContext, mountClass: MountClass): Promise<Reply> {
  const tuned = tuneTarget(context, mountClass);
  if (tuned === null) return enable(parts, context, mountClass, context.params.path ?? '');
  if (tuned.mount !== null) return tune(parts, context, tuned.mount);
  // A mount may be called `…/tune`.
  if (context.data.type !== undefined) return enable(parts, context, mountClass, context.params.path ?? '');
  throw new MissingMount(`tune of path "${routeOf(mountClass, tuned.path)}/" failed: no mount entry found`);
}

async function enable(parts: CorridorParts, context: RouteContext, mountClass: MountClass, path: string): Promise<Reply> {
  const run = runOf(context);
  const body = readFields(enableFields, context.data);
  const sentType = body.type === 'plugin' ? (textOf(body.config?.plugin_name) ?? body.plugin_name) : body.type;
  if (sentType === '') throw badRequest('backend type must be specified as a string');
  checkMountPath(path, mountClass);
  const versioned = mountClass === 'secret' ? versionOfName(sentType) : undefined;
  const typeName = versioned === undefined ? sentType : 'kv';
  const type = mountableType(parts, mountClass, typeName);
  const nested = run.mounts.nestedWith(routeOf(mountClass, path));
  if (nested !== null) throw badRequest(`path is already in use at ${listedPath(nested)}/`);
  const config = body.config ?? {};
  const sent = { ...(versioned === undefined ? {} : { version: versioned }), ...body.options };
  const mount: Mount = {
    id: randomUuid(context.random),
    class: mountClass,
    path,
    type: typeName,
    accessor: `${mountClass === 'auth' ? 'auth_' : ''}${typeName}_${randomText(context.random, 8, '0123456789abcdef')}`,
    description: body.description,
    options: type.options?.(sent, null) ?? sent,
    config: newConfig(config, { class: mountClass, type: typeName, locksOut: type.locksOut === true }),
    local: body.local,
    sealWrap: body.seal_wrap,
    ...(body.external_entropy_access ? { externalEntropyAccess: true } : {}),
  };
  await run.mounts.put(mount);
  await parts.barrier.createMountKey(run.tx, mount.id);
  await type.onMount?.({ ...context, mount, storage: parts.barrier.view(run.tx, { mountId: mount.id }) });
  return noContent;
}

/** Names under which clients mount a version of kv, one of them from before there were two. */
function versionOfName(type: string): string | undefined {
  return type === 'generic' ? '1' : /^kv-v([12])$/.exec(type)?.[1];
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function mountableType(parts: CorridorParts, mountClass: MountClass, typeName: string): MountType {
  if (mountClass === 'auth' && typeName === 'token') throw badRequest('token credential backend cannot be instantiated');
  if (mountClass === 'secret' && ['cubbyhole', 'system', 'identity', 'token'].includes(typeName)) {
    throw badRequest(`mount type of "${typeName}" is not mountable`);
  }
  const type = parts.types.get(typeKey(mountClass, typeName));
  if (type !== undefined) return type;
  const known = mountableTypes(parts.types, mountClass).join(', ');
  throw badRequest(`plugin not found in the catalog: ${typeName}; the ${noun(mountClass)}s are: ${known}`);
}

/** The types that can be mounted, sorted. */
export function mountableTypes(types: CorridorParts['types'], mountClass: MountClass): readonly string[] {
  const prefix = `${mountClass}/`;
  const names = [...types.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  return names.filter((name) => name !== 'cubbyhole').sort();
}

/** Can a mount lie at this path (an auth method's without `auth/`)? Throws RequestError 400. */
export function checkMountPath(path: string, mountClass: MountClass): void {
  const [first = ''] = path.split('/');
  if (reservedMounts[mountClass].includes(first.toLowerCase())) {
    if (mountClass === 'auth') throw badRequest('token credential backend cannot be instantiated');
    throw badRequest(`cannot mount "${path}/"`);
  }
  if (isMountPath(path) && isFreeIdentifier(first, reservedMounts[mountClass])) return;
  throw badRequest(
    `"${path}" can't be a mount path: segments of letters, digits and "._@-", joined by "/"; it starts with a letter or digit, and none with "." or "@"`,
  );
}

/** What can be changed of `sys/`, `identity/` and `cubbyhole/`. */
const systemTunable = ['audit_non_hmac_request_keys', 'audit_non_hmac_response_keys'];

async function tune(parts: CorridorParts, context: RouteContext, mount: Mount): Promise<Reply> {
  if (isSystemMount(mount) && mount.type !== 'token') {
    const refused = Object.keys(context.data).find((name) => Object.hasOwn(tuneFields, name) && !systemTunable.includes(name));
    if (refused !== undefined) throw badRequest(`cannot tune parameter ${refused} of ${mountRoute(mount)}/`);
  }
  const body = readFields(tuneFields, context.data);
  const type = parts.types.get(typeKey(mount.class, mount.type));
  const sent = tunedOptions(mount.options, body.options ?? {});
  const options = body.options === undefined ? mount.options : (type?.options?.(sent, mount.options) ?? sent);
  const config = tunedConfig(mount.config, context.data, { ...mount, locksOut: type?.locksOut === true });
  if (config.defaultLeaseTtl !== mount.config.defaultLeaseTtl || config.maxLeaseTtl !== mount.config.maxLeaseTtl) {
    checkDefaultTtl(config);
  }
  const { tx, mounts } = runOf(context);
  const storage = parts.barrier.view(tx, { mountId: mount.id });
  const warnings = (await type?.onTune?.({ ...context, mount, storage }, options)) ?? [];
  await mounts.put({ ...mount, config, description: body.description ?? mount.description, options });
  return warnings.length === 0 ? noContent : { status: 200, warnings };
}

/** As in the Vault API, what is not sent stays, and an empty value takes an option away; a version is never taken away. */
function tunedOptions(current: Mount['options'], sent: Mount['options']): Mount['options'] {
  const merged = Object.entries({ ...current, ...sent });
  return Object.fromEntries(merged.filter(([name, value]) => value !== '' || name === 'version'));
}

async function disable(parts: CorridorParts, context: RouteContext, mountClass: MountClass): Promise<Reply> {
  const run = runOf(context);
  const { path = '' } = context.params;
  const mount = find(context, mountClass, path);
  if (mount !== null && isSystemMount(mount)) {
    if (mount.type === 'token') throw badRequest('token credential backend cannot be disabled');
    throw badRequest(`cannot unmount "${mountRoute(mount)}/"`);
  }
  if (mount?.class !== mountClass) return noContent;
  if (mount.class === 'auth') await parts.tokens.revokeMount(run.core, mount.id);
  await run.mounts.delete(mount);
  // What its leases stand for can only be ended with what it holds.
  if (parts.types.get(typeKey(mount.class, mount.type))?.leases === undefined) {
    await parts.barrier.shredMount(run.tx, mount.id);
    return noContent;
  }
  await noteDeleting(run.core, mount);
  const { count } = await parts.leases.standing(run.core, mount.id);
  if (count === 0) return noContent;
  const what = `end ${count === 1 ? 'the lease' : `the ${count} leases`} of "${mountRoute(mount)}", then shred what it holds`;
  return { ...noContent, outside: [{ what, mount: mount.id, key: wholeMount }] };
}
