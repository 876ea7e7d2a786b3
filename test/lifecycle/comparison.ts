import { expect } from 'vitest';
import { type Plan, type PlanChange, visibleChanges } from '../../src/plan/plan.ts';
import { addressText } from '../../src/protocol/managed.ts';
import type { Expected, Outcome } from './oracle.ts';

/** The plan lists what the oracle says, and nothing else. */
export function compare(plan: Plan, expected: Expected): void {
  const { changes, silent, drift, unsure, unmanaged } = expected;
  const problems = plan.problems.map(({ code, address }) => `${code} ${address === null ? '' : addressText(address)}`);
  expect(problems.sort()).toEqual(expected.problems);
  if (problems.length > 0) return;
  const listed = visibleChanges(plan).map(({ address, action }) => `${addressText(address)} ${changeOf(action)}`);
  expect(listed.sort()).toEqual([...changes].map(([text, { action }]) => `${text} ${action}`).sort());
  const quiet = plan.changes.flatMap((change) => (change.silent ? [addressText(change.address)] : []));
  expect(quiet.filter((text) => !unsure.has(text)).sort()).toEqual([...silent.keys()].sort());
  const drifted = plan.drift.map(({ address, action }) => `${addressText(address)} ${action}`);
  expect(drifted.filter((text) => !unsure.has(text.replace(/ update$/, ''))).sort()).toEqual(
    [...drift].map(([text, action]) => `${text} ${action}`).sort(),
  );
  expect(plan.unmanaged.map(addressText).sort()).toEqual(unmanaged);
  for (const change of plan.changes) {
    const outcome = changes.get(addressText(change.address));
    const keeps = change.action !== 'delete' && change.action !== 'forget';
    if (!change.silent && outcome !== undefined && keeps) compareSecrets(change, outcome);
  }
}

function changeOf(action: PlanChange['action']): string {
  return action === 'update' || action === 'record' ? 'change' : action;
}

/** The plan says which values are written, and which of them nobody will know any more. */
function compareSecrets({ address, secrets, consequences }: PlanChange, { record, written, madeAnew }: Outcome): void {
  const changed = secrets.flatMap(({ at, state }) => (state === 'changed' ? [fieldAt(at)] : []));
  const declared = changed.filter((field) => record?.sources.has(field));
  expect(declared.sort(), `secrets of ${addressText(address)}`).toEqual([...written].sort());
  const said = consequences.flatMap((text) => /^generates (.*) anew$/.exec(text)?.[1] ?? []);
  expect(said.sort(), `values of ${addressText(address)} made anew`).toEqual([...madeAnew].map(shownField).sort());
}

/** The field of `/data/x`, or of `/password`. */
function fieldAt(pointer: string): string {
  return pointer
    .replace(/^\/(data\/)?/, '')
    .replaceAll('~1', '/')
    .replaceAll('~0', '~');
}

function shownField(name: string): string {
  if (name === 'password') return name;
  return /^[A-Za-z0-9_-]+$/.test(name) ? `data.${name}` : `data[${JSON.stringify(name)}]`;
}
