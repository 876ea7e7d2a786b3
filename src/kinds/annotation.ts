import { isJsonObject, toPointer, type Json } from '../base/json.ts';
import type { SpecSchema } from './kind.ts';

/** A field of a schema that carries an annotation, and the way to it through any spec. */
export interface AnnotatedField {
  readonly steps: readonly Step[];
  readonly schema: SpecSchema;
}

/** One step into a spec: a named member, any member but the named ones, or any item of a list. */
type Step =
  | { readonly type: 'member'; readonly name: string }
  | { readonly type: 'otherMembers'; readonly except: ReadonlySet<string> }
  | { readonly type: 'items' };

/**
 * The fields of a schema for which `annotated` is true, on any branch of `oneOf`, `anyOf`, `allOf`, `then` and `else`.
 * What lies below such a field is not searched. Compile it once per kind.
 */
export function annotatedFields(schema: SpecSchema, annotated: (field: SpecSchema) => boolean): readonly AnnotatedField[] {
  const found: AnnotatedField[] = [];
  const search = (part: SpecSchema, steps: readonly Step[]): void => {
    if (annotated(part)) {
      found.push({ steps, schema: part });
      return;
    }
    for (const [name, property] of Object.entries(part.properties ?? {})) search(property, [...steps, { type: 'member', name }]);
    if (typeof part.additionalProperties === 'object') {
      const except = new Set(Object.keys(part.properties ?? {}));
      search(part.additionalProperties, [...steps, { type: 'otherMembers', except }]);
    }
    if (part.items !== undefined) search(part.items, [...steps, { type: 'items' }]);
    for (const branch of branchesOf(part)) search(branch, steps);
  };
  search(schema, []);
  return found;
}

function branchesOf(schema: SpecSchema): readonly SpecSchema[] {
  const { oneOf = [], anyOf = [], allOf = [] } = schema;
  return [...oneOf, ...anyOf, ...allOf, ...[schema.then, schema.else].filter((branch) => branch !== undefined)];
}

/** Calls `visit` for each value in `spec` that one of `fields` leads to. `pointer` is a JSON pointer into `spec`. */
export function visitFields(
  spec: Json,
  fields: readonly AnnotatedField[],
  visit: (value: Json, pointer: string, schema: SpecSchema) => void,
): void {
  for (const { steps, schema } of fields) {
    const follow = (value: Json, depth: number, tokens: readonly (string | number)[]): void => {
      const step = steps[depth];
      if (step === undefined) visit(value, toPointer(tokens), schema);
      else if (step.type === 'items') {
        if (Array.isArray(value))
          (value as readonly Json[]).forEach((item, index) => follow(item, depth + 1, [...tokens, index]));
      } else if (!isJsonObject(value)) return;
      else if (step.type === 'member') {
        const member = Object.hasOwn(value, step.name) ? value[step.name] : undefined;
        if (member !== undefined) follow(member, depth + 1, [...tokens, step.name]);
      } else {
        for (const [name, member] of Object.entries(value)) {
          if (!step.except.has(name)) follow(member, depth + 1, [...tokens, name]);
        }
      }
    };
    follow(spec, 0, []);
  }
}
