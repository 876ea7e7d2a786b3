import { kinds } from './catalog.ts';
import { schemaFiles } from './desired/schema-files.ts';
import { plainSchema } from './kinds/schema.ts';
import { settingsSchema } from './settings-schema.ts';

/** The files of `schemas/`: those of the documents, and that of the settings. */
export function publishedSchemas(): ReadonlyMap<string, string> {
  const settings = plainSchema('Settings of a secretctl store and its server', settingsSchema);
  return new Map([...schemaFiles(kinds), ['settings.json', `${JSON.stringify(settings, null, 2)}\n`]]);
}
