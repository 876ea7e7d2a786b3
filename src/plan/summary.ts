import { type Plan, type PlanChange, visibleChanges } from './plan.ts';

/** How many objects a plan imports, adds, changes, destroys, moves and forgets. A replaced one is added and destroyed. */
interface PlanCounts {
  readonly import: number;
  readonly add: number;
  readonly change: number;
  readonly destroy: number;
  readonly move: number;
  readonly forget: number;
}

function countChanges(plan: Plan): PlanCounts {
  const changes = visibleChanges(plan);
  const count = (matches: (change: PlanChange) => boolean): number => changes.filter(matches).length;
  return {
    import: count(({ action }) => action === 'import'),
    add: count(({ action }) => action === 'create' || action === 'replace'),
    change: count(
      ({ action, modifies }) =>
        (action === 'update' || action === 'record' || action === 'import' || action === 'move') && modifies,
    ),
    destroy: count(({ action }) => action === 'delete' || action === 'replace'),
    move: count(({ action }) => action === 'move'),
    forget: count(({ action }) => action === 'forget'),
  };
}

/** `Plan: 1 to import, 2 to add, 1 to change, 1 to destroy.`, with what else there is. */
export function planSummary(plan: Plan): string {
  const counts = countChanges(plan);
  return `Plan: ${[
    ...(counts.import > 0 ? [`${counts.import} to import`] : []),
    ...(counts.move > 0 ? [`${counts.move} to move`] : []),
    `${counts.add} to add`,
    `${counts.change} to change`,
    `${counts.destroy} to destroy`,
    ...(counts.forget > 0 ? [`${counts.forget} to forget`] : []),
  ].join(', ')}.`;
}

/** `Apply complete! Resources: 2 added, 1 changed, 1 destroyed.`, and what is still to come outside of the store. */
export function applySummary(plan: Plan, outcome: { readonly pending: number }): string {
  const counts = countChanges(plan);
  const done = [
    ...(counts.import > 0 ? [`${counts.import} imported`] : []),
    ...(counts.move > 0 ? [`${counts.move} moved`] : []),
    `${counts.add} added`,
    `${counts.change} changed`,
    `${counts.destroy} destroyed`,
    ...(counts.forget > 0 ? [`${counts.forget} forgotten`] : []),
  ];
  const { pending } = outcome;
  const outside = pending === 0 ? '' : ` ${pending} external ${pending === 1 ? 'step' : 'steps'} pending.`;
  const verb = plan.mode === 'destroy' ? 'Destroy' : 'Apply';
  return `${verb} complete! Resources: ${done.join(', ')}.${outside}`;
}
