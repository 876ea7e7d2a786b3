import { randomUuid } from '../base/random.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import { type CorridorParts, runOf } from './corridor.ts';
import { listedPath, checkMountPath } from './mount-routes.ts';
import { reservedMounts } from './mount-fields.ts';
import { mountRoute } from './mount-index.ts';
import type { Route, RouteContext } from './mount-type.ts';
import { isSystemMount } from './system-mounts.ts';

const fields = {
  from: { type: 'string', description: 'The present path; an auth method’s starts with auth/.', default: '' },
  to: { type: 'string', description: 'The new path.', default: '' },
} as const satisfies Fields;

/** How many moves are remembered for those who ask what became of them. */
const remembered = 256;

/** `sys/remount`: a mount gets another path. It has moved when the reply comes. */
export function remountRoutes(parts: CorridorParts): readonly Route[] {
  const moves = new Map<string, { readonly from: string; readonly to: string }>();
  return [
    {
      path: 'remount',
      summary: 'Moves a mount to another path; its data stays where it is.',
      operations: {
        write: {
          summary: 'Moves it.',
          fields,
          shown: ['from', 'to'],
          sudo: true,
          configures: true,
          handle: async (context) => {
            const move = await remount(context);
            const id = randomUuid(parts.random);
            runOf(context).tx.onCommit(() => {
              moves.set(id, move);
              for (const oldest of moves.keys()) if (moves.size > remembered) moves.delete(oldest);
            });
            return { data: { migration_id: id } };
          },
        },
      },
    },
    {
      path: 'remount/status/:id',
      summary: 'What became of a move.',
      operations: {
        read: {
          summary: 'Tells it.',
          handle: ({ params: { id = '' } }) => {
            const move = moves.get(id);
            if (move === undefined) throw notFound();
            const info = { source_mount: `${move.from}/`, target_mount: `${move.to}/`, status: 'success' };
            return Promise.resolve({ data: { migration_id: id, migration_info: info } });
          },
        },
      },
    },
  ];
}

async function remount(context: RouteContext): Promise<{ readonly from: string; readonly to: string }> {
  const { mounts } = runOf(context);
  const body = readFields(fields, context.data);
  const from = body.from.replace(/\/$/, '');
  const to = body.to.replace(/\/$/, '');
  if (from === '' || to === '') throw badRequest("both 'from' and 'to' path must be specified as a string");
  const destination = mounts.resolve(from);
  const mount = destination?.path === '' ? destination.mount : null;
  if (mount !== null && isSystemMount(mount)) throw badRequest(`cannot remount "${from}/"`);
  const isAuth = from.startsWith('auth/');
  if (isAuth && !to.startsWith('auth/')) throw badRequest(`cannot remount auth mount to non-auth mount "${to}/"`);
  const path = isAuth ? to.slice('auth/'.length) : to;
  const [first = ''] = path.split('/');
  if (reservedMounts[isAuth ? 'auth' : 'secret'].includes(first.toLowerCase())) {
    throw badRequest(`cannot remount to destination ${to}/`);
  }
  checkMountPath(path, isAuth ? 'auth' : 'secret');
  if (mount === null) throw badRequest(`no matching mount at "${from}/"`);
  const nested = mountRoute(mount) === to ? mount : mounts.nestedWith(to, mount.id);
  if (nested !== null) throw badRequest(`path already in use at "${mountRoute(nested)}/"`);
  const source = listedPath(mount);
  await mounts.put({ ...mount, path });
  return { from: isAuth ? `auth/${source}` : source, to };
}
