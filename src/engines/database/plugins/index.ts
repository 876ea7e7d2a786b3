import { mongodb } from './mongodb/index.ts';
import { mysqlPlugins } from './mysql/index.ts';
import type { DatabasePlugin } from './plugin.ts';
import { postgresql } from './postgresql/index.ts';

/** Every kind of database of this build, under every name that it goes by: one folder, one line. */
export const databasePlugins: readonly DatabasePlugin[] = [mongodb, ...mysqlPlugins, postgresql];

/** Null: no plug-in has this name. */
export function pluginNamed(name: string): DatabasePlugin | null {
  return databasePlugins.find((plugin) => plugin.name === name || plugin.aliases.includes(name)) ?? null;
}
