import { canonicalJson, type JsonObject, toPointer } from '../base/json.ts';
import type { Kind, LensContext, ResourceName, SpecProblem, SpecSchema } from '../kinds/kind.ts';
import type { BindingLens } from './method.ts';

/**
 * Who may log in at an auth method, and what that gives: one kind for all methods. Which fields a binding has is told
 * by the type of the mount in `method`; `lenses` has one entry for each type, `token` included.
 */
export function authBindingKind(lenses: readonly BindingLens[]): Kind {
  const byType = new Map(lenses.map((lens) => [lens.type, lens]));
  // Null: there will be no such mount, and the binding goes with it.
  const lensOf = (mount: string | null, context: LensContext): BindingLens | null =>
    byType.get((mount === 'token' ? 'token' : context.methods.get(mount ?? '')?.type) ?? '') ?? null;

  return {
    kind: 'AuthBinding',
    description: 'Who may log in at an auth method, and which tokens that gives: an AppRole role, a userpass user, a token role.',
    spec: {
      type: 'object',
      required: ['method'],
      additionalProperties: false,
      properties: {
        method: {
          type: 'string',
          minLength: 1,
          description: 'The auth method in which the binding lives: its path.',
          'x-reference': 'AuthMethod',
          'x-builtin': ['token'],
        },
        ...mergedProperties(lenses),
      },
    },
    mountField: 'method',
    mountKind: 'AuthMethod',
    nameRule: 'identifier',
    importId: 'the name of the role or user',
    replaceOn: [...new Set(lenses.flatMap((lens) => lens.replaceOn))],
    normalize(spec, resource, context) {
      const lens = lensOf(resource.mount, context);
      return lens === null ? spec : { method: spec['method'] ?? resource.mount, ...lens.normalize(spec) };
    },
    check: (spec, resource, context) => check(spec, resource, context, lensOf(resource.mount, context)),
    reads: (resource, context) => lensOf(resource.mount, context)?.reads(resource.mount ?? '', resource.name) ?? [],
    read(replies, resource, context) {
      const spec = lensOf(resource.mount, context)?.read(replies) ?? null;
      return spec === null ? null : { spec: { method: resource.mount, ...spec }, mark: null };
    },
    write: (change, resource, context) =>
      lensOf(resource.mount, context)?.write(change, resource.mount ?? '', resource.name) ?? [],
    move(from, to, context) {
      const lens = lensOf(to.mount, context);
      if (lens === null || from.mount !== to.mount) return null;
      return lens.move?.(to.mount ?? '', from.name, to.name) ?? null;
    },
    remove: (resource, context) => lensOf(resource.mount, context)?.remove(resource.mount ?? '', resource.name) ?? [],
  };
}

function check(spec: JsonObject, resource: ResourceName, context: LensContext, lens: BindingLens | null): readonly SpecProblem[] {
  const { mount } = resource;
  if (lens === null) {
    const type = context.methods.get(mount ?? '')?.type;
    // A mount that nobody declares is reported as the reference that it is.
    return type === undefined
      ? []
      : [{ at: '/method', message: `"${mount}" is an auth method of type ${type}, which has no bindings` }];
  }
  const foreign = Object.keys(spec).filter((name) => name !== 'method' && !Object.hasOwn(lens.properties, name));
  const problems: SpecProblem[] = foreign.map((name) => ({
    at: toPointer([name]),
    message: `${name} is not a field of a binding on "${mount}", which is of type ${lens.type}`,
    hint: `its fields: ${Object.keys(lens.properties).join(', ')}`,
  }));
  problems.push(...foreignMembers(spec, lens), ...lens.check(spec));
  return problems;
}

/** Members of an object that another type of method has there. */
function foreignMembers(spec: JsonObject, lens: BindingLens): readonly SpecProblem[] {
  const problems: SpecProblem[] = [];
  for (const [name, { type, properties, additionalProperties }] of Object.entries(lens.properties)) {
    const value = spec[name];
    if (type !== 'object' || additionalProperties !== false || typeof value !== 'object' || value === null) continue;
    for (const member of Object.keys(value).filter((key) => !Object.hasOwn(properties ?? {}, key))) {
      problems.push({
        at: toPointer([name, member]),
        message: `${name}.${member} is not a field of a binding of type ${lens.type}`,
        hint: `its fields: ${Object.keys(properties ?? {}).join(', ')}`,
      });
    }
  }
  return problems;
}

/** The fields of all types in one schema; where they differ, `check` knows which rule holds. */
function mergedProperties(lenses: readonly Pick<BindingLens, 'type' | 'properties'>[]): Readonly<Record<string, SpecSchema>> {
  const found = new Map<string, [string, SpecSchema][]>();
  for (const { type, properties } of lenses) {
    for (const [name, schema] of Object.entries(properties)) found.set(name, [...(found.get(name) ?? []), [type, schema]]);
  }
  return Object.fromEntries([...found].map(([name, typed]) => [name, merged(typed, typed.length < lenses.length)] as const));
}

function merged(typed: readonly (readonly [string, SpecSchema])[], named: boolean): SpecSchema {
  const schemas = typed.map(([, schema]) => schema);
  const [first = {}] = schemas;
  const same = schemas.every(
    (schema) => canonicalJson({ ...schema } as JsonObject) === canonicalJson({ ...first } as JsonObject),
  );
  const types = typed.map(([type]) => type).join(', ');
  if (same) return named ? { ...first, description: `${first.description ?? ''} (${types})` } : first;
  const texts = new Map<string, string[]>();
  for (const [type, { description: text = '' }] of typed) texts.set(text, [...(texts.get(text) ?? []), type]);
  const description =
    texts.size === 1 ? (first.description ?? '') : [...texts].map(([text, which]) => `${which.join(', ')}: ${text}`).join(' ');
  const { default: preset, ...rest } = first;
  const samePreset = schemas.every((schema) => canonicalJson(schema.default) === canonicalJson(preset));
  const combined: SpecSchema = { ...rest, description, ...(samePreset && preset !== undefined ? { default: preset } : {}) };
  if (first.type === 'object') {
    const members = mergedProperties(
      typed.map(([type, schema]) => ({ type, properties: schema.properties ?? {} }) as BindingLens),
    );
    return { ...combined, properties: members };
  }
  if (first.enum !== undefined) return { ...combined, enum: [...new Set(schemas.flatMap((schema) => schema.enum ?? []))] };
  if (first.items !== undefined) {
    const builtin = [...new Set(schemas.flatMap((schema) => schema.items?.['x-builtin'] ?? []))];
    return { ...combined, items: { ...first.items, ...(builtin.length > 0 ? { 'x-builtin': builtin } : {}) } };
  }
  return combined;
}
