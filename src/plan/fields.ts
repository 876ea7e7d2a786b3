import { isJsonObject, type Json, type JsonObject, toPointer } from '../base/json.ts';
import type { Kind, SpecSchema } from '../kinds/kind.ts';
import { ignoresWhole, type Ignored, ignoredBelow } from './ignored.ts';
import { sameJson } from './same-json.ts';

/** What a plan must know of one place in a spec, read from the schema of its kind once. */
export interface FieldNode {
  readonly mode: 'readable' | 'writeOnly' | 'computed';
  /** The value is a value source: shown by its redacted form only. */
  readonly secret: boolean;
  /** The kind that the field (or each item of it) names. */
  readonly reference: string | null;
  readonly members: ReadonlyMap<string, FieldNode>;
  /** Of members that the schema does not name. */
  readonly others: FieldNode | null;
  readonly items: FieldNode | null;
  /** Nothing at or below is write-only or computed: values are compared as they are. */
  readonly plain: boolean;
  /** Something at or below names another object. */
  readonly refers: boolean;
}

const plainNode: FieldNode = {
  mode: 'readable',
  secret: false,
  reference: null,
  members: new Map(),
  others: null,
  items: null,
  plain: true,
  refers: false,
};

/** The fields of a kind's spec. */
export function fieldsOfKind(kind: Kind): FieldNode {
  return compile(kind.spec);
}

function compile(schema: SpecSchema): FieldNode {
  // What a conditional or alternative branch says of a field holds for the field: which branch applies is not known here.
  const branches = branchesOf(schema);
  const members = new Map<string, FieldNode>();
  for (const branch of branches) {
    for (const [name, property] of Object.entries(branch.properties ?? {})) {
      const known = members.get(name);
      const node = compile(property);
      members.set(name, known === undefined ? node : merge(known, node));
    }
  }
  const others = branches.flatMap(({ additionalProperties }) =>
    typeof additionalProperties === 'object' ? [compile(additionalProperties)] : [],
  );
  const items = branches.flatMap((branch) => (branch.items === undefined ? [] : [compile(branch.items)]));
  const secret = branches.some((branch) => branch['x-secret'] === true);
  const mode = branches.find((branch) => branch['x-field'] !== undefined)?.['x-field'] ?? 'readable';
  return node({
    mode: secret ? 'writeOnly' : mode,
    secret,
    reference: branches.find((branch) => branch['x-reference'] !== undefined)?.['x-reference'] ?? null,
    members,
    others: others.length === 0 ? null : others.reduce(merge),
    items: items.length === 0 ? null : items.reduce(merge),
  });
}

function branchesOf(schema: SpecSchema): readonly SpecSchema[] {
  const alternatives = [...(schema.oneOf ?? []), ...(schema.anyOf ?? []), ...(schema.allOf ?? [])];
  for (const branch of [schema.then, schema.else]) if (branch !== undefined) alternatives.push(branch);
  return [schema, ...alternatives.flatMap(branchesOf)];
}

function merge(a: FieldNode, b: FieldNode): FieldNode {
  const members = new Map(a.members);
  for (const [name, member] of b.members) {
    const known = members.get(name);
    members.set(name, known === undefined ? member : merge(known, member));
  }
  return node({
    mode: a.mode === 'readable' ? b.mode : a.mode,
    secret: a.secret || b.secret,
    reference: a.reference ?? b.reference,
    members,
    others: a.others === null || b.others === null ? (a.others ?? b.others) : merge(a.others, b.others),
    items: a.items === null || b.items === null ? (a.items ?? b.items) : merge(a.items, b.items),
  });
}

function node(parts: Omit<FieldNode, 'plain' | 'refers'>): FieldNode {
  const below = [...parts.members.values(), parts.others, parts.items].filter((child) => child !== null);
  return {
    ...parts,
    plain: parts.mode === 'readable' && below.every((child) => child.plain),
    refers: parts.reference !== null || below.some((child) => child.refers),
  };
}

function memberOf(fields: FieldNode, name: string): FieldNode {
  return fields.members.get(name) ?? fields.others ?? plainNode;
}

/** Are two specs equal in every readable field that is not ignored? An absent object equals an empty one. */
export function sameReadable(a: Json | undefined, b: Json | undefined, fields: FieldNode, ignored: Ignored | null): boolean {
  if (fields.mode !== 'readable' || ignoresWhole(ignored)) return true;
  if (fields.plain && ignored === null) return sameJson(a, b);
  if (Array.isArray(a) && Array.isArray(b)) {
    const [first, second] = [a as readonly Json[], b as readonly Json[]];
    return (
      first.length === second.length &&
      first.every((item, index) =>
        sameReadable(item, second[index], fields.items ?? plainNode, ignoredBelow(ignored, String(index))),
      )
    );
  }
  const [first, second] = [a ?? emptyObject, b ?? emptyObject];
  if (!isJsonObject(first) || !isJsonObject(second)) return sameJson(a, b);
  for (const name of Object.keys(first)) {
    if (!sameReadable(first[name], memberValue(second, name), memberOf(fields, name), ignoredBelow(ignored, name))) return false;
  }
  for (const name of Object.keys(second)) {
    if (Object.hasOwn(first, name)) continue;
    if (!sameReadable(undefined, second[name], memberOf(fields, name), ignoredBelow(ignored, name))) return false;
  }
  return true;
}

const emptyObject: JsonObject = {};

function memberValue(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** A write-only field that a spec states. */
export interface WriteOnlyField {
  /** A JSON pointer into spec. */
  readonly at: string;
  readonly secret: boolean;
  readonly value: Json;
}

/** The write-only fields of a spec, in its order. */
export function writeOnlyFields(spec: JsonObject, fields: FieldNode): readonly WriteOnlyField[] {
  const found: WriteOnlyField[] = [];
  if (!fields.plain) collectWriteOnly(spec, fields, [], found);
  return found;
}

function collectWriteOnly(value: Json, fields: FieldNode, tokens: readonly (string | number)[], found: WriteOnlyField[]): void {
  if (fields.mode === 'writeOnly') {
    found.push({ at: toPointer(tokens), secret: fields.secret, value });
    return;
  }
  if (fields.plain || fields.mode === 'computed') return;
  if (Array.isArray(value)) {
    const { items } = fields;
    if (items === null) return;
    (value as readonly Json[]).forEach((item, index) => collectWriteOnly(item, items, [...tokens, index], found));
  } else if (isJsonObject(value)) {
    for (const [name, member] of Object.entries(value))
      collectWriteOnly(member, memberOf(fields, name), [...tokens, name], found);
  }
}

/** A spec without its computed and its write-only fields. */
export function withoutUnreadable(spec: JsonObject, fields: FieldNode): JsonObject {
  return (fields.plain ? spec : strip(spec, fields)) as JsonObject;
}

function strip(value: Json, fields: FieldNode): Json {
  if (fields.plain) return value;
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    const { items } = fields;
    return items === null ? list : list.map((item) => strip(item, items));
  }
  if (!isJsonObject(value)) return value;
  const kept: [string, Json][] = [];
  for (const [name, member] of Object.entries(value)) {
    const below = memberOf(fields, name);
    if (below.mode === 'readable') kept.push([name, strip(member, below)]);
  }
  return Object.fromEntries(kept);
}

/** The fields at the top of a spec that only the store can tell, as JSON pointers. */
export function computedFields(fields: FieldNode): readonly string[] {
  return [...fields.members].filter(([, member]) => member.mode === 'computed').map(([name]) => toPointer([name]));
}

/** A text that names another object, and of which kind. */
export interface NamedReference {
  readonly kind: string;
  readonly text: string;
}

/** What a spec names, in its order. Also of a recorded spec, for which no document exists any more. */
export function namedReferences(spec: JsonObject, fields: FieldNode): readonly NamedReference[] {
  const found: NamedReference[] = [];
  if (fields.refers) collectReferences(spec, fields, found);
  return found;
}

function collectReferences(value: Json, fields: FieldNode, found: NamedReference[]): void {
  const { reference } = fields;
  if (reference !== null) {
    for (const text of Array.isArray(value) ? (value as readonly Json[]) : [value])
      if (typeof text === 'string') found.push({ kind: reference, text });
  }
  if (Array.isArray(value)) {
    const { items } = fields;
    if (items?.refers === true) for (const item of value as readonly Json[]) collectReferences(item, items, found);
  } else if (isJsonObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      const below = memberOf(fields, name);
      if (below.refers) collectReferences(member, below, found);
    }
  }
}
