import { runOf } from '../core/corridor.ts';
import type { Route } from '../core/mount-type.ts';
import { notFound } from '../protocol/request-error.ts';
import { Leases } from './leases.ts';

/** `sys/managed/leases/<path>`: how many leases a mount, or the requests at a path in one, have given, for the words of a plan. */
export const standingRoute: Route = {
  path: 'managed/leases/:path*',
  summary: 'How many leases stand that a mount has given, or the requests at a path in one.',
  operations: {
    read: {
      summary: 'Counts them.',
      forPlans: true,
      handle: async (context) => {
        const { core, mounts } = runOf(context);
        const destination = mounts.resolve(context.params.path ?? '');
        if (destination === null) throw notFound();
        const { mount, path } = destination;
        const leases = new Leases(core);
        const count = path === '' ? (await leases.standing(mount.id)).count : await leases.countAt(mount.id, path);
        return { data: { leases: count } };
      },
    },
  },
};
