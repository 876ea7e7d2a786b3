import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { OutsideState } from '../protocol/managed.ts';
import { badRequest } from '../protocol/request-error.ts';
import { list, text } from './apply-body.ts';
import { type CorridorParts, type Run, runOf, typeKey } from './corridor.ts';
import { deletingMount } from './deleting-mounts.ts';
import type { Route } from './mount-type.ts';

/** The key of the end of a mount itself, with the leases that it gave. */
export const wholeMount = '';

/** `sys/managed/outside`: how the steps stand that an apply has left to the background. */
export function outsideRoute(parts: CorridorParts): Route {
  return {
    path: 'managed/outside',
    summary: 'How the steps stand which an apply has left to be done outside, in the background.',
    operations: {
      write: {
        summary: 'Says of each how much is left and what went wrong; null: it is done.',
        shown: ['mount', 'key'],
        fields: { steps: { type: 'any', description: 'A list of {mount, key}, as an apply named them.', required: true } },
        handle: async (context) => {
          const states: (OutsideState | null)[] = [];
          for (const [index, step] of list(context.data.steps, 'steps').entries())
            states.push(await stateOf(parts, runOf(context), step, `steps[${index}]`));
          return { data: { states: states as unknown as Json } };
        },
      },
    },
  };
}

async function stateOf(parts: CorridorParts, run: Run, step: Json, at: string): Promise<OutsideState | null> {
  if (!isJsonObject(step) || typeof step.key !== 'string') throw badRequest(`${at} must be an object with mount and key`);
  const id = text(step.mount, `${at}.mount`);
  if (step.key === wholeMount) {
    if ((await deletingMount(run.core, id)) === null) return null;
    const { count, problem } = await parts.leases.standing(run.core, id);
    return { left: count, problem };
  }
  const mount = run.mounts.byId(id);
  const jobs = mount === null ? undefined : parts.types.get(typeKey(mount.class, mount.type))?.jobs;
  return (await jobs?.standing?.(parts.barrier.view(run.tx, { mountId: id }), step.key)) ?? null;
}
