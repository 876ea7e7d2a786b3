import { addressText } from '../protocol/managed.ts';
import type { Step } from './graph.ts';
import type { PlanMode } from './plan.ts';
import type { PlanNote } from './problem.ts';
import { writeOnlyFields } from './fields.ts';

/** What people must know of a plan besides its changes. */
export function planNotes(
  steps: readonly Step[],
  options: { readonly targets: readonly string[]; readonly mode: PlanMode },
): readonly PlanNote[] {
  return [...targetNote(options.targets), ...forgetNote(steps), ...adoptNote(steps), ...rebindNote(steps)];
}

/** The summary of the note that a plan with targets has. */
export const targetingSummary = 'Resource targeting is in effect';

function targetNote(targets: readonly string[]): readonly PlanNote[] {
  if (targets.length === 0) return [];
  return [
    {
      summary: targetingSummary,
      detail:
        'The plan is limited by -target, so it may leave out changes that the documents ask for. It is meant for repairs; plan without it when they are done.',
    },
  ];
}

function forgetNote(steps: readonly Step[]): readonly PlanNote[] {
  const names = namesOf(steps, ({ change }) => change.action === 'forget' && !change.silent);
  if (names.length === 0) return [];
  return [
    {
      summary: 'Some objects will no longer be managed by secretctl',
      detail: `They stay in the store as they are, and import is the way back:\n${list(names)}`,
    },
  ];
}

/** Sources that say how to make a value leave the values of an adopted object alone. */
function adoptNote(steps: readonly Step[]): readonly PlanNote[] {
  const names = namesOf(
    steps,
    ({ change }) => change.action === 'import' && change.secrets.some(({ state }) => state === 'unchanged'),
  );
  if (names.length === 0) return [];
  return [
    {
      summary: 'Imported secrets keep the values they have',
      detail: `Fields from generate, fromEnv and fromFile are written only where they are not there yet or their source changes:\n${list(names)}`,
    },
  ];
}

/** A sealed block opens only at the address it was made for. */
function rebindNote(steps: readonly Step[]): readonly PlanNote[] {
  const names = namesOf(steps, ({ subject, change }) => {
    if (change.action !== 'move' || subject.desired === null) return false;
    const written = new Set(change.secrets.flatMap(({ at, state }) => (state === 'unchanged' ? [at] : [])));
    return writeOnlyFields(subject.desired.spec, subject.fields).some(
      ({ at, secret, value }) => secret && written.has(at) && typeof value === 'object' && value !== null && 'sealed' in value,
    );
  });
  if (names.length === 0) return [];
  return [
    {
      summary: 'Sealed values of moved objects are bound to their old address',
      detail: `Their values stay as they are, but the blocks in the repo can't be written again until \`secretctl encrypt -rewrap\` has bound them anew:\n${list(names)}`,
    },
  ];
}

function namesOf(steps: readonly Step[], matches: (step: Step) => boolean): readonly string[] {
  return steps
    .filter(matches)
    .map(({ change }) => addressText(change.address))
    .sort();
}

function list(names: readonly string[]): string {
  return names.map((name) => `  - ${name}`).join('\n');
}
