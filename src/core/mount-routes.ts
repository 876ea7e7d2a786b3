import type { JsonObject } from '../base/json.ts';
import { isFreeIdentifier, isMountPath } from '../base/name.ts';
import { randomText, randomUuid } from '../base/random.ts';
import { readFields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, MissingMount, RequestError } from '../protocol/request-error.ts';
import { type CoreContext, type CorridorParts, typeKey } from './corridor.ts';
import { enableFields, newConfig, reservedMounts, shownMount, shownTuning, tunedConfig, tuneFields } from './mount-fields.ts';
import { mountRoute } from './mount-index.ts';
import type { Mount, Route, RouteContext } from './mount-type.ts';

type MountClass = 'secret' | 'auth';

/** `sys/mounts`, `sys/auth` and what belongs to them: the table of engines and auth methods. */
export function mountRoutes(parts: CorridorParts): readonly Route[] {
  return [...routesOf(parts, 'secret', 'mounts'), ...routesOf(parts, 'auth', 'auth'), remountRoute(parts), visibleMountRoute];
}

const runOf = (context: RouteContext) => (context as CoreContext).run;
const noun = (mountClass: MountClass): string => (mountClass === 'secret' ? 'secret engine' : 'auth method');

function routesOf(parts: CorridorParts, mountClass: MountClass, folder: 'mounts' | 'auth'): readonly Route[] {
  const find = (context: RouteContext, path: string): Mount | null => {
    const { mounts } = runOf(context);
    if (mountClass === 'secret')
      return mounts.at('secret', path) ?? (path === 'sys' ? (mounts.resolve('sys')?.mount ?? null) : null);
    return mounts.at('auth', path) ?? (path === 'token' ? (mounts.resolve('auth/token')?.mount ?? null) : null);
  };
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
          handle: (context) => Promise.resolve(readMount(context, mountClass, find)),
        },
        write: {
          summary: 'Enables or tunes it.',
          fields: { ...enableFields, ...tuneFields },
          sudo,
          configures: true,
          handle: (context) => writeMount(parts, context, mountClass, find),
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
    if (isOf(mount, mountClass)) shown[`${displayPath(mount)}/`] = shownMount(mount);
  }
  return shown;
}

function isOf(mount: Mount, mountClass: MountClass): boolean {
  if (mount.class !== 'system') return mount.class === mountClass;
  return (mount.type === 'token') === (mountClass === 'auth');
}

/** The path under which a listing shows a mount: an auth method's without `auth/`. */
function displayPath(mount: Mount): string {
  const route = mountRoute(mount);
  return route.startsWith('auth/') ? route.slice('auth/'.length) : route;
}

type Find = (context: RouteContext, path: string) => Mount | null;

function missing(mountClass: MountClass, path: string): MissingMount {
  return new MissingMount(mountClass === 'secret' ? `No secret engine mount at ${path}/` : `No auth engine at ${path}/`);
}

/** `…/tune` is the tuning of the mount before it, unless a mount itself is called so. */
function tuneTarget(context: RouteContext, find: Find): Mount | null {
  const { path = '' } = context.params;
  if (!path.endsWith('/tune') || find(context, path) !== null) return null;
  return find(context, path.slice(0, -'/tune'.length));
}

function readMount(context: RouteContext, mountClass: MountClass, find: Find): Reply {
  const { path = '' } = context.params;
  const tuned = tuneTarget(context, find);
  if (tuned !== null) return { data: shownTuning(tuned) };
  const mount = find(context, path);
  if (mount === null) throw missing(mountClass, path.replace(/\/tune$/, ''));
  return { data: shownMount(mount) };
}

async function writeMount(parts: CorridorParts, context: RouteContext, mountClass: MountClass, find: Find): Promise<Reply> {
  const tuned = tuneTarget(context, find);
  if (tuned !== null) return tune(parts, context, tuned);
  const { path = '' } = context.params;
  if (path.endsWith('/tune') && context.data.type === undefined) throw missing(mountClass, path.slice(0, -'/tune'.length));
  return enable(parts, context, mountClass, path);
}

async function enable(parts: CorridorParts, context: RouteContext, mountClass: MountClass, path: string): Promise<Reply> {
  const run = runOf(context);
  const body = readFields(enableFields, context.data);
  checkMountPath(path, mountClass);
  const nested = run.mounts.nestedWith(mountClass === 'auth' ? `auth/${path}` : path);
  if (nested !== null) throw badRequest(`path is already in use at ${mountRoute(nested)}/`);
  const versioned = /^kv-v([12])$/.exec(body.type)?.[1];
  const typeName = versioned === undefined || mountClass === 'auth' ? body.type : 'kv';
  const type = parts.types.get(typeKey(mountClass, typeName));
  if (type === undefined || typeName === 'cubbyhole') {
    throw badRequest(
      `there is no ${noun(mountClass)} of type "${body.type}"; known: ${knownTypes(parts, mountClass).join(', ')}`,
    );
  }
  const sent = { ...(versioned === undefined ? {} : { version: versioned }), ...body.options };
  const mount: Mount = {
    id: randomUuid(context.random),
    class: mountClass,
    path,
    type: typeName,
    accessor: `${mountClass === 'auth' ? 'auth_' : ''}${typeName}_${randomText(context.random, 8, '0123456789abcdef')}`,
    description: body.description,
    options: type.options?.(sent, null) ?? sent,
    config: newConfig(body.config ?? {}, { class: mountClass, type: typeName, locksOut: type.locksOut === true }),
    local: body.local,
    sealWrap: body.seal_wrap,
  };
  await run.mounts.put(mount);
  await parts.barrier.createMountKey(run.tx, mount.id);
  await type.onMount?.({ ...context, mount, storage: parts.barrier.view(run.tx, { mountId: mount.id }) });
  return noContent;
}

function checkMountPath(path: string, mountClass: MountClass): void {
  if (!isMountPath(path)) {
    throw badRequest(
      `"${path}" can't be a mount path: segments of letters, digits and "._@-" that start with a letter or digit, joined by "/"`,
    );
  }
  const [first = ''] = path.split('/');
  if (!isFreeIdentifier(first, reservedMounts[mountClass])) throw badRequest(`"${first}/" belongs to the system`);
}

function knownTypes(parts: CorridorParts, mountClass: MountClass): string[] {
  return [...parts.types.keys()]
    .filter((key) => key.startsWith(`${mountClass}/`))
    .map((key) => key.slice(mountClass.length + 1))
    .filter((type) => type !== 'cubbyhole');
}

async function tune(parts: CorridorParts, context: RouteContext, mount: Mount): Promise<Reply> {
  if (mount.class === 'system' || mount.id === 'cubbyhole')
    throw badRequest(`${mountRoute(mount)}/ belongs to the system and can't be tuned`);
  const body = readFields(tuneFields, context.data);
  const type = parts.types.get(typeKey(mount.class, mount.type));
  const sent = tunedOptions(mount.options, body.options ?? {});
  const options = body.options === undefined ? mount.options : (type?.options?.(sent, mount.options) ?? sent);
  await runOf(context).mounts.put({
    ...mount,
    config: tunedConfig(mount.config, context.data, { ...mount, locksOut: type?.locksOut === true }),
    description: body.description ?? mount.description,
    options,
  });
  return noContent;
}

/** As in the Vault API, what is not sent stays, and an empty value takes an option away; a version is never taken away. */
function tunedOptions(current: Mount['options'], sent: Mount['options']): Mount['options'] {
  const merged = Object.entries({ ...current, ...sent });
  return Object.fromEntries(merged.filter(([name, value]) => value !== '' || name === 'version'));
}

async function disable(parts: CorridorParts, context: RouteContext, mountClass: MountClass): Promise<Reply> {
  const run = runOf(context);
  const { path = '' } = context.params;
  const mount = run.mounts.at(mountClass, path);
  if (path === 'token' || path === 'sys' || mount?.id === 'cubbyhole')
    throw badRequest(`${path}/ belongs to the system and can't be disabled`);
  if (mount === null) return noContent;
  if (mount.class === 'auth') await parts.tokens.revokeMount(run.core, mount.id);
  await run.mounts.delete(mount);
  await parts.barrier.shredMount(run.tx, mount.id);
  return noContent;
}

const remountFields = {
  from: { type: 'string', description: 'The present path; an auth method’s starts with auth/.', required: true },
  to: { type: 'string', description: 'The new path.', required: true },
} as const;

function remountRoute(parts: CorridorParts): Route {
  return {
    path: 'remount',
    summary: 'Moves a mount to another path; its data stays where it is.',
    operations: {
      write: {
        summary: 'Moves it.',
        fields: remountFields,
        sudo: true,
        configures: true,
        handle: async (context) => {
          const { mounts } = runOf(context);
          const body = readFields(remountFields, context.data);
          const from = body.from.replace(/\/$/, '');
          const to = body.to.replace(/\/$/, '');
          const destination = mounts.resolve(from);
          const mount = destination?.path === '' ? destination.mount : null;
          if (mount === null || mount.class === 'system' || mount.id === 'cubbyhole')
            throw badRequest(`no mount to move at "${from}/"`);
          if ((mount.class === 'auth') !== to.startsWith('auth/'))
            throw badRequest('a mount can be moved within its own class only');
          const path = mount.class === 'auth' ? to.slice('auth/'.length) : to;
          checkMountPath(path, mount.class);
          const nested = mounts.nestedWith(to);
          if (nested !== null && nested.id !== mount.id) throw badRequest(`path is already in use at ${mountRoute(nested)}/`);
          await mounts.put({ ...mount, path });
          return { data: { migration_id: randomUuid(parts.random) } };
        },
      },
    },
  };
}

/** How clients find the mount of a path, and with it the version of its engine. */
const visibleMountRoute: Route = {
  path: 'internal/ui/mounts/:path*',
  summary: 'The mount that a path lies in, for whoever may do anything there.',
  operations: {
    read: {
      summary: 'Finds it.',
      selfAuthorising: true,
      handle: (context) => {
        const destination = runOf(context).mounts.resolve(context.params.path ?? '');
        const route = destination === null ? '' : `${mountRoute(destination.mount)}/`;
        if (destination === null || context.caller?.acl.reaches(route) !== true) {
          // The same words for what is not there and for what may not be seen.
          throw new RequestError(
            403,
            'preflight capability check returned 403, please ensure client\'s policies grant access to path "' +
              (context.params.path ?? '') +
              '/"',
          );
        }
        return Promise.resolve({ data: { ...shownMount(destination.mount), path: route } });
      },
    },
  },
};
