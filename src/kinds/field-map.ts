import { canonicalCidr } from '../base/cidr.ts';
import { parseDuration, shortDuration } from '../base/duration.ts';
import { instantText, parseInstant } from '../base/instant.ts';
import { canonicalJson, isJsonObject, toPointer, type Json, type JsonObject } from '../base/json.ts';
import type { SpecProblem, SpecSchema } from './kind.ts';

/**
 * A field of a spec that is one member of an API body. What a document leaves out has the schema's default; all of it
 * is owned.
 */
export interface MappedField {
  /** The names that lead to it in a spec: `['match', 'tokenBoundCidrs']`. */
  readonly at: readonly [string] | readonly [string, string];
  /** The member of the API's body. */
  readonly member: string;
  readonly form: FieldForm;
  readonly schema: SpecSchema;
}

/** How a value is written: in one normal form in specs, and as the API reads and shows it. */
export interface FieldForm {
  /** The normal form of a spec's value, or of what the API shows; null where it has none. */
  readonly normal: (value: Json) => Json | null;
  /** What a value without a normal form must be, for an error. */
  readonly wanted: string;
}

/** Text, a number, a boolean: written as it is. */
export const plainForm: FieldForm = { normal: (value) => value, wanted: 'a value' };

export const durationForm: FieldForm = {
  normal: (value) => {
    const seconds = parseDuration(value);
    return seconds === null || seconds < 0 || !Number.isInteger(seconds) ? null : shortDuration(seconds);
  },
  wanted: 'a duration of whole seconds: 90s, 1h30m, 30d',
};

/** A list whose order means nothing. */
export const setForm: FieldForm = {
  normal: (value) => (isTexts(value) ? [...new Set(value)].sort() : null),
  wanted: 'a list of texts',
};

export const cidrsForm: FieldForm = {
  normal: (value) => {
    const blocks = isTexts(value) ? value.map(canonicalCidr) : [null];
    return blocks.every((block) => block !== null) ? [...new Set(blocks)].sort() : null;
  },
  wanted: 'a list of addresses or CIDR blocks: 10.0.0.0/8, 2001:db8::/32',
};

/** A moment, or `''` for none. */
export const instantForm: FieldForm = {
  normal: (value) => {
    if (value === '') return '';
    const moment = typeof value === 'string' ? parseInstant(value) : null;
    return moment === null ? null : instantText(moment);
  },
  wanted: 'a date (2027-01-31) or an RFC 3339 time (2027-01-31T12:00:00Z)',
};

/** The properties of a spec's schema. `groups` describes the objects that hold several fields. */
export function mappedProperties(
  fields: readonly MappedField[],
  groups: Readonly<Record<string, string>>,
): Readonly<Record<string, SpecSchema>> {
  const properties: Record<string, SpecSchema> = {};
  for (const { at, schema } of fields) {
    const [name, inner] = at;
    if (inner === undefined) properties[name] = schema;
    else {
      const group: SpecSchema = properties[name] ?? {
        type: 'object',
        description: groups[name] ?? '',
        additionalProperties: false,
        default: {},
      };
      properties[name] = { ...group, properties: { ...group.properties, [inner]: schema } };
    }
  }
  return properties;
}

/** The fields of a spec in their normal form, the others left out. A value without one stays as it is. */
export function normalizeMapped(fields: readonly MappedField[], spec: JsonObject): JsonObject {
  return assemble(fields, (field) => valueAt(spec, field) ?? unset(field));
}

/** The spec that an API body shows. */
export function readMapped(fields: readonly MappedField[], body: JsonObject): JsonObject {
  return assemble(fields, (field) => body[field.member] ?? unset(field));
}

/** Where in a spec a member of the API body stands, as a JSON pointer; null: nowhere. */
export function mappedPointer(fields: readonly MappedField[], member: string): string | null {
  const field = fields.find((each) => each.member === member);
  return field === undefined ? null : toPointer(field.at);
}

/** The members of the API body that make `after` out of `before` (null: all of them). */
export function changedMapped(fields: readonly MappedField[], before: JsonObject | null, after: JsonObject): JsonObject {
  const body: Record<string, Json> = {};
  for (const field of fields) {
    const value = valueAt(after, field) ?? unset(field);
    const known = before === null ? undefined : (valueAt(before, field) ?? unset(field));
    if (known === undefined || canonicalJson(known) !== canonicalJson(value)) body[field.member] = value;
  }
  return body;
}

/** What is wrong with the values that the fields of a spec have, as far as one field can tell. */
export function mappedProblems(fields: readonly MappedField[], spec: JsonObject): readonly SpecProblem[] {
  const problems: SpecProblem[] = [];
  for (const field of fields) {
    const value = valueAt(spec, field);
    if (value === undefined) continue;
    const at = toPointer(field.at);
    const name = field.at.join('.');
    if (field.form.normal(value) === null) problems.push({ at, message: `${name} must be ${field.form.wanted}` });
    else if (field.schema.enum?.includes(value) === false) {
      problems.push({ at, message: `${name} must be one of ${field.schema.enum.map((known) => String(known)).join(', ')}` });
    }
  }
  return problems;
}

function assemble(fields: readonly MappedField[], value: (field: MappedField) => Json): JsonObject {
  const spec: Record<string, Json> = {};
  for (const field of fields) {
    const found = value(field);
    const normal = field.form.normal(found) ?? found;
    const [name, inner] = field.at;
    if (inner === undefined) spec[name] = normal;
    else spec[name] = { ...(isJsonObject(spec[name]) ? spec[name] : {}), [inner]: normal };
  }
  return spec;
}

function valueAt(spec: JsonObject, { at: [name, inner] }: MappedField): Json | undefined {
  const value = Object.hasOwn(spec, name) ? spec[name] : undefined;
  if (inner === undefined) return value;
  return isJsonObject(value) && Object.hasOwn(value, inner) ? value[inner] : undefined;
}

function unset({ schema }: MappedField): Json {
  return schema.default ?? null;
}

function isTexts(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
