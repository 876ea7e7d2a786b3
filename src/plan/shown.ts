import { type JsonObject, pointerTokens } from '../base/json.ts';
import type { Case } from './case.ts';
import { withoutUnreadable, writeOnlyFields } from './fields.ts';
import type { SecretField, ShownObject } from './plan.ts';
import { withValueAt } from './pointer.ts';
import { sameJson } from './same-json.ts';

/** What is live, with the write-only fields as they were applied last; of an absent object what was applied last. */
export function shownNow({ subject, live }: Pick<Case, 'subject' | 'live'>): ShownObject | null {
  const { record, fields } = subject;
  if (live === null) return record === null ? null : shownRecord(record);
  let spec = withoutUnreadable(live.spec, fields);
  if (record !== null) {
    for (const { at, value } of writeOnlyFields(record.spec, fields)) spec = withValueAt(spec, pointerTokens(at), value);
  }
  return { spec, labels: record?.labels ?? {}, protect: record?.protect ?? false };
}

/** What a record says, without what it says of its apply. */
export function shownRecord({ spec, labels, protect }: ShownObject): ShownObject {
  return { spec, labels, protect };
}

/** The write-only fields of an adopted object that are not written stay as they are: they are no change to show. */
export function withAdopted(
  shown: ShownObject | null,
  spec: JsonObject,
  written: ReadonlySet<string>,
  { subject }: Case,
): ShownObject | null {
  if (shown === null) return null;
  let before = shown.spec;
  for (const { at, value } of writeOnlyFields(spec, subject.fields)) {
    if (!written.has(at)) before = withValueAt(before, pointerTokens(at), value);
  }
  return { ...shown, spec: before };
}

export function sameShown(a: ShownObject | null, b: ShownObject | null): boolean {
  return sameJson(a?.spec, b?.spec) && sameJson(a?.labels, b?.labels) && a?.protect === b?.protect;
}

/** The secret fields that were applied last, all in one state. */
export function secretsBefore({ subject }: Case, state: SecretField['state']): readonly SecretField[] {
  const { record, fields } = subject;
  if (record === null) return [];
  return writeOnlyFields(record.spec, fields).flatMap(({ at, secret }) => (secret ? [{ at, state }] : []));
}

/** The secret fields of both sides of a change. */
export function secretsAfter(all: Case, after: JsonObject, written: ReadonlySet<string>): readonly SecretField[] {
  const found = new Map<string, SecretField>();
  for (const field of secretsBefore(all, 'changed')) found.set(field.at, field);
  for (const { at, secret } of writeOnlyFields(after, all.subject.fields)) {
    if (secret) found.set(at, { at, state: written.has(at) ? 'changed' : 'unchanged' });
  }
  return [...found.values()];
}
