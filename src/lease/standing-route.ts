import { runOf } from '../core/corridor.ts';
import type { Route } from '../core/mount-type.ts';
import { Leases } from './leases.ts';

/** Of how many it is counted: a plan needs no more than the order of magnitude of a million. */
const countsAtMost = 10_000;

/** `sys/managed/leases/<path>`: how many leases the requests below a path have given, for the words of a plan. */
export const standingRoute: Route = {
  path: 'managed/leases/:path*',
  summary: 'How many leases stand of what was given at or below a path: a mount, or a path in one. Ten thousand at most.',
  operations: {
    read: {
      summary: 'Counts them.',
      forPlans: true,
      handle: async (context) => {
        const { path = '' } = context.params;
        const { core, mounts } = runOf(context);
        const leases = new Leases(core);
        const destination = mounts.resolve(path);
        // A mount that was moved has leases by its former path too.
        if (destination?.path === '') return { data: { leases: (await leases.standing(destination.mount.id)).count } };
        return { data: { leases: (await leases.below(path, null, countsAtMost)).length } };
      },
    },
  },
};
