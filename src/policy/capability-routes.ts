import type { Json, JsonObject } from '../base/json.ts';
import { isCanonicalPath } from '../base/name.ts';
import type { Acl } from '../core/caller.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { type Fields, readFields } from '../protocol/field.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';

const maxPaths = 1_000;
const pathFields = {
  paths: { type: 'strings', description: 'The API paths to ask about.' },
  path: { type: 'strings', description: 'The old name of `paths`.' },
} as const satisfies Fields;
const tokenField = { token: { type: 'string', description: 'The token.' } } as const satisfies Fields;
const accessorField = { accessor: { type: 'string', description: 'The accessor of the token.' } } as const satisfies Fields;

/** What the caller's own token may do on paths. */
export const capabilitiesSelf: Route = {
  path: 'capabilities-self',
  summary: 'What this token may do.',
  operations: {
    write: {
      summary: 'Tells the capabilities on each path.',
      // Clients send the token to all three routes.
      fields: { ...tokenField, ...pathFields },
      handle: (context) => Promise.resolve(answer(context, context.caller?.acl ?? null)),
    },
  },
};

/** How to find the policies of another token. Null: there is no such token. */
export type ResolveAcl = (
  context: RouteContext,
  holder: { readonly token: string } | { readonly accessor: string },
) => Promise<Acl | null>;

/** What another token may do on paths, by the token or by its accessor. */
export function capabilityRoutes(resolve: ResolveAcl): readonly Route[] {
  return [
    {
      path: 'capabilities',
      summary: 'What a token may do.',
      operations: {
        write: {
          summary: 'Tells the capabilities on each path.',
          fields: { ...tokenField, ...pathFields },
          handle: async (context) => {
            const { token } = readFields(tokenField, context.data);
            if (token === undefined || token === '') throw badRequest('missing token');
            return answer(context, await resolve(context, { token }), 'invalid token');
          },
        },
      },
    },
    {
      path: 'capabilities-accessor',
      summary: 'What the token of an accessor may do.',
      operations: {
        write: {
          summary: 'Tells the capabilities on each path.',
          fields: { ...accessorField, ...pathFields },
          handle: async (context) => {
            const { accessor } = readFields(accessorField, context.data);
            if (accessor === undefined || accessor === '') throw badRequest('missing accessor');
            return answer(context, await resolve(context, { accessor }), 'invalid accessor');
          },
        },
      },
    },
  ];
}

function answer(context: RouteContext, acl: Acl | null, unknown = 'missing token'): Reply {
  if (acl === null) throw badRequest(unknown);
  const body = readFields(pathFields, context.data);
  const paths = body.paths?.length ? body.paths : (body.path ?? []);
  if (paths.length === 0) throw badRequest('paths must be supplied');
  if (paths.length > maxPaths) throw badRequest(`more than ${maxPaths} paths`);
  return { data: capabilitiesOn(acl, paths) };
}

/** The capabilities on each path; of a single one as `capabilities` too. */
function capabilitiesOn(acl: Acl, paths: readonly string[]): JsonObject {
  const found = paths.map((path): [string, Json] => [path, [...capabilitiesOf(acl, path)]]);
  const [only] = found;
  return Object.fromEntries(found.length === 1 && only !== undefined ? [['capabilities', only[1]], ...found] : found);
}

/** A path that is not canonical is refused to everyone, also to root. */
function capabilitiesOf(acl: Acl, path: string): readonly string[] {
  const asked = path.replace(/^\/+/, '');
  if (asked === '') throw badRequest('missing path');
  return isCanonicalPath(asked) ? acl.capabilities(asked) : ['deny'];
}
