import type { JsonObject } from '../base/json.ts';
import { permissionDenied } from '../protocol/request-error.ts';
import type { Operation } from '../protocol/request.ts';
import { type Destination, mountRoute } from './mount-index.ts';
import type { MountType, OperationSpec, Route } from './mount-type.ts';
import { openapiDocument } from './openapi.ts';
import type { RouteMatch } from './route.ts';

const verbs: Readonly<Record<Operation, string>> = {
  read: 'GET',
  list: 'LIST',
  write: 'POST',
  patch: 'PATCH',
  delete: 'DELETE',
};

/** In place of a route: the answer to who asks what it is for. Whoever may do anything in the mount may know. */
export function helpMatch(
  { mount, path }: Destination,
  type: MountType,
  routes: readonly Route[],
  found: RouteMatch | null,
): RouteMatch | null {
  if (path !== '' && found === null) return null;
  const at = mountRoute(mount);
  const route: Route = {
    path: found?.route.path ?? '',
    summary: 'Help.',
    operations: {
      read: {
        summary: 'Says what a path is for.',
        selfAuthorising: true,
        handle: ({ caller }) => {
          if (caller?.acl.reaches(`${at}/`) !== true) throw permissionDenied();
          return Promise.resolve({ json: found === null ? mountHelp(at, type, routes) : routeHelp(at, path, found.route) });
        },
      },
    },
  };
  return { route, params: {} };
}

/** What `?help=1` answers for a whole mount. */
function mountHelp(at: string, type: MountType, routes: readonly Route[]): JsonObject {
  const paths = routes.map((route) => `    ${route.path}\n        ${route.summary}\n`);
  const text = `## DESCRIPTION\n\n${type.description}\n\n## PATHS\n\nHelp for a path that matches one of these:\n\n${paths.join('\n')}`;
  return { help: text, openapi: openapiDocument([{ at, routes }]), see_also: null };
}

/** What `?help=1` answers for a path, relative to its mount. */
function routeHelp(at: string, path: string, route: Route): JsonObject {
  const operations = Object.entries(route.operations) as [Operation, OperationSpec][];
  const text = [
    `Request:        ${path}\nMatching route: ${route.path}\n\n${route.summary}\n`,
    ...operations.map(([operation, spec]) => `## ${verbs[operation]}\n\n${spec.summary}\n${fieldsText(spec)}`),
  ];
  return { help: text.join('\n'), openapi: openapiDocument([{ at, routes: [route] }]), see_also: null };
}

function fieldsText({ fields = {} }: OperationSpec): string {
  return Object.entries(fields)
    .map(
      ([name, field]) =>
        `\n    ${name} (${field.type}${field.required === true ? ', required' : ''})\n        ${field.description}\n`,
    )
    .join('');
}
