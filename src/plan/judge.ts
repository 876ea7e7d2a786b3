import { atPointer, type JsonObject, pointerTokens } from '../base/json.ts';
import { fieldPath } from '../kinds/field-path.ts';
import type { ImpactAction, LensRequest, LiveObject } from '../kinds/kind.ts';
import { addressText } from '../protocol/managed.ts';
import { seenDigest } from '../protocol/seen-digest.ts';
import { addressKey } from './address.ts';
import { type Case, caseOf, type Circumstances, threeWay } from './case.ts';
import { difference, recordedSpec, secretPartChanged } from './diff.ts';
import { driftOf } from './drift.ts';
import { computedFields, writeOnlyFields } from './fields.ts';
import { isIgnored } from './ignored.ts';
import type { ChangeReason, Drift, PlanChange } from './plan.ts';
import { withValueAt } from './pointer.ts';
import type { PlanProblem } from './problem.ts';
import {
  foreignObject,
  importDiffers,
  importMissing,
  importName,
  moveImpossible,
  moveOccupied,
  protectedObject,
  refusedChange,
  unowned,
} from './refusal.ts';
import { sameShown, secretsAfter, secretsBefore, shownNow, withAdopted } from './shown.ts';
import { sameJson } from './same-json.ts';
import type { Observed } from './snapshot.ts';
import type { Subject } from './subject.ts';

/** What a plan does about one address. */
export interface Verdict {
  /** Null: nothing, it is as it should be. */
  readonly change: PlanChange | null;
  readonly drift: Drift | null;
  readonly problem: PlanProblem | null;
}

/** Decides about one address, apart from all others. */
export function judge(subject: Subject, seen: Observed, circumstances: Circumstances): Verdict {
  const all = caseOf(subject, seen, circumstances);
  const drift = driftOf(all);
  const outcome = decide(all, drift !== null);
  const problem = outcome !== null && 'code' in outcome ? outcome : null;
  const change = outcome !== null && 'code' in outcome ? null : outcome;
  const relevant = problem !== null || change?.silent === false;
  return { change, drift: drift === null ? null : { ...drift, relevant }, problem };
}

type Outcome = PlanChange | PlanProblem | null;

function decide(all: Case, drifted: boolean): Outcome {
  const { subject, live, destroy, mountReplaced } = all;
  const { record } = subject;
  if (record !== null && subject.forget) return forget(all);
  if (subject.desired === null || destroy) return record === null ? null : remove(all);
  if (subject.foreign !== null && record === null) return foreignObject(subject, subject.foreign);
  if (record === null) {
    if (subject.importId !== null) return adopt(all, subject.importId);
    return live === null ? write(all, 'create', null) : unowned(subject);
  }
  if (live === null) return write(all, 'create', 'deleted-outside');
  if (addressKey(subject.origin) !== subject.key) return move(all, live);
  return deletedSecret(all) && !mountReplaced && !all.replace
    ? write(all, 'create', 'deleted-outside')
    : compare(all, live, { drifted });
}

/** The current version of the secret part was deleted: there is nothing that could be updated. */
function deletedSecret({ subject, live, ignored }: Case): boolean {
  const { desired, record } = subject;
  if (live?.deleted !== true || desired === null || record === null) return false;
  return secretPartChanged(subject.fields, {
    desired: desired.spec,
    applied: record.spec,
    live,
    mark: record.mark,
    ignored,
  });
}

function forget(all: Case): PlanChange {
  return { ...frame(all), action: 'forget', modifies: false, before: shownNow(all), secrets: secretsBefore(all, 'unchanged') };
}

function remove(all: Case): Outcome {
  const { subject, live, context, destroy, mountReplaced } = all;
  const { record, kind } = subject;
  // Gone already: the record goes too, and nobody needs to hear of it.
  if (live === null) return { ...frame(all), action: 'forget', modifies: false, silent: true, before: shownNow(all) };
  if (record?.protect === true) return protectedObject(subject, 'delete');
  const refusal = refusalOf(all, 'delete', record?.spec ?? {});
  if (refusal !== null) return refusal;
  const name = destroy ? subject.origin : subject.via;
  return {
    ...frame(all),
    action: 'delete',
    from: null,
    address: subject.origin,
    reason: destroy ? null : 'not-declared',
    before: shownNow(all),
    secrets: secretsBefore(all, 'changed'),
    consequences: [...lostWithMount(subject), ...impactOf(all, 'delete', record?.spec ?? {})],
    requests: mountReplaced ? [] : kind.remove(name, context, record?.spec ?? null),
  };
}

function adopt(all: Case, importId: string): Outcome {
  const { subject, live } = all;
  if (live === null) return importMissing(subject, importId);
  const { name } = subject.address;
  if (importId !== name && importId !== addressText(subject.address)) return importName(subject, importId);
  return compare(all, live, { importId });
}

function move(all: Case, live: LiveObject): Outcome {
  const { subject, seen, context } = all;
  const { kind, fields, via, address } = subject;
  if (seen.target !== null) return moveOccupied(subject);
  if (addressKey(via) === subject.key) return compare(all, live, { moving: [] });
  const requests = kind.move?.(via, address, context) ?? null;
  if (requests !== null) return compare(all, live, { moving: requests });
  if (kind.move !== undefined || kind.mount !== undefined || !fields.plain) return moveImpossible(subject);
  const written = write(all, 'move', null);
  const removal = kind.remove(via, context, subject.record?.spec ?? null);
  const modifies = !sameShown(written.before, written.after);
  return { ...written, modifies, requests: [...written.requests, ...removal] };
}

/** What happens to an object besides that it is made as its document says. */
interface Besides {
  readonly importId?: string;
  /** The requests that move it. */
  readonly moving?: readonly LensRequest[];
  readonly drifted?: boolean;
}

/** What exists and is wanted. */
function compare(all: Case, live: LiveObject, besides: Besides): Outcome {
  const { subject, context, ignored } = all;
  const { kind, fields, desired, record } = subject;
  if (desired === null) return null;
  const way = threeWay(all, desired.spec, live);
  const found = difference(kind, fields, way);
  const reason = replaceReason(all, found.replaceOn);
  if (reason !== null)
    return besides.importId === undefined ? replace(all, reason, found.replaceOn) : importDiffers(subject, found.replaceOn);
  const differs = found.readable || found.changed.length > 0 || found.removed.length > 0;
  const kept = record === null || (sameJson(record.labels, desired.labels) && record.protect === desired.protect);
  const action = besides.importId !== undefined ? 'import' : besides.moving !== undefined ? 'move' : null;
  if (!differs && kept && action === null) return besides.drifted === true ? reconcile(all, desired.spec) : null;
  const change = { before: live, after: found.after, lastApplied: ownedOf(all), changed: found.changed };
  const requests = differs ? kind.write(change, subject.address, context) : [];
  const refusal = requests.length === 0 ? null : refusalOf(all, 'update', found.after);
  if (refusal !== null) return refusal;
  const written = writtenFields(requests, found.after, all);
  const spec = recordedSpec(found.after, fields, { applied: way.applied, ignored, written });
  return {
    ...frame(all),
    action: action ?? (requests.length > 0 ? 'update' : 'record'),
    importId: besides.importId ?? null,
    // Of an adopted object nothing was applied that could differ: it is modified where a request says so.
    modifies: action === 'import' ? requests.length > 0 : differs || !kept,
    before: action === 'import' ? withAdopted(shownNow(all), spec, written, all) : shownNow(all),
    after: { spec, labels: desired.labels, protect: desired.protect },
    secrets: secretsAfter(all, spec, written),
    consequences: [
      ...madeAnew(all, found.after, written),
      ...(requests.length === 0 ? [] : impactOf(all, 'update', found.after, written)),
    ],
    requests: [...(besides.moving ?? []), ...requests],
    ...(action === 'import' ? { mark: live.mark } : {}),
  };
}

/** Nothing to change; but a change by hand that the documents say by now is not drift any more, once it is recorded. */
function reconcile(all: Case, wanted: JsonObject): PlanChange {
  const { subject, ignored } = all;
  const { fields, desired, record } = subject;
  const spec = recordedSpec(wanted, fields, { applied: record?.spec ?? null, ignored, written: new Set() });
  const after = { spec, labels: desired?.labels ?? {}, protect: desired?.protect ?? false };
  return { ...frame(all), action: 'record', silent: true, modifies: false, before: shownNow(all), after };
}

function replaceReason(all: Case, replaceOn: readonly string[]): ChangeReason | null {
  if (all.mountReplaced) return 'with-mount';
  if (replaceOn.length > 0) return 'cannot-update';
  return all.replace ? 'requested' : null;
}

function replace(all: Case, reason: ChangeReason, replaceOn: readonly string[]): Outcome {
  const { subject, context } = all;
  const { record, desired } = subject;
  if (record?.protect === true || desired?.protect === true) return protectedObject(subject, 'replace');
  const refusal = refusalOf(all, 'replace', desired?.spec ?? {});
  if (refusal !== null) return refusal;
  const written = write(all, 'replace', reason);
  const removal = reason === 'with-mount' ? [] : subject.kind.remove(subject.via, context, record?.spec ?? null);
  return {
    ...written,
    replacePaths: replaceOn,
    consequences: [...lostWithMount(subject), ...written.consequences, ...impactOf(all, 'replace', desired?.spec ?? {})],
    requests: [...removal, ...written.requests],
  };
}

/** Everything is written, as if nothing were there (of a deleted secret: what is left of it). */
function write(all: Case, action: 'create' | 'replace' | 'move', reason: ChangeReason | null): PlanChange {
  const { subject, live, context } = all;
  const { kind, fields, desired } = subject;
  if (desired === null) throw new TypeError('only what is declared can be written');
  const before = action === 'create' ? live : null;
  const after = live === null ? desired.spec : difference(kind, fields, threeWay(all, desired.spec, live)).after;
  const changed = writeOnlyFields(after, fields).map(({ at }) => at);
  const requests = kind.write({ before, after, lastApplied: ownedOf(all), changed }, subject.address, context);
  const spec = recordedSpec(after, fields, null);
  return {
    ...frame(all),
    action,
    reason,
    before: action === 'create' ? null : shownNow(all),
    after: { spec, labels: desired.labels, protect: desired.protect },
    unknown: action === 'move' ? [] : computedFields(fields),
    secrets: secretsAfter(all, spec, new Set(changed)),
    consequences: [...madeAnew(all, after, new Set(changed)), ...(action === 'create' ? impactOf(all, action, after) : [])],
    requests,
  };
}

/** What was applied last, without the write-only fields that are ignored: their absence takes nothing away. */
function ownedOf({ subject: { record, fields }, ignored }: Case): JsonObject | null {
  if (record === null || ignored === null) return record?.spec ?? null;
  const left = writeOnlyFields(record.spec, fields).filter(({ at }) => isIgnored(ignored, at));
  return left.reduce((spec, { at }) => withValueAt(spec, pointerTokens(at), undefined), record.spec);
}

/** What every change has; the rest as of one that does nothing. */
function frame({ subject, seen }: Case): PlanChange {
  const moved = addressKey(subject.origin) !== subject.key;
  return {
    address: subject.address,
    action: 'record',
    from: moved ? subject.origin : null,
    importId: null,
    silent: false,
    modifies: true,
    reason: null,
    before: null,
    after: null,
    unknown: [],
    secrets: [],
    replacePaths: [],
    consequences: [],
    reads: seen.reads,
    seen: seenDigest(seen.replies),
    requests: [],
  };
}

/** The write-only fields (JSON pointers) that requests write. */
function writtenFields(requests: readonly LensRequest[], spec: JsonObject, { subject }: Case): ReadonlySet<string> {
  const names = new Set(requests.flatMap(({ values }) => values ?? []).map(({ field }) => field));
  const written = writeOnlyFields(spec, subject.fields).filter(({ at }) => names.has(fieldPath(pointerTokens(at))));
  return new Set(written.map(({ at }) => at));
}

/** A generated value that exists is replaced by another one: whoever uses it must hear of it. */
function madeAnew({ subject }: Case, spec: JsonObject, written: ReadonlySet<string>): readonly string[] {
  const { record, importId } = subject;
  const fields = [...written].filter((at) => {
    const known = record === null ? importId !== null : isGenerated(atPointer(record.spec, at));
    return known && isGenerated(atPointer(spec, at));
  });
  return fields.map((at) => `generates ${fieldPath(pointerTokens(at))} anew`);
}

function isGenerated(source: unknown): boolean {
  return typeof source === 'object' && source !== null && 'generate' in source;
}

function impactOf(
  { subject, seen, mountGoes }: Case,
  action: ImpactAction,
  spec: JsonObject,
  written: ReadonlySet<string> = new Set(),
): readonly string[] {
  return subject.kind.impact?.tell(action, action === 'create' ? [] : seen.impact, spec, written, mountGoes) ?? [];
}

function refusalOf({ subject, seen }: Case, action: ImpactAction, spec: JsonObject): PlanProblem | null {
  const refusal = subject.kind.impact?.refuses?.(action, seen.impact, spec) ?? null;
  return refusal === null ? null : refusedChange(subject, refusal);
}

function lostWithMount({ kind, origin }: Subject): readonly string[] {
  if (kind.mount === undefined) return [];
  return origin.kind === 'AuthMethod'
    ? [`revokes every token that auth/${origin.name} gave, and destroys what it holds`]
    : [`destroys everything that is stored below ${origin.name}/, also what no document declares`];
}
