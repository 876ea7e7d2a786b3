import type { Json, JsonObject } from '../base/json.ts';
import type { Reply } from '../protocol/reply.ts';
import { permissionDenied, RequestError } from '../protocol/request-error.ts';
import { runOf } from './corridor.ts';
import { shownMount } from './mount-fields.ts';
import { mountRoute } from './mount-index.ts';
import { listedClass, listedPath } from './mount-routes.ts';
import type { Mount, Route, RouteContext } from './mount-type.ts';

/** `sys/internal/ui/mounts`: what clients ask before they know which mounts they may use. */
export const visibleMountRoutes: readonly Route[] = [
  {
    path: 'internal/ui/mounts',
    summary: 'The mounts that are shown to everybody, and with a token those in which it may do anything.',
    operations: {
      read: { summary: 'Lists them.', unauthenticated: true, handle: (context) => Promise.resolve(visibleMounts(context)) },
    },
  },
  {
    path: 'internal/ui/mounts/:path*',
    summary: 'The mount that a path lies in, for whoever may do anything there.',
    operations: {
      read: { summary: 'Finds it.', selfAuthorising: true, handle: (context) => Promise.resolve(visibleMount(context)) },
    },
  },
];

/** The mounts that a request may know of, in their order. Throws RequestError 403 for a token that is none. */
function mountsVisibleTo(context: RouteContext): readonly Mount[] {
  const { caller, request } = context;
  if (caller === null && request.token !== null && request.token !== '') throw permissionDenied();
  const { mounts } = runOf(context);
  return mounts
    .all()
    .filter((mount) => mount.config.listingVisibility === 'unauth' || caller?.acl.reaches(`${mountRoute(mount)}/`) === true);
}

function visibleMounts(context: RouteContext): Reply {
  const shown: Record<'secret' | 'auth', Record<string, Json>> = { auth: {}, secret: {} };
  for (const mount of mountsVisibleTo(context)) {
    const { description, type } = mount;
    const brief: JsonObject = { description, options: Object.keys(mount.options).length === 0 ? null : mount.options, type };
    shown[listedClass(mount)][`${listedPath(mount)}/`] = context.caller === null ? brief : shownMount(mount);
  }
  return { data: shown };
}

/** How clients find the mount of a path, and with it the version of its engine. */
function visibleMount(context: RouteContext): Reply {
  const { path = '' } = context.params;
  const destination = runOf(context).mounts.resolve(path);
  if (destination === null || context.caller?.acl.reaches(`${mountRoute(destination.mount)}/`) !== true) {
    // The same words for what is not there and for what may not be seen.
    throw new RequestError(
      403,
      `preflight capability check returned 403, please ensure client's policies grant access to path "${path}/"`,
    );
  }
  return { data: { ...shownMount(destination.mount), path: `${listedPath(destination.mount)}/` } };
}
