import { addressText, type Snapshot } from '../protocol/managed.ts';
import { addressKey, bareAddress } from './address.ts';
import { mountsInUse } from './destroyed-mount.ts';
import { orderSteps, type Step } from './graph.ts';
import type { Circumstances } from './case.ts';
import { judge, type Verdict } from './judge.ts';
import { plannedMounts, unmanagedMounts } from './mounts.ts';
import { unknownMountTypes } from './mount-types.ts';
import { planNotes } from './notes.ts';
import type { Drift, Plan, PlanChange, PlanMode } from './plan.ts';
import type { PlanProblem } from './problem.ts';
import { SubjectLookup } from './reference.ts';
import { incompleteTarget, isWanted, type Selection, selectSubjects, unknownTarget } from './selection.ts';
import { checkSnapshot, observe, type SnapshotReads } from './snapshot.ts';
import type { Subject, Subjects } from './subject.ts';

export interface PlanOptions {
  readonly mode: PlanMode;
  /** The Environment document; null: none. */
  readonly environment: string | null;
  /** The config commit, or the digest of uncommitted documents. */
  readonly commit: string;
  /** Addresses (`Kind/[mount/]name`) to limit the plan to, with what they need. */
  readonly targets: readonly string[];
  /** Addresses to delete and create although nothing asks for it. */
  readonly replace: readonly string[];
  /** How many objects the plan may destroy; null: any number. */
  readonly maxDeletes: number | null;
}

/**
 * The plan that makes the store as the documents say. `snapshot` is the answer to `reads`. What keeps it from being
 * applied stands in `problems`, all at once. Throws Fault `plan-stale` where the store changed between the snapshots.
 */
export function makePlan(reads: SnapshotReads, snapshot: Snapshot, options: PlanOptions): Plan {
  checkSnapshot(reads, snapshot);
  const { subjects } = reads;
  const destroy = options.mode === 'destroy';
  const lookup = new SubjectLookup(subjects.byKey);
  const selection = selectSubjects(subjects, options.targets, destroy, lookup);
  const replaced = namedToReplace(options.replace, subjects, lookup);
  const judged = judgeAll(reads, snapshot, selection, { destroy, replace: replaced.subjects });
  const { ordered, problem: circle } = orderSteps(judged.steps, lookup);
  const changes = ordered.map(({ change }) => change);
  const refreshOnly = options.mode === 'refresh-only';
  const problems = [
    ...subjects.problems,
    ...selection.problems,
    ...replaced.problems,
    ...unknownMountTypes(snapshot, selection, destroy),
    ...judged.problems,
    ...(circle === null ? [] : [circle]),
    ...tooManyDeletes(changes, options),
  ];
  return {
    project: reads.input.project,
    environment: options.environment,
    commit: options.commit,
    storeId: snapshot.storeId,
    revision: snapshot.revision,
    mode: options.mode,
    targets: options.targets,
    changes: refreshOnly ? [] : changes,
    drift: refreshOnly ? judged.drift.map((drift) => ({ ...drift, relevant: true })) : judged.drift,
    unchanged: judged.unchanged,
    unmanaged: options.targets.length > 0 || destroy ? [] : unmanagedMounts(reads.records, subjects.byKey),
    notes: refreshOnly ? [] : planNotes(ordered, options),
    problems: refreshOnly ? [...selection.problems] : problems,
  };
}

function namedToReplace(
  addresses: readonly string[],
  known: Subjects,
  lookup: SubjectLookup,
): { readonly subjects: ReadonlySet<Subject>; readonly problems: readonly PlanProblem[] } {
  const subjects = new Set<Subject>();
  const problems: PlanProblem[] = [];
  for (const address of addresses) {
    const subject = lookup.text(address);
    if (subject === undefined) problems.push(unknownTarget(address, '-replace', known));
    else subjects.add(subject);
  }
  return { subjects, problems };
}

const undecided: Verdict = { change: null, drift: null, problem: null };

interface Judged {
  readonly steps: readonly Step[];
  readonly drift: readonly Drift[];
  readonly unchanged: readonly Subject['address'][];
  readonly problems: readonly PlanProblem[];
}

/** Mounts first: what is in a mount that is replaced goes with it. */
function judgeAll(
  reads: SnapshotReads,
  snapshot: Snapshot,
  selection: Selection,
  asked: { readonly destroy: boolean; readonly replace: ReadonlySet<Subject> },
): Judged {
  const { destroy } = asked;
  const shared = { context: plannedMounts(reads.live, selection, destroy), present: reads.live, destroy };
  const verdicts = new Map<Subject, Verdict>();
  const replacedMounts = new Map<string, Subject>();
  const goneMounts = new Map<string, Subject>();
  const decide = (subject: Subject, mountReplaced: boolean): Verdict => {
    const mountGoes = mountOf(subject, goneMounts) !== undefined;
    const circumstances: Circumstances = { ...shared, replace: asked.replace.has(subject), mountReplaced, mountGoes };
    const verdict = judge(subject, observe(reads, snapshot, subject), circumstances);
    verdicts.set(subject, verdict);
    return verdict;
  };
  for (const subject of selection.subjects) {
    if (subject.kind.mount === undefined) continue;
    const action = decide(subject, false).change?.action;
    if (action === 'replace') replacedMounts.set(addressKey(subject.address), subject);
    if (action === 'replace' || action === 'delete') goneMounts.set(addressKey(subject.address), subject);
  }
  for (const subject of selection.subjects) {
    if (subject.kind.mount === undefined) decide(subject, mountOf(subject, replacedMounts) !== undefined);
  }

  const steps: Step[] = [];
  const drift: Drift[] = [];
  const unchanged: Subject['address'][] = [];
  const problems: PlanProblem[] = [];
  for (const subject of selection.subjects) {
    const { change, drift: drifted, problem } = verdicts.get(subject) ?? undecided;
    if (problem !== null) problems.push(problem);
    if (drifted !== null) drift.push(drifted);
    if (change !== null) steps.push({ subject, change });
    else if (problem === null && isWanted(subject, destroy)) unchanged.push(subject.address);
  }
  problems.push(...leftInReplaced(reads, selection, replacedMounts), ...mountsInUse(reads, snapshot, steps, destroy));
  return { steps, drift, unchanged, problems };
}

function mountOf({ kind, address }: Subject, mounts: ReadonlyMap<string, Subject>): Subject | undefined {
  if (mounts.size === 0 || kind.mountKind === null || address.mount === null) return undefined;
  return mounts.get(addressKey({ kind: kind.mountKind, mount: null, name: address.mount }));
}

function leftInReplaced(
  reads: SnapshotReads,
  selection: Selection,
  replaced: ReadonlyMap<string, Subject>,
): readonly PlanProblem[] {
  if (replaced.size === 0) return [];
  const left = new Map<Subject, Subject[]>();
  for (const subject of reads.subjects.all) {
    const mount = selection.has(subject) || subject.record === null ? undefined : mountOf(subject, replaced);
    if (mount === undefined) continue;
    const others = left.get(mount);
    if (others === undefined) left.set(mount, [subject]);
    else others.push(subject);
  }
  return [...left].map(([mount, subjects]) => incompleteTarget(mount, subjects));
}

function tooManyDeletes(changes: readonly PlanChange[], { maxDeletes }: PlanOptions): readonly PlanProblem[] {
  const deletes = changes.filter(({ action }) => action === 'delete' || action === 'replace');
  if (maxDeletes === null || deletes.length <= maxDeletes) return [];
  const some = deletes.slice(0, 3).map(({ address }) => addressText(bareAddress(address)));
  return [
    {
      code: 'too-many-deletes',
      address: null,
      message: `the plan destroys ${deletes.length} objects (${some.join(', ')}, …), and at most ${maxDeletes} are allowed at once`,
      hint: 'raise reconcile.maxDeletes in secretctl.yaml, or apply it by hand',
      place: null,
    },
  ];
}
