import { addressText } from '../protocol/managed.ts';
import { addressKey, compareKeys } from './address.ts';
import type { PlanChange } from './plan.ts';
import type { PlanProblem } from './problem.ts';
import type { SubjectLookup } from './reference.ts';
import type { Subject } from './subject.ts';

/** A change and whom it is about. */
export interface Step {
  readonly subject: Subject;
  readonly change: PlanChange;
}

/**
 * The order in which changes are made: what is needed before what needs it, what is deleted after what needed it, a
 * name free before it is taken again; else by address, deletes last. Changes that wait for each other in a circle are
 * a problem that names them.
 */
export function orderSteps(
  steps: readonly Step[],
  lookup: SubjectLookup,
): { readonly ordered: readonly Step[]; readonly problem: PlanProblem | null } {
  const ranked = [...steps].sort(byRank);
  const number = new Map(ranked.map(({ subject }, index) => [subject, index]));
  const waiting = ranked.map(() => 0);
  const followers: number[][] = ranked.map(() => []);
  const precede = (first: Subject, then: Subject): void => {
    const [from, to] = [number.get(first), number.get(then)];
    if (from === undefined || to === undefined || from === to) return;
    followers[from]?.push(to);
    waiting[to] = (waiting[to] ?? 0) + 1;
  };
  for (const step of ranked) {
    if (!isRemoval(step)) for (const needed of lookup.needs(step.subject)) precedeUnlessGone(needed, step.subject);
    for (const needed of lookup.needed(step.subject)) {
      if (isGone(needed)) precede(step.subject, needed);
      else if (isRemoval(step) && needed.kind.mount !== undefined) precede(needed, step.subject);
    }
  }
  freeBeforeTaken(ranked, precede);
  return drain(ranked, waiting, followers);

  function isGone(subject: Subject): boolean {
    const index = number.get(subject);
    const step = index === undefined ? undefined : ranked[index];
    return step !== undefined && isRemoval(step);
  }

  function precedeUnlessGone(needed: Subject, then: Subject): void {
    if (!isGone(needed)) precede(needed, then);
  }
}

function isRemoval({ change }: Step): boolean {
  return change.action === 'delete' || change.action === 'forget';
}

function byRank(a: Step, b: Step): number {
  return Number(isRemoval(a)) - Number(isRemoval(b)) || compareKeys(a.subject.key, b.subject.key);
}

/** What leaves an address goes before what comes to it; of mounts also where one path lies in the other. */
function freeBeforeTaken(steps: readonly Step[], precede: (first: Subject, then: Subject) => void): void {
  const leaving = new Map<string, Subject[]>();
  const leaves = (key: string, subject: Subject): void => {
    const list = leaving.get(key);
    if (list === undefined) leaving.set(key, [subject]);
    else list.push(subject);
  };
  for (const { subject, change } of steps) {
    if (change.action !== 'delete' && change.from === null) continue;
    for (const key of occupied(subject, subject.origin)) leaves(key, subject);
    if (subject.kind.mount !== undefined) leaves(`below ${addressKey(subject.origin)}`, subject);
  }
  if (leaving.size === 0) return;
  for (const { subject, change } of steps) {
    if (change.action !== 'create' && change.action !== 'move') continue;
    const key = addressKey(subject.address);
    const others = [...(leaving.get(key) ?? [])];
    if (subject.kind.mount !== undefined) {
      for (const above of ancestors(subject.address.name)) {
        others.push(...(leaving.get(`below ${addressKey({ ...subject.address, name: above })}`) ?? []));
      }
    }
    for (const other of new Set(others)) precede(other, subject);
  }
}

/** The keys that an object keeps others from: its own and, of a mount, those of the mounts that it would be nested in. */
function occupied(subject: Subject, address: Subject['address']): readonly string[] {
  const own = addressKey(address);
  if (subject.kind.mount === undefined) return [own];
  return [own, ...ancestors(address.name).map((name) => addressKey({ ...address, name }))];
}

function ancestors(path: string): readonly string[] {
  const segments = path.split('/');
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'));
}

/** Kahn's algorithm: of what waits for nothing any more, the first by rank comes next. */
function drain(
  ranked: readonly Step[],
  waiting: number[],
  followers: readonly (readonly number[])[],
): { readonly ordered: readonly Step[]; readonly problem: PlanProblem | null } {
  const ready = new LowestFirst();
  waiting.forEach((count, index) => {
    if (count === 0) ready.add(index);
  });
  const ordered: Step[] = [];
  for (let index = ready.take(); index !== undefined; index = ready.take()) {
    const step = ranked[index];
    if (step !== undefined) ordered.push(step);
    for (const follower of followers[index] ?? []) {
      const left = (waiting[follower] ?? 0) - 1;
      waiting[follower] = left;
      if (left === 0) ready.add(follower);
    }
  }
  if (ordered.length === ranked.length) return { ordered, problem: null };
  return { ordered, problem: circle(ranked, waiting, followers) };
}

function circle(ranked: readonly Step[], waiting: readonly number[], followers: readonly (readonly number[])[]): PlanProblem {
  // Whoever still waits is waited for by somebody on a circle, or stands behind one: walk backwards until one repeats.
  const before = new Map<number, number>();
  followers.forEach((list, index) => {
    if ((waiting[index] ?? 0) > 0) for (const follower of list) before.set(follower, index);
  });
  let current = waiting.findIndex((count) => count > 0);
  const walked = new Set<number>();
  while (!walked.has(current)) {
    walked.add(current);
    current = before.get(current) ?? current;
  }
  const path = [...walked];
  const names = path
    .slice(path.indexOf(current))
    .reverse()
    .map((index) => addressText(ranked[index]?.subject.address ?? noAddress));
  return {
    code: 'cycle',
    address: null,
    message: `these changes wait for each other: ${[...names, names[0]].join(' → ')}`,
    hint: 'make one of them in an apply of its own (-target)',
    place: null,
  };
}

const noAddress = { kind: '', mount: null, name: '' };

/** A binary heap of whole numbers. */
class LowestFirst {
  readonly #items: number[] = [];

  add(item: number): void {
    const items = this.#items;
    let index = items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((items[parent] ?? 0) <= item) break;
      items[index] = items[parent] ?? 0;
      index = parent;
    }
    items[index] = item;
  }

  take(): number | undefined {
    const items = this.#items;
    const lowest = items[0];
    const last = items.pop();
    if (lowest === undefined || last === undefined || items.length === 0) return lowest;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && (items[child + 1] ?? 0) < (items[child] ?? 0)) child += 1;
      if ((items[child] ?? 0) >= last) break;
      items[index] = items[child] ?? 0;
      index = child;
    }
    items[index] = last;
    return lowest;
  }
}
