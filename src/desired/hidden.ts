import { isJsonObject, toPointer, type Json } from '../base/json.ts';
import type { SpecSchema } from '../kinds/kind.ts';
import { memberSchemas, withBranches } from '../kinds/schema-member.ts';

/**
 * JSON pointers to the parts of a value that an excerpt must not show: what stands in a secret field (a person may have
 * put the plain secret there), and what the schema does not know (it may be a misspelt secret field).
 */
export function hiddenPointers(value: Json, schema: SpecSchema): readonly string[] {
  const pointers: string[] = [];
  search(value, [schema], [], pointers);
  return pointers;
}

type Tokens = readonly (string | number)[];

/** Parameters of a value source that tell nothing. */
const harmless: ReadonlySet<string | number> = new Set(['length', 'version']);

function search(value: Json, schemas: readonly SpecSchema[], at: Tokens, pointers: string[]): void {
  const flat = schemas.flatMap(withBranches);
  if (flat.some((schema) => schema['x-secret'] === true)) return hideSource(value, at, pointers);
  if (Array.isArray(value)) {
    const items = flat.flatMap(({ items }) => items ?? []);
    for (const [index, item] of (value as readonly Json[]).entries()) search(item, items, [...at, index], pointers);
  } else if (isJsonObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      const known = memberSchemas(flat, name);
      if (known.length === 0) pointers.push(toPointer([...at, name]));
      else search(member, known, [...at, name], pointers);
    }
  }
}

function hideSource(value: Json, at: Tokens, pointers: string[]): void {
  if (typeof value !== 'object' || value === null) {
    if (typeof value !== 'number' || !harmless.has(at.at(-1) ?? '')) pointers.push(toPointer(at));
    return;
  }
  for (const [name, member] of Object.entries(value) as [string, Json][]) {
    if (name === 'policy' && at.at(-1) === 'generate' && typeof member === 'string') continue;
    hideSource(member, [...at, name], pointers);
  }
}
