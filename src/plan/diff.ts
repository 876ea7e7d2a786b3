import { atPointer, type JsonObject, pointerTokens } from '../base/json.ts';
import type { Kind, LensContext, LiveObject, ResourceName } from '../kinds/kind.ts';
import { redactSource, sameSource } from '../kinds/value-source.ts';
import { type FieldNode, sameReadable, type WriteOnlyField, writeOnlyFields } from './fields.ts';
import { type Ignored, ignoredPointers, isIgnored } from './ignored.ts';
import { withValueAt } from './pointer.ts';
import { sameJson } from './same-json.ts';

/** One address, three ways. */
export interface ThreeWay {
  /** As the document wants it, normalised; value sources stand as they are. */
  readonly desired: JsonObject;
  /** As it was applied last, value sources redacted; null: not managed yet. */
  readonly applied: JsonObject | null;
  readonly live: LiveObject;
  /** The mark that the last apply or rotation left; null: none. */
  readonly mark: string | null;
  readonly ignored: Ignored | null;
}

/** How what is live differs from what is wanted. */
export interface Difference {
  /** The desired spec with ignored fields as they are. */
  readonly after: JsonObject;
  /** A readable field differs. */
  readonly readable: boolean;
  /** Write-only fields (JSON pointers) that must be written. */
  readonly changed: readonly string[];
  /** Write-only fields (JSON pointers) that were applied and are declared no more. */
  readonly removed: readonly string[];
  /** Where a change needs the object to be deleted and created (of `Kind.replaceOn`). */
  readonly replaceOn: readonly string[];
}

/**
 * Compares the readable fields with what is live and the write-only ones with what was last applied. Where the secret
 * part is not the one that was written last, all write-only fields are to be written again.
 */
export function difference(kind: Kind, fields: FieldNode, way: ThreeWay): Difference {
  const { desired, live, ignored } = way;
  const { changed, removed } = changedWriteOnly(fields, way);
  const readable = !sameReadable(desired, live.spec, fields, ignored);
  const after = ignored === null ? desired : keepIgnored(desired, live.spec, fields, ignored);
  const differs = new Set([...changed, ...removed]);
  const replaceOn = readable || differs.size > 0 ? (kind.replaceOn ?? []).filter((at) => replaces(at)) : [];
  return { after, readable, changed, removed, replaceOn };

  function replaces(at: string): boolean {
    if (isIgnored(ignored, at)) return false;
    if ([...differs].some((pointer) => pointer === at || pointer.startsWith(`${at}/`))) return true;
    const wanted = atPointer(desired, at);
    return readable && !sameReadable(wanted, atPointer(live.spec, at), nodeAt(fields, at), null);
  }
}

function nodeAt(fields: FieldNode, pointer: string): FieldNode {
  let node = fields;
  for (const token of pointerTokens(pointer)) {
    const next = node.members.get(token) ?? node.others ?? node.items;
    if (next === null) return { ...node, mode: 'readable', members: new Map(), others: null, items: null, plain: true };
    node = next;
  }
  return node;
}

function changedWriteOnly(fields: FieldNode, way: ThreeWay): { changed: readonly string[]; removed: readonly string[] } {
  const { desired, applied, live, ignored } = way;
  const declared = writeOnlyFields(desired, fields).filter(({ at }) => !isIgnored(ignored, at));
  const known = applied === null ? [] : writeOnlyFields(applied, fields);
  const rewrite = secretPartChanged(fields, way);
  const changed = declared.filter((field) => {
    if (applied === null) return live.deleted === true || definite(field);
    if (rewrite) return true;
    return field.secret
      ? !sameSource(field.value, atPointer(applied, field.at))
      : !sameJson(field.value, atPointer(applied, field.at));
  });
  const removed = known.filter(({ at }) => !isIgnored(ignored, at) && atPointer(desired, at) === undefined);
  return { changed: changed.map(({ at }) => at), removed: removed.map(({ at }) => at) };
}

/**
 * Of an adopted object a sealed block is written, since it says what the value must be. The other sources say how a
 * value is made when there is none, and an object that exists has its values.
 */
function definite({ secret, value }: WriteOnlyField): boolean {
  return !secret || 'sealed' in redactSource(value);
}

/** Is the live secret part another one than an apply or a rotation of this object wrote last? */
export function secretPartChanged(fields: FieldNode, { desired, applied, live, mark, ignored }: ThreeWay): boolean {
  if (fields.plain || applied === null) return false;
  if (live.mark === mark && live.deleted !== true) return false;
  const secrets = [...writeOnlyFields(desired, fields), ...writeOnlyFields(applied, fields)];
  return secrets.some(({ secret, at }) => secret && !isIgnored(ignored, at));
}

/** What is live differs from what was applied last, in a field that documents declare and that is not ignored. */
export function hasDrifted(
  kind: Kind,
  fields: FieldNode,
  way: ThreeWay & { readonly applied: JsonObject },
  name: ResourceName,
  context: LensContext,
): boolean {
  const { applied, live, ignored } = way;
  if (secretPartChanged(fields, way)) return true;
  if (sameReadable(applied, live.spec, fields, ignored)) return false;
  // Normalised anew: an older version of the program may have recorded fewer defaults.
  return !sameReadable(kind.normalize(applied, name, context), live.spec, fields, ignored);
}

/** The desired spec with the ignored readable fields as they are live. */
function keepIgnored(desired: JsonObject, live: JsonObject, fields: FieldNode, ignored: Ignored): JsonObject {
  let spec = desired;
  for (const at of ignoredPointers(ignored, [])) spec = withValueAt(spec, pointerTokens(at), atPointer(live, at));
  for (const { at, value } of writeOnlyFields(desired, fields)) {
    if (isIgnored(ignored, at)) spec = withValueAt(spec, pointerTokens(at), value);
  }
  return spec;
}

/**
 * A spec as it is recorded and shown: value sources redacted. An ignored write-only field that is not written keeps
 * what was applied last.
 */
export function recordedSpec(
  spec: JsonObject,
  fields: FieldNode,
  kept: { readonly applied: JsonObject | null; readonly ignored: Ignored | null; readonly written: ReadonlySet<string> } | null,
): JsonObject {
  let recorded = spec;
  for (const { at, secret, value } of writeOnlyFields(spec, fields)) {
    if (kept !== null && isIgnored(kept.ignored, at) && !kept.written.has(at)) {
      recorded = withValueAt(recorded, pointerTokens(at), kept.applied === null ? undefined : atPointer(kept.applied, at));
    } else if (secret) {
      recorded = withValueAt(recorded, pointerTokens(at), { ...redactSource(value) });
    }
  }
  return recorded;
}
