import type { Json } from '../base/json.ts';
import type { Kind, SpecSchema } from './kind.ts';

/** The `apiVersion` of every document. */
export const apiVersion = 'secretctl/v1';

/** A JSON Schema (draft-07) as it is published for editors and other validators. */
export type PublishedSchema = { readonly [keyword: string]: Json };

/** What a document kind is to its schema; a Kind is one. */
export interface Documented {
  readonly kind: string;
  readonly description: string;
  readonly spec: SpecSchema;
  /** False: the document takes neither forEach nor the lifecycle part of metadata. */
  readonly resource: boolean;
}

/**
 * The schema of a whole document of a kind. It accepts a reference such as `${var.ttl}` wherever a scalar or a list may
 * stand; what the reference gives is checked when it is resolved. Our `x-` annotations are left out.
 */
export function documentSchema(documented: Documented): PublishedSchema {
  const { kind, description, spec, resource } = documented;
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: kind,
    description,
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    additionalProperties: false,
    properties: {
      apiVersion: { const: apiVersion, description: 'The version of the language.' },
      kind: { const: kind, description: `What the document declares: ${description}` },
      metadata: published(resource ? resourceMetadata : plainMetadata),
      ...(resource ? { forEach: published(forEachSchema) } : {}),
      spec: published({ description: 'What the object shall be.', ...spec }),
    },
  };
}

/** The schema of any document: which kind's rules hold is told by `kind`. */
export function unionSchema(all: readonly Documented[]): PublishedSchema {
  const kinds = all.map(({ kind }) => kind);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'secretctl',
    description: 'Any document of a secretctl config repo.',
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    properties: { kind: { enum: kinds, description: 'What the document declares.' } },
    allOf: kinds.map((kind) => ({
      if: { required: ['kind'], properties: { kind: { const: kind } } },
      then: { $ref: `#/definitions/${kind}` },
    })),
    definitions: Object.fromEntries(all.map((documented) => [documented.kind, withoutDialect(documentSchema(documented))])),
  };
}

/** The schema of a file that is no document: it takes no references. */
export function plainSchema(title: string, schema: SpecSchema): PublishedSchema {
  return { $schema: 'http://json-schema.org/draft-07/schema#', title, ...published(schema, true) };
}

function withoutDialect(schema: PublishedSchema): PublishedSchema {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => keyword !== '$schema'));
}

/** The name of a kind's schema file: `static-secret.json`. */
export function schemaFileName(kind: string): string {
  return `${kind.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()}.json`;
}

export function documentedKind(kind: Kind): Documented {
  return { kind: kind.kind, description: kind.description, spec: kind.spec, resource: true };
}

const name: SpecSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 512,
  description:
    'The name, unique among the documents of this kind in the same mount. A document with forEach has ${each.key} in it.',
};

/** `metadata` of a document that declares no object of the store. */
export const plainMetadata: SpecSchema = {
  type: 'object',
  description: 'What the document is called.',
  required: ['name'],
  additionalProperties: false,
  properties: { name },
};

/** `metadata` of a resource. */
export const resourceMetadata: SpecSchema = {
  type: 'object',
  description: 'What the object is called, and how plans treat it.',
  required: ['name'],
  additionalProperties: false,
  properties: {
    name,
    labels: {
      type: 'object',
      description: 'Text by name, for people and for choosing objects.',
      maxProperties: 64,
      propertyNames: {
        pattern: '^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$',
        description: 'A letter or digit, then letters, digits, ".", "_", "/" and "-", at most 128.',
      },
      additionalProperties: { type: 'string', maxLength: 256, description: 'The text.' },
    },
    protect: {
      type: 'boolean',
      default: false,
      description: 'Refuse any plan that deletes or replaces the object. To lift it, apply `protect: false` first.',
    },
    ignoreChanges: {
      type: 'array',
      uniqueItems: true,
      items: { type: 'string', minLength: 1, description: 'A field: `spec.maxVersions`.' },
      description: 'Fields whose differences plans leave alone, because something else sets them.',
    },
  },
};

/** `forEach` of a resource. Its values may be anything. */
export const forEachSchema: SpecSchema = {
  type: 'object',
  description: 'Makes one object for each key: ${each.key} and ${each.value.x} stand for the key and its values in the document.',
  propertyNames: {
    pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$',
    description: 'A letter or digit, then letters, digits, ".", "_", "@" and "-", at most 128.',
  },
};

const durationPattern = '^\\s*([0-9]+|([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h|d))+)\\s*$';
/** A string that is a reference or holds one. */
const reference: PublishedSchema = {
  type: 'string',
  pattern: '\\$\\{',
  description: 'A reference: ${var.name} or ${each.value.name}.',
};

/** One of our schemas in plain draft-07. `exact`: no references, where the value tells branches apart. */
function published(schema: SpecSchema, exact = false): PublishedSchema {
  const plain: Record<string, Json> = {};
  const condition = (part: SpecSchema): PublishedSchema => published(part, true);
  for (const [keyword, value] of Object.entries(schema) as [keyof SpecSchema, Json][]) {
    if (keyword.startsWith('x-') || keyword === 'format' || keyword === 'oneOf') continue;
    plain[keyword] = value;
  }
  if (schema.properties !== undefined) plain['properties'] = mapValues(schema.properties, (part) => published(part, exact));
  if (typeof schema.additionalProperties === 'object')
    plain['additionalProperties'] = published(schema.additionalProperties, exact);
  if (schema.items !== undefined) plain['items'] = published(schema.items, exact);
  if (schema.propertyNames !== undefined) plain['propertyNames'] = condition(schema.propertyNames);
  if (schema.allOf !== undefined) plain['allOf'] = schema.allOf.map((part) => published(part, exact));
  if (schema.if !== undefined) plain['if'] = condition(schema.if);
  if (schema.not !== undefined) plain['not'] = condition(schema.not);
  if (schema.then !== undefined) plain['then'] = published(schema.then, exact);
  if (schema.else !== undefined) plain['else'] = published(schema.else, exact);
  if (schema.format === 'duration' && schema.pattern === undefined) plain['pattern'] = durationPattern;
  // A reference could make a value fit two branches, so "exactly one" becomes "any".
  const choices = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  if (choices.length > 0) plain['anyOf'] = choices.map((part) => published(part, exact));
  return exact || !takesReference(schema, plain) ? plain : withReference(plain);
}

/** True for a scalar or a list on which a reference string would be refused. */
function takesReference(schema: SpecSchema, plain: PublishedSchema): boolean {
  if (schema.const !== undefined) return false;
  const types = schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type;
  if (types.length === 0) return schema.enum !== undefined;
  if (types.includes('object')) return false;
  return !types.includes('string') || 'pattern' in plain || 'enum' in plain || 'maxLength' in plain;
}

/** The descriptive keywords stay outside, where editors look for them. */
function withReference(plain: PublishedSchema): PublishedSchema {
  const { description, default: preset, examples, ...rules } = plain;
  const outside = { description, default: preset, examples };
  const kept = Object.fromEntries(Object.entries(outside).filter(([, value]) => value !== undefined)) as PublishedSchema;
  return { ...kept, anyOf: [rules, reference] };
}

function mapValues<T, U>(object: Readonly<Record<string, T>>, change: (value: T) => U): Readonly<Record<string, U>> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}
