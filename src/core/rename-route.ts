import { readFields } from '../protocol/field.ts';
import { badRequest } from '../protocol/request-error.ts';
import { admit, checkRequestPath, type CorridorParts, innerRequest, runOf, typeKey } from './corridor.ts';
import { type Destination, mountRoute } from './mount-index.ts';
import type { Route } from './mount-type.ts';

const fields = {
  from: { type: 'string', description: 'The present path, with its mount.', required: true },
  to: { type: 'string', description: 'The new path, in the same mount.', required: true },
} as const;

/**
 * `sys/managed/rename`: an object gets another name inside its mount and keeps what its document does not hold. The
 * caller needs what reading it here and writing it there would need, each asked as if it were sent alone.
 */
export function renameRoute(parts: CorridorParts): Route {
  return {
    path: 'managed/rename',
    summary: 'Renames an object inside its mount with all its versions.',
    operations: {
      write: {
        summary: 'Renames it.',
        fields,
        shown: ['from', 'to'],
        configures: true,
        handle: async (context) => {
          const run = runOf(context);
          const body = readFields(fields, context.data);
          for (const path of [body.from, body.to]) checkRequestPath({ operation: 'write', path });
          const [from, to] = [run.mounts.resolve(body.from), run.mounts.resolve(body.to)];
          const rename = from === null ? undefined : parts.types.get(typeKey(from.mount.class, from.mount.type))?.rename;
          if (from === null || to === null || rename === undefined || !sameMount(from, to)) {
            throw badRequest(
              `${body.from} can't be renamed to ${body.to}: only objects of one mount whose engine knows how to can`,
            );
          }
          const { mount } = from;
          for (const { operation, path } of rename.needs(mount, from.path, to.path)) {
            await admit(parts, run, innerRequest(context.request, operation, `${mountRoute(mount)}/${path}`, {}), context.caller);
          }
          const storage = parts.barrier.view(run.tx, { mountId: mount.id });
          return rename.perform({ ...context, mount, storage }, from.path, to.path);
        },
      },
    },
  };
}

function sameMount(from: Destination, to: Destination): boolean {
  return (
    from.mount.id === to.mount.id && from.path !== '' && to.path !== '' && from.path !== to.path && from.mount.class !== 'system'
  );
}
