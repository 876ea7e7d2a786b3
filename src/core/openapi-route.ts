import { type CorridorParts, runOf, typeKey } from './corridor.ts';
import { mountRoute } from './mount-index.ts';
import type { Route } from './mount-type.ts';
import { openapiDocument } from './openapi.ts';

/** `sys/internal/specs/openapi`: the API of the mounts in which the caller may do anything. */
export function openapiRoute(parts: CorridorParts): Route {
  return {
    path: 'internal/specs/openapi',
    summary: 'The API as an OpenAPI document.',
    operations: {
      read: {
        summary: 'Reads it.',
        handle: (context) => {
          const mounts = runOf(context)
            .mounts.all()
            .filter((mount) => context.caller?.acl.reaches(`${mountRoute(mount)}/`) === true)
            .flatMap((mount) => {
              const type = parts.types.get(typeKey(mount.class, mount.type));
              if (type === undefined) return [];
              return [{ at: mountRoute(mount), routes: type.routesFor?.(mount.options) ?? type.routes }];
            });
          return Promise.resolve({ json: openapiDocument(mounts) });
        },
      },
    },
  };
}
