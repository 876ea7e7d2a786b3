import type { DatabasePlugin } from './plugin.ts';
import { postgresql } from './postgresql/index.ts';

/** Every kind of database of this build: one folder, one line. */
export const databasePlugins: readonly DatabasePlugin[] = [postgresql];

/** Null: no plug-in has this name. */
export function pluginNamed(name: string): DatabasePlugin | null {
  return databasePlugins.find((plugin) => plugin.name === name || plugin.aliases.includes(name)) ?? null;
}
