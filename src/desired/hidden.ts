import { isJsonObject, toPointer, type Json, type JsonObject } from '../base/json.ts';
import { isIdentifier } from '../base/name.ts';
import type { SpecSchema } from '../kinds/kind.ts';
import type { DocumentKind } from './document-kind.ts';
import { memberSchemas, withBranches } from '../kinds/schema-member.ts';

/**
 * JSON pointers to the parts of a document that an excerpt must not show: what stands in a secret field, or in one that its
 * schema has hidden (a person may have put the plain secret there), and what the schema does not know or has as a map (it may be a misspelt secret
 * field, or the value of one that was to be named).
 */
export function hiddenInDocument(document: Json, kinds: ReadonlyMap<string, DocumentKind>): readonly string[] {
  const kind = isJsonObject(document) && typeof document['kind'] === 'string' ? kinds.get(document['kind']) : undefined;
  if (kind === undefined || !isJsonObject(document)) return outsideEnvelope(document);
  const pointers: string[] = [];
  search(document, [kind.schema], [], pointers);
  // A template may put any of its values into a secret field.
  if (kind.secrets.length > 0 && document['forEach'] !== undefined) pointers.push('/forEach');
  if (kind.kind === 'Environment') hidePatches(document, kinds, pointers);
  return pointers;
}

/** Nobody knows what this is, so no more is shown than what it says it is. */
function outsideEnvelope(document: Json): readonly string[] {
  if (!isJsonObject(document)) return [''];
  return Object.keys(document)
    .filter((name) => name !== 'apiVersion' && name !== 'kind')
    .map((name) => toPointer([name]));
}

function hidePatches(document: JsonObject, kinds: ReadonlyMap<string, DocumentKind>, pointers: string[]): void {
  const spec = isJsonObject(document['spec']) ? document['spec'] : {};
  const patches = Array.isArray(spec['patches']) ? (spec['patches'] as readonly Json[]) : [];
  for (const [index, patch] of patches.entries()) {
    if (!isJsonObject(patch) || patch['spec'] === undefined) continue;
    const target = typeof patch['target'] === 'string' ? patch['target'] : '';
    const schema = kinds.get(target.slice(0, Math.max(0, target.indexOf('/'))))?.lens?.spec;
    const at = ['spec', 'patches', index, 'spec'];
    if (schema === undefined) pointers.push(toPointer(at));
    else search(patch['spec'], [schema], at, pointers);
  }
}

/** May a file that could not be parsed hold a plain secret? Not where all its documents are of kinds without secret fields. */
export function maySpill(text: string, kinds: ReadonlyMap<string, DocumentKind>): boolean {
  const named = [...text.matchAll(/\bkind["']?\s*:\s*["']?(\w*)/g)].map(([, kind = '']) => kinds.get(kind));
  return named.length === 0 || named.some((kind) => kind === undefined || kind.secrets.length > 0 || kind.kind === 'Environment');
}

type Tokens = readonly (string | number)[];

/** Parameters of a value source that tell nothing. */
const harmless: ReadonlySet<string | number> = new Set(['length', 'version']);

function search(value: Json, schemas: readonly SpecSchema[], at: Tokens, pointers: string[]): void {
  const flat = schemas.flatMap(withBranches);
  if (flat.some((schema) => schema['x-secret'] === true)) return hideSource(value, at, pointers);
  if (flat.some((schema) => schema['x-hidden'] === true)) return void pointers.push(toPointer(at));
  if (Array.isArray(value)) {
    const items = flat.flatMap(({ items }) => items ?? []);
    for (const [index, item] of (value as readonly Json[]).entries()) search(item, items, [...at, index], pointers);
  } else if (!isJsonObject(value)) {
    if (value !== null && flat.some(({ type }) => type === 'object')) pointers.push(toPointer(at));
  } else {
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
  for (const [name, member] of Object.entries<Json>(value)) {
    if (name === 'policy' && at.at(-1) === 'generate' && typeof member === 'string' && isIdentifier(member)) continue;
    hideSource(member, [...at, name], pointers);
  }
}
