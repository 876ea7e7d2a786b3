import type { JsonObject } from '../base/json.ts';
import type { LensContext, LiveObject } from '../kinds/kind.ts';
import type { ThreeWay } from './diff.ts';
import { type Ignored, ignoredFields } from './ignored.ts';
import type { Observed } from './snapshot.ts';
import type { Subject } from './subject.ts';

/** What counts besides the address itself when a plan decides about it. */
export interface Circumstances {
  /** The mounts as planned. */
  readonly context: LensContext;
  /** The mounts as they are. */
  readonly present: LensContext;
  readonly destroy: boolean;
  /** Named by -replace. */
  readonly replace: boolean;
  /** Its mount is replaced: whatever is live goes with the old one. */
  readonly mountReplaced: boolean;
  /** Its mount is deleted or replaced. */
  readonly mountGoes: boolean;
}

/** One address to decide about, with what is live there. */
export interface Case extends Circumstances {
  readonly subject: Subject;
  readonly seen: Observed;
  /** What is live, as it stands where the subject shall be; null also for what is not this subject's. */
  readonly live: LiveObject | null;
  readonly ignored: Ignored | null;
}

export function caseOf(subject: Subject, seen: Observed, circumstances: Circumstances): Case {
  const ignored = subject.desired === null ? null : ignoredFields(subject.desired.ignoreChanges);
  return { ...circumstances, subject, seen, live: liveHere(subject, seen, circumstances), ignored };
}

function liveHere(subject: Subject, { object }: Observed, { mountReplaced }: Circumstances): LiveObject | null {
  const { record, kind, address, origin } = subject;
  if (object === null || (record === null && mountReplaced)) return null;
  if (kind.mountField === null || address.mount === null || address.mount === origin.mount) return object;
  return { ...object, spec: { ...object.spec, [kind.mountField]: address.mount } };
}

/** The three states that are compared. */
export function threeWay({ subject, ignored }: Case, desired: JsonObject, live: LiveObject): ThreeWay {
  return { desired, applied: subject.record?.spec ?? null, live, mark: subject.record?.mark ?? null, ignored };
}
