import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Fault } from '../base/error.ts';
import type { Options } from './command.ts';
import type { CliContext } from './context.ts';

/** The file at the root of every config repo. */
export const projectFile = 'secretctl.yaml';
/** Beside it: settings, store and audit log; ignored by git, mode 0700. */
export const storeFolder = '.secretctl';

/** The root of the config repo that `from` lies in, or null. */
export function findWorkspace(from: string): string | null {
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    if (existsSync(join(directory, projectFile))) return directory;
    if (dirname(directory) === directory) return null;
  }
}

/** The root of the config repo. Throws Fault `usage` outside of one. */
export function requireWorkspace(context: CliContext): string {
  const found = findWorkspace(context.cwd);
  if (found !== null) return found;
  throw new Fault('usage', `there is no ${projectFile} here or above`, {
    hint: 'Make a workspace with: secretctl init DIR, or change into one.',
  });
}

/** Did somebody say which store is meant? Otherwise it is the one that lies where the command runs. */
export function isStoreNamed(context: CliContext, options: Options): boolean {
  return (options.text('store') ?? context.env.SECRETCTL_STORE ?? '') !== '';
}

/** The `.secretctl` directory: `-store`, `SECRETCTL_STORE`, else the workspace's. Throws Fault `store-missing`. */
export function storeDirectory(context: CliContext, options: Options): string {
  const named = options.text('store') ?? context.env.SECRETCTL_STORE;
  if (named !== undefined && named !== '') {
    const directory = resolve(context.cwd, named);
    // People name the workspace as often as the directory inside it.
    const inside = join(directory, storeFolder);
    if (isDirectory(inside)) return inside;
    if (isDirectory(directory)) return directory;
    throw new Fault('store-missing', `there is no store at ${directory}`, { hint: 'Make one with: secretctl init DIR' });
  }
  const workspace = findWorkspace(context.cwd);
  const directory = workspace === null ? null : join(workspace, storeFolder);
  if (directory !== null && isDirectory(directory)) return directory;
  if (workspace === null) {
    throw new Fault('store-missing', `there is no ${projectFile} here or above, and no -store was given`, {
      hint: 'Change into a workspace, name its store with -store DIR, or make one with: secretctl init DIR',
    });
  }
  throw new Fault('store-missing', `the workspace ${workspace} has no store`, {
    hint: `Make one with: secretctl init ${relativeTo(context.cwd, workspace)}`,
  });
}

/** Where the static key and the tokens live, outside of every repo: `$XDG_CONFIG_HOME/secretctl`. */
export function configDirectory(env: CliContext['env']): string {
  const base = env.XDG_CONFIG_HOME;
  return join(base !== undefined && base.startsWith('/') ? base : join(env.HOME ?? homedir(), '.config'), 'secretctl');
}

export function relativeTo(cwd: string, path: string): string {
  if (path === cwd) return '.';
  return path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
