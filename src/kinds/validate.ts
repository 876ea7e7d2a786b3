import { isIP } from 'node:net';

import { parseDuration } from '../base/duration.ts';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import type { SpecSchema } from './kind.ts';

/**
 * Stands for a value that is not known because of a finding that was already made: it fits every schema. Compared by
 * identity.
 */
export const unresolved: JsonObject = Object.freeze({});

/** True where a value fits its schema. Costs no allocation; for what is wrong ask `explain`. */
export type Validator = (value: Json) => boolean;

/**
 * A schema as a chain of closures: nothing is generated or evaluated. The keywords mean what draft-07 says; `format`
 * knows `duration` (ours, not negative), `date` and `cidr`, and lets others pass. Throws a TypeError for a keyword that
 * SpecSchema lacks, so that no rule is silently ignored.
 */
export function compileSchema(schema: SpecSchema): Validator {
  const tests = testsOf(schema);
  const only = tests.length === 1 ? tests[0] : undefined;
  if (only !== undefined) return (value) => value === unresolved || only(value);
  return (value) => {
    if (value === unresolved) return true;
    for (const test of tests) if (!test(value)) return false;
    return true;
  };
}

const known = new Set(
  (
    'type description properties required additionalProperties items enum const default pattern format minimum maximum ' +
    'minLength maxLength minItems maxItems minProperties maxProperties uniqueItems propertyNames oneOf anyOf allOf not ' +
    'if then else examples x-field x-reference x-builtin x-secret x-hidden'
  ).split(' '),
);

function testsOf(schema: SpecSchema): Validator[] {
  for (const keyword of Object.keys(schema)) {
    if (!known.has(keyword)) throw new TypeError(`a schema uses the keyword "${keyword}", which is not checked`);
  }
  const tests: Validator[] = [];
  const { type, enum: values, const: constant, not } = schema;
  if (type !== undefined) tests.push(typeTest(typeof type === 'string' ? [type] : type));
  if (values !== undefined) {
    const allowed = new Set(values.map((value) => canonicalJson(value)));
    tests.push((value) => allowed.has(canonicalJson(value)));
  }
  if (constant !== undefined) {
    const wanted = canonicalJson(constant);
    tests.push((value) => canonicalJson(value) === wanted);
  }
  tests.push(...textTests(schema), ...numberTests(schema), ...listTests(schema), ...objectTests(schema));
  tests.push(...combinationTests(schema));
  if (not !== undefined) {
    const refused = compileSchema(not);
    tests.push((value) => !refused(value));
  }
  return tests;
}

/** Is a value of one of the draft-07 types? */
export function isOfType(value: Json, type: string): boolean {
  switch (type) {
    case 'object':
      return isJsonObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value);
    case 'null':
      return value === null;
    default:
      return typeof value === type;
  }
}

function typeTest(types: readonly string[]): Validator {
  const [only] = types;
  if (types.length === 1 && only !== undefined) return (value) => isOfType(value, only);
  return (value) => types.some((type) => isOfType(value, type));
}

/** The length that draft-07 means: in code points. */
export function textLength(text: string): number {
  let length = 0;
  for (let index = 0; index < text.length; index++, length++) if ((text.codePointAt(index) ?? 0) > 0xffff) index++;
  return length;
}

/** Does a text have the form that `format` names? */
export function hasFormat(text: string, format: string): boolean {
  switch (format) {
    case 'duration':
      return text.trim() !== '' && (parseDuration(text) ?? -1) >= 0;
    case 'date':
      return isDate(text);
    case 'cidr':
      return isCidr(text);
    default:
      return true;
  }
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (match === null) return false;
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function isCidr(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

function textTests({ pattern, format, minLength, maxLength }: SpecSchema): Validator[] {
  const tests: Validator[] = [];
  const text = (test: (text: string) => boolean): void => {
    tests.push((value) => typeof value !== 'string' || test(value));
  };
  if (minLength !== undefined) text((value) => textLength(value) >= minLength);
  if (maxLength !== undefined) text((value) => textLength(value) <= maxLength);
  if (pattern !== undefined) {
    const expression = new RegExp(pattern, 'u');
    text((value) => expression.test(value));
  }
  if (format !== undefined) text((value) => hasFormat(value, format));
  return tests;
}

function numberTests({ minimum, maximum }: SpecSchema): Validator[] {
  const tests: Validator[] = [];
  if (minimum !== undefined) tests.push((value) => typeof value !== 'number' || value >= minimum);
  if (maximum !== undefined) tests.push((value) => typeof value !== 'number' || value <= maximum);
  return tests;
}

function listTests({ items, minItems, maxItems, uniqueItems }: SpecSchema): Validator[] {
  const tests: Validator[] = [];
  const list = (test: (list: readonly Json[]) => boolean): void => {
    tests.push((value) => !Array.isArray(value) || test(value as readonly Json[]));
  };
  if (minItems !== undefined) list((value) => value.length >= minItems);
  if (maxItems !== undefined) list((value) => value.length <= maxItems);
  if (uniqueItems === true) list((value) => firstDouble(value) === null);
  if (items !== undefined) {
    const item = compileSchema(items);
    list((value) => value.every(item));
  }
  return tests;
}

/** The index of the first item that equals an earlier one; null: all differ. */
export function firstDouble(list: readonly Json[]): number | null {
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    const form = canonicalJson(item);
    if (item !== unresolved && seen.has(form)) return index;
    seen.add(form);
  }
  return null;
}

function objectTests(schema: SpecSchema): Validator[] {
  const { required = [], minProperties, maxProperties, propertyNames } = schema;
  const tests: Validator[] = [];
  const object = (test: (object: JsonObject) => boolean): void => {
    tests.push((value) => !isJsonObject(value) || test(value));
  };
  if (required.length > 0) object((value) => required.every((name) => Object.hasOwn(value, name)));
  if (minProperties !== undefined) object((value) => Object.keys(value).length >= minProperties);
  if (maxProperties !== undefined) object((value) => Object.keys(value).length <= maxProperties);
  if (propertyNames !== undefined) {
    const name = compileSchema(propertyNames);
    object((value) => Object.keys(value).every(name));
  }
  if (schema.properties !== undefined || schema.additionalProperties !== undefined) object(memberTest(schema));
  return tests;
}

function memberTest({ properties = {}, additionalProperties = true }: SpecSchema): (object: JsonObject) => boolean {
  const named = new Map(Object.entries(properties).map(([name, property]) => [name, compileSchema(property)]));
  const other: Validator =
    typeof additionalProperties === 'boolean' ? () => additionalProperties : compileSchema(additionalProperties);
  return (object) => {
    for (const name in object) {
      const member = object[name];
      if (member !== undefined && !(named.get(name) ?? other)(member)) return false;
    }
    return true;
  };
}

function combinationTests(schema: SpecSchema): Validator[] {
  const tests: Validator[] = [];
  const { oneOf, anyOf, allOf, if: condition } = schema;
  if (oneOf !== undefined) {
    const branches = oneOf.map(compileSchema);
    tests.push((value) => branches.filter((branch) => branch(value)).length === 1);
  }
  if (anyOf !== undefined) {
    const branches = anyOf.map(compileSchema);
    tests.push((value) => branches.some((branch) => branch(value)));
  }
  if (allOf !== undefined) tests.push(...allOf.map(compileSchema));
  if (condition !== undefined) {
    const holds = compileSchema(condition);
    const then = compileSchema(schema.then ?? {});
    const otherwise = compileSchema(schema.else ?? {});
    tests.push((value) => (holds(value) ? then(value) : otherwise(value)));
  }
  return tests;
}
