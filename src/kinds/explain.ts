import { isJsonObject, toPointer, type Json, type JsonObject } from '../base/json.ts';
import type { SpecSchema } from './kind.ts';
import { nearest, type NearestBudget } from '../base/nearest.ts';
import { showJson, showText } from './show.ts';
import { count, firstSentence, formatNames, typeHint, typeName, typeNames } from './schema-words.ts';
import { compileSchema, firstDouble, hasFormat, isOfType, textLength, unresolved } from './validate.ts';

/** What is wrong with a value, for people. */
export interface SchemaProblem {
  readonly code: SchemaCode;
  /** A JSON pointer into the value. */
  readonly at: string;
  /** Whether the key or the value at `at` is meant. */
  readonly part: 'key' | 'value';
  readonly message: string;
  readonly hint: string | null;
}

/** 001 unknown key, 002 wrong type, 003 missing key, 004 not one of the values, 005 form, 006 size, 007 combination. */
type SchemaCode = 'SCHEMA001' | 'SCHEMA002' | 'SCHEMA003' | 'SCHEMA004' | 'SCHEMA005' | 'SCHEMA006' | 'SCHEMA007';

type Tokens = readonly (string | number)[];

/**
 * All problems of a value, at least one where `compileSchema(schema)` refuses it and none where it does not. Where
 * several branches of a schema could be meant, the one is explained that the value looks like.
 * `root` is what messages call the whole value; `quote: false` keeps values out of them, as
 * is always done inside a secret field.
 */
export function explain(
  schema: SpecSchema,
  value: Json,
  options: { readonly root?: string; readonly quote?: boolean; readonly budget?: NearestBudget } = {},
): readonly SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  const { root = 'spec', quote = true, budget = { left: 10_000_000 } } = options;
  new Explanation(problems, root, quote, budget).value(schema, value, []);
  return problems;
}

class Explanation {
  readonly #problems: SchemaProblem[];
  readonly #root: string;
  readonly #quote: boolean;
  readonly #budget: NearestBudget;

  constructor(problems: SchemaProblem[], root: string, quote: boolean, budget: NearestBudget) {
    this.#problems = problems;
    this.#root = root;
    this.#quote = quote;
    this.#budget = budget;
  }

  value(schema: SpecSchema, value: Json, at: Tokens): void {
    if (value === unresolved) return;
    if (this.#quote && (schema['x-secret'] === true || schema['x-hidden'] === true)) {
      return new Explanation(this.#problems, this.#root, false, this.#budget).value(schema, value, at);
    }
    const types = schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type;
    if (types.length > 0 && !types.some((type) => isOfType(value, type))) {
      this.#add(
        'SCHEMA002',
        at,
        `${this.#label(at)} must be ${typeNames(types, schema)}, not ${typeName(value)}`,
        typeHint(types, value),
      );
      return;
    }
    if (schema.const !== undefined && !compileSchema({ const: schema.const })(value)) {
      this.#add('SCHEMA004', at, `${this.#label(at)} must be ${showJson(schema.const)}${this.#not(value)}`);
    }
    if (schema.enum !== undefined && !compileSchema({ enum: schema.enum })(value)) this.#enum(schema.enum, value, at);
    if (typeof value === 'string') this.#text(schema, value, at);
    if (typeof value === 'number') this.#number(schema, value, at);
    if (Array.isArray(value)) this.#list(schema, value as readonly Json[], at);
    if (isJsonObject(value)) this.#object(schema, value, at);
    this.#combinations(schema, value, at);
  }

  #add(code: SchemaCode, at: Tokens, message: string, hint: string | null = null, part: 'key' | 'value' = 'value'): void {
    this.#problems.push({ code, at: toPointer(at), part, message, hint });
  }

  /** A field as messages call it: its name, with the number of the item in a list. */
  #label(at: Tokens): string {
    let tail = '';
    let end = at.length;
    while (end > 0 && typeof at[end - 1] === 'number') tail = `[${at[--end]}]${tail}`;
    return showText(`${end === 0 ? this.#root : String(at[end - 1])}${tail}`);
  }

  #not(value: Json): string {
    return this.#quote ? `, not ${showJson(value)}` : '';
  }

  #enum(allowed: readonly Json[], value: Json, at: Tokens): void {
    const texts = allowed.filter((item) => typeof item === 'string');
    const near = typeof value === 'string' && this.#quote ? nearest(value, texts, this.#budget) : null;
    const hint = near === null ? null : `did you mean ${showText(near)}?`;
    this.#add('SCHEMA004', at, `${this.#label(at)} must be one of ${allowed.map(showJson).join(', ')}${this.#not(value)}`, hint);
  }

  #text(schema: SpecSchema, value: string, at: Tokens): void {
    const { minLength = 0, maxLength = Infinity, pattern, format } = schema;
    const length = minLength > 0 || maxLength < Infinity ? textLength(value) : 0;
    if (length < minLength) {
      const message =
        minLength === 1
          ? `${this.#label(at)} must not be empty`
          : `${this.#label(at)} must have at least ${minLength} characters`;
      this.#add('SCHEMA006', at, message);
      if (value === '') return;
    }
    if (length > maxLength) this.#add('SCHEMA006', at, `${this.#label(at)} must have at most ${maxLength} characters`);
    if (format !== undefined && !hasFormat(value, format)) {
      this.#add('SCHEMA005', at, `${this.#label(at)} must be ${formatNames[format] ?? format}${this.#not(value)}`);
    } else if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) {
      const what = this.#quote ? `${this.#label(at)} cannot be ${showText(value)}` : `${this.#label(at)} has not the right form`;
      this.#add('SCHEMA005', at, what, schema.description ?? null);
    }
  }

  #number({ minimum, maximum }: SpecSchema, value: number, at: Tokens): void {
    if (minimum !== undefined && value < minimum)
      this.#add('SCHEMA006', at, `${this.#label(at)} must be at least ${minimum}${this.#not(value)}`);
    if (maximum !== undefined && value > maximum)
      this.#add('SCHEMA006', at, `${this.#label(at)} must be at most ${maximum}${this.#not(value)}`);
  }

  #list({ items, minItems = 0, maxItems = Infinity, uniqueItems }: SpecSchema, value: readonly Json[], at: Tokens): void {
    if (value.length < minItems) this.#add('SCHEMA006', at, `${this.#label(at)} must have at least ${count(minItems, 'item')}`);
    if (value.length > maxItems) this.#add('SCHEMA006', at, `${this.#label(at)} must have at most ${count(maxItems, 'item')}`);
    const double = uniqueItems === true ? firstDouble(value) : null;
    if (double !== null) this.#add('SCHEMA007', [...at, double], `${this.#label(at)} has the same item twice`);
    if (items !== undefined) for (const [index, item] of value.entries()) this.value(items, item, [...at, index]);
  }

  #object(schema: SpecSchema, value: JsonObject, at: Tokens): void {
    const { properties = {}, additionalProperties = true, required = [], propertyNames } = schema;
    const names = Object.keys(value);
    for (const name of names) {
      const member = value[name] as Json;
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (propertyNames !== undefined && !compileSchema(propertyNames)(name)) {
        this.#add('SCHEMA005', [...at, name], `${showText(name)} cannot be a key here`, propertyNames.description ?? null, 'key');
      }
      if (property !== undefined) this.value(property, member, [...at, name]);
      else if (additionalProperties === false) this.#unknownKey(name, Object.keys(properties), names, at);
      else if (additionalProperties !== true) this.value(additionalProperties, member, [...at, name]);
    }
    for (const name of required) {
      if (Object.hasOwn(value, name)) continue;
      const description = properties[name]?.description;
      this.#add(
        'SCHEMA003',
        at,
        `${this.#label([...at, name])} is missing`,
        description === undefined ? null : firstSentence(description),
        'key',
      );
    }
    if (names.length < (schema.minProperties ?? 0)) {
      this.#add('SCHEMA006', at, `${this.#label(at)} must have at least ${count(schema.minProperties ?? 0, 'entry')}`);
    }
    if (names.length > (schema.maxProperties ?? Infinity)) {
      this.#add('SCHEMA006', at, `${this.#label(at)} must have at most ${count(schema.maxProperties ?? 0, 'entry')}`);
    }
  }

  #unknownKey(name: string, known: readonly string[], present: readonly string[], at: Tokens): void {
    const free = known.filter((key) => !present.includes(key));
    const near = nearest(name, free, this.#budget);
    const list = known.length > 0 && known.length <= 12 ? `known here: ${known.join(', ')}` : null;
    this.#add(
      'SCHEMA001',
      [...at, name],
      `unknown key ${showText(name)}`,
      near === null ? list : `did you mean ${showText(near)}?`,
      'key',
    );
  }

  #combinations(schema: SpecSchema, value: Json, at: Tokens): void {
    if (schema.oneOf !== undefined) this.#choice(schema.oneOf, value, at, true);
    if (schema.anyOf !== undefined) this.#choice(schema.anyOf, value, at, false);
    for (const part of schema.allOf ?? []) this.value(part, value, at);
    if (schema.not !== undefined && compileSchema(schema.not)(value)) {
      this.#add('SCHEMA007', at, `${this.#label(at)} cannot be this`, schema.not.description ?? null);
    }
    if (schema.if !== undefined) {
      const branch = compileSchema(schema.if)(value) ? schema.then : schema.else;
      if (branch !== undefined) this.value(branch, value, at);
    }
  }

  #choice(branches: readonly SpecSchema[], value: Json, at: Tokens, exactly: boolean): void {
    const fitting = branches.filter((branch) => compileSchema(branch)(value)).length;
    if (fitting === 1 || (fitting > 1 && !exactly)) return;
    const keys = distinctKeys(branches);
    if (fitting > 1) {
      this.#add('SCHEMA007', at, `${this.#label(at)} can be understood in more than one way`);
      return;
    }
    const typed = branches.filter((branch) => fitsType(branch, value));
    if (typed.length === 0) {
      const types = [...new Set(branches.flatMap((branch) => branch.type ?? []))];
      this.#add('SCHEMA002', at, `${this.#label(at)} must be ${typeNames(types, {})}, not ${typeName(value)}`, choiceHint(keys));
      return;
    }
    const [only] = typed;
    if (typed.length === 1 && only !== undefined) return this.value(only, value, at);
    if (isJsonObject(value)) return this.#objectChoice(typed, value, at, keys);
    // Scalars: the branch with the fewest problems says it best.
    this.#closest(typed, value, at);
  }

  #objectChoice(branches: readonly SpecSchema[], value: JsonObject, at: Tokens, keys: readonly string[]): void {
    const tag = discriminator(branches);
    if (tag !== null && Object.hasOwn(value, tag)) {
      const meant = branches.filter((branch) => compileSchema(branch.properties?.[tag] ?? {})(value[tag] as Json));
      if (meant.length > 0) return this.#closest(meant, value, at);
      const allowed = branches.flatMap(({ properties }) => tagValues(properties?.[tag]));
      return this.#enum(allowed, value[tag] as Json, [...at, tag]);
    }
    const present = keys.filter((key) => Object.hasOwn(value, key));
    if (present.length > 1) {
      this.#add('SCHEMA007', at, `${this.#label(at)} must have only one of the keys ${keys.join(', ')}`);
      return;
    }
    const meant = branches.filter((branch) => present.some((key) => branch.required?.includes(key)));
    if (meant.length > 0) return this.#closest(meant, value, at);
    if (keys.length < branches.length) return this.#closest(branches, value, at);
    for (const name of Object.keys(value)) {
      const near = nearest(name, keys, this.#budget);
      if (near === null) continue;
      this.#add('SCHEMA001', [...at, name], `unknown key ${showText(name)}`, `did you mean ${showText(near)}?`, 'key');
      return;
    }
    this.#add('SCHEMA003', at, `${this.#label(at)} needs one of the keys ${keys.join(', ')}`, null, 'value');
  }

  #closest(branches: readonly SpecSchema[], value: Json, at: Tokens): void {
    let best: SchemaProblem[] | null = null;
    for (const branch of branches) {
      const problems: SchemaProblem[] = [];
      new Explanation(problems, this.#root, this.#quote, this.#budget).value(branch, value, at);
      if (best === null || problems.length < best.length) best = problems;
    }
    this.#problems.push(...(best ?? []));
  }
}

/** For each branch the first required key that no other branch requires. */
function distinctKeys(branches: readonly SpecSchema[]): readonly string[] {
  return branches.flatMap((branch) => {
    const others = branches.filter((other) => other !== branch);
    const own = (branch.required ?? []).find((key) => !others.some((other) => other.required?.includes(key)));
    return own === undefined ? [] : [own];
  });
}

/** The property that tells the branches apart by its value; null: none does. */
function discriminator(branches: readonly SpecSchema[]): string | null {
  const [first] = branches;
  for (const name of Object.keys(first?.properties ?? {})) {
    if (branches.every((branch) => tagValues(branch.properties?.[name]).length > 0)) return name;
  }
  return null;
}

function tagValues(property: SpecSchema | undefined): readonly Json[] {
  return property?.const !== undefined ? [property.const] : (property?.enum ?? []);
}

function fitsType(branch: SpecSchema, value: Json): boolean {
  return branch.type === undefined || compileSchema({ type: branch.type })(value);
}

function choiceHint(keys: readonly string[]): string | null {
  return keys.length === 0 ? null : `with one of the keys ${keys.join(', ')}`;
}
