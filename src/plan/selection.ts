import { nearest } from '../base/nearest.ts';
import { addressText } from '../protocol/managed.ts';
import { addressKey } from './address.ts';
import type { PlanProblem } from './problem.ts';
import type { SubjectLookup } from './reference.ts';
import type { Subject, Subjects } from './subject.ts';

/** Which subjects a plan is about. */
export interface Selection {
  readonly subjects: readonly Subject[];
  has(subject: Subject): boolean;
  readonly problems: readonly PlanProblem[];
}

/** Does this plan keep what the subject stands for? */
export function isWanted(subject: Subject, destroy: boolean): boolean {
  return subject.desired !== null && !destroy;
}

/**
 * The targets with all that they need, and of what goes also all that needs it. A mount that moves takes along what
 * lives in it, also of what is not targeted: its records would point to where nothing is any more.
 */
export function selectSubjects(
  subjects: Subjects,
  targets: readonly string[],
  destroy: boolean,
  lookup: SubjectLookup,
): Selection {
  if (targets.length === 0) return { subjects: subjects.all, has: () => true, problems: [] };
  const problems: PlanProblem[] = [];
  const chosen = new Set<Subject>();
  const queue: Subject[] = [];
  const choose = (subject: Subject): void => {
    if (chosen.has(subject)) return;
    chosen.add(subject);
    queue.push(subject);
  };
  for (const target of targets) {
    const subject = lookup.text(target);
    if (subject === undefined) problems.push(unknownTarget(target, '-target', subjects));
    else choose(subject);
  }
  const dependents = dependentsOf(subjects, lookup);
  for (let subject = queue.pop(); subject !== undefined; subject = queue.pop()) {
    if (isWanted(subject, destroy)) lookup.needs(subject).forEach(choose);
    else for (const dependent of dependents(subject)) if (!isWanted(dependent, destroy)) choose(dependent);
    if (movesMount(subject)) for (const dependent of dependents(subject)) choose(dependent);
    if (addressKey(subject.origin) !== addressKey(subject.via)) lookup.needed(subject).filter(movesMount).forEach(choose);
  }
  return { subjects: subjects.all.filter((subject) => chosen.has(subject)), has: (subject) => chosen.has(subject), problems };
}

function movesMount(subject: Subject): boolean {
  return subject.kind.mount !== undefined && addressKey(subject.origin) !== subject.key;
}

/** Who needed a subject when last applied; worked out at the first question. */
function dependentsOf(subjects: Subjects, lookup: SubjectLookup): (subject: Subject) => readonly Subject[] {
  let known: Map<Subject, Subject[]> | null = null;
  return (subject) => {
    if (known === null) {
      known = new Map();
      for (const dependent of subjects.all) {
        for (const needed of lookup.needed(dependent)) {
          const list = known.get(needed);
          if (list === undefined) known.set(needed, [dependent]);
          else list.push(dependent);
        }
      }
    }
    return known.get(subject) ?? [];
  };
}

export function unknownTarget(target: string, option: string, subjects: Subjects): PlanProblem {
  const near = nearest(
    target,
    subjects.all.map(({ address }) => addressText(address)),
  );
  return {
    code: 'unknown-target',
    address: null,
    message: `${option} ${target}: no document declares it, and this project manages no such object`,
    hint: near === null ? 'an address is Kind/name, or Kind/mount/name for what lives in a mount' : `did you mean ${near}?`,
    place: null,
  };
}

/** Selected objects would go down with things that are not selected. */
export function incompleteTarget(mount: Subject, left: readonly Subject[]): PlanProblem {
  const names = left.map((subject) => addressText(subject.address));
  return {
    code: 'incomplete-target',
    address: mount.address,
    message: `replacing ${addressText(mount.address)} destroys what is in it, and -target leaves out ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`,
    hint: 'plan without -target, or target these too',
    place: null,
  };
}
