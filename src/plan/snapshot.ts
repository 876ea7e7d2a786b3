import { Fault } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import type { LensContext, LensRead, LiveObject } from '../kinds/kind.ts';
import type { Snapshot } from '../protocol/managed.ts';
import { addressKey } from './address.ts';
import { collectSubjects, type PlanInput, type Subject, type Subjects } from './subject.ts';

/**
 * What the second snapshot has to read, and how its replies belong to addresses. Made from a first snapshot without
 * reads, which gives the records and the mounts.
 */
export interface SnapshotReads {
  readonly input: PlanInput;
  readonly records: Snapshot;
  readonly subjects: Subjects;
  /** The `reads` of the second snapshot; send `records.revision` with it, so that both show one state. */
  readonly reads: readonly LensRead[];
  /** And its `asides`, on which no plan depends. */
  readonly asides: readonly LensRead[];
  /**
   * By subject key: which of the reads (by index) show the object, which show what is where it moves to, and which of the
   * asides say what hangs on it.
   */
  readonly index: ReadonlyMap<string, Indices>;
  /** The mounts as they are: a lens reads what is live with them. */
  readonly live: LensContext;
}

interface Indices {
  readonly object: readonly number[];
  readonly target: readonly number[];
  readonly impact: readonly number[];
}

/** The reads that a plan needs, each once. */
export function snapshotReads(input: PlanInput, records: Snapshot): SnapshotReads {
  const live = liveMounts(records);
  const subjects = collectSubjects(input, records);
  const reads: LensRead[] = [];
  const asides: LensRead[] = [];
  const number = numbering(reads);
  const numberAside = numbering(asides);
  const index = new Map<string, Indices>();
  for (const subject of subjects.all) {
    const { kind, origin, via, address } = subject;
    // What moves with its mount finds its address free, as the mount moves only where nothing is.
    const moves = addressKey(via) !== subject.key;
    index.set(subject.key, {
      object: kind.reads(origin, live).map(number),
      target: moves ? kind.reads(address, live).map(number) : [],
      // What nobody manages is neither changed nor deleted.
      impact: subject.record === null ? [] : (kind.impact?.reads(origin, live) ?? []).map(numberAside),
    });
  }
  return { input, records, subjects, reads, asides, index, live };
}

/** The number of a read among `reads`, to which it is added where it is not there. */
function numbering(reads: LensRead[]): (read: LensRead) => number {
  const known = new Map<string, number>();
  return ({ operation, path }) => {
    const key = `${operation} ${path}`;
    let index = known.get(key);
    if (index === undefined) {
      index = reads.push({ operation, path }) - 1;
      known.set(key, index);
    }
    return index;
  };
}

function liveMounts({ engines, methods }: Snapshot): LensContext {
  return { engines: new Map(Object.entries(engines)), methods: new Map(Object.entries(methods)) };
}

/** What the snapshot shows at an address. */
export interface Observed {
  readonly reads: readonly LensRead[];
  readonly replies: readonly (JsonObject | null)[];
  readonly object: LiveObject | null;
  /** What is where the object shall move to. */
  readonly target: LiveObject | null;
  /** What hangs on the object. */
  readonly impact: readonly (JsonObject | null)[];
}

const nothing: Observed = { reads: [], replies: [], object: null, target: null, impact: [] };

/** The live object of a subject, from the replies of the second snapshot. */
export function observe(reads: SnapshotReads, snapshot: Snapshot, subject: Subject): Observed {
  const where = reads.index.get(subject.key);
  if (where === undefined) return nothing;
  const { kind, origin, address } = subject;
  const replies = where.object.map((index) => snapshot.replies[index] ?? null);
  const target = where.target.map((index) => snapshot.replies[index] ?? null);
  const all = where.target.length === 0 ? where.object : [...where.object, ...where.target];
  return {
    reads: all.flatMap((index) => reads.reads[index] ?? []),
    replies: where.target.length === 0 ? replies : [...replies, ...target],
    object: kind.read(replies, origin, reads.live),
    target: where.target.length === 0 ? null : kind.read(target, address, reads.live),
    impact: where.impact.map((index) => snapshot.asides?.[index] ?? null),
  };
}

/** Throws Fault `plan-stale` where the second snapshot does not belong to the first. */
export function checkSnapshot(reads: SnapshotReads, snapshot: Snapshot): void {
  if (snapshot.storeId !== reads.records.storeId || snapshot.revision !== reads.records.revision) {
    throw new Fault('plan-stale', 'the store changed while the plan was made', { hint: 'plan again' });
  }
  if (snapshot.replies.length !== reads.reads.length) {
    throw new Fault(
      'request-failed',
      `the store answered ${snapshot.replies.length} of ${reads.reads.length} reads of the snapshot`,
    );
  }
}
