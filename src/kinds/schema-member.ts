import type { SpecSchema } from './kind.ts';

/** A schema and all branches that may add rules for the same value. */
export function withBranches(schema: SpecSchema): readonly SpecSchema[] {
  const { oneOf = [], anyOf = [], allOf = [] } = schema;
  const branches = [...oneOf, ...anyOf, ...allOf, ...[schema.then, schema.else].filter((branch) => branch !== undefined)];
  return [schema, ...branches.flatMap(withBranches)];
}

/** What `schemas` (branches included) say of the member `name`: empty where none of them knows it. */
export function memberSchemas(schemas: readonly SpecSchema[], name: string): readonly SpecSchema[] {
  return schemas.flatMap((schema) => {
    const { properties = {}, additionalProperties } = schema;
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property !== undefined) return [property];
    if (typeof additionalProperties === 'object') return [additionalProperties];
    return additionalProperties === true || isOpen(schema) ? [{}] : [];
  });
}

/** The names that `schemas` know at their first level. */
export function memberNames(schemas: readonly SpecSchema[]): readonly string[] {
  return [...new Set(schemas.flatMap(({ properties = {} }) => Object.keys(properties)))];
}

/** A map whose members nobody described: it is meant to hold anything. */
function isOpen(schema: SpecSchema): boolean {
  if (schema.type !== 'object') return Object.keys(schema).length === 0;
  const { properties, additionalProperties, oneOf, anyOf, allOf } = schema;
  return [properties, additionalProperties, oneOf, anyOf, allOf].every((part) => part === undefined);
}
