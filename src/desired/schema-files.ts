import type { Kind } from '../kinds/kind.ts';
import { documentSchema, schemaFileName, unionSchema } from '../kinds/schema.ts';
import { documentedKinds } from './document-kind.ts';

/** The schema that tells by `kind` which rules hold, for editors that know one schema for all files. */
const unionFile = 'secretctl.json';

/** The files of `schemas/`: one schema for each kind of document, and their union. */
export function schemaFiles(kinds: readonly Kind[]): ReadonlyMap<string, string> {
  const all = documentedKinds(kinds);
  const files = new Map(all.map((documented) => [schemaFileName(documented.kind), documentSchema(documented)]));
  files.set(unionFile, unionSchema(all));
  return new Map([...files].map(([name, schema]) => [name, `${JSON.stringify(schema, null, 2)}\n`]));
}
