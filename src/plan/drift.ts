import { type Case, threeWay } from './case.ts';
import { hasDrifted, secretPartChanged } from './diff.ts';
import type { Drift } from './plan.ts';
import { secretsBefore, shownNow, shownRecord } from './shown.ts';

/** What somebody changed since the last apply. Null: nothing, or nothing that documents declare. */
export function driftOf(all: Case): Drift | null {
  const { subject, seen, present, ignored } = all;
  const { record, kind, fields } = subject;
  if (record === null) return null;
  const live = seen.object;
  const about = { address: subject.address, before: shownRecord(record), relevant: false };
  const deleted = (): Drift => ({ ...about, action: 'delete', after: null, secrets: secretsBefore(all, 'changed') });
  if (live === null) return deleted();
  const way = { ...threeWay(all, subject.desired?.spec ?? record.spec, live), applied: record.spec, ignored };
  if (!hasDrifted(kind, fields, way, subject.origin, present)) return null;
  const secret = secretPartChanged(fields, way);
  if (secret && live.deleted === true) return deleted();
  const secrets = secretsBefore(all, secret ? 'changed' : 'unchanged');
  return { ...about, action: 'update', after: shownNow({ subject, live }), secrets };
}
