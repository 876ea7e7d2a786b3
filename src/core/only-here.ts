import { notFound } from '../protocol/request-error.ts';
import { type CorridorParts, runOf, typeKey } from './corridor.ts';
import type { Route } from './mount-type.ts';

/** `sys/managed/only-here/<mount>`: what would be lost with a mount that nobody else knows, for the words of a plan. */
export function onlyHereRoute({ types, barrier }: CorridorParts): Route {
  return {
    path: 'managed/only-here/:path*',
    summary: 'What a mount holds that nobody else knows.',
    operations: {
      read: {
        summary: 'Says it in words; null: nothing.',
        forPlans: true,
        handle: async (context) => {
          const { mounts, tx } = runOf(context);
          const destination = mounts.resolve(context.params.path ?? '');
          // A mount by another path than its own is none: a policy may name that one alone.
          if (destination?.path !== '') throw notFound();
          const { mount } = destination;
          const { onlyHere } = types.get(typeKey(mount.class, mount.type)) ?? {};
          return { data: { only_here: (await onlyHere?.(barrier.view(tx, { mountId: mount.id }))) ?? null } };
        },
      },
    },
  };
}
