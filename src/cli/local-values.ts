import { readFileSync, realpathSync, statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { fromUtf8 } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import type { LocalSource, ResolveLocal } from '../plan/apply-body.ts';
import { addressText } from '../protocol/managed.ts';
import type { CliContext } from './context.ts';

const maxFileBytes = 1024 * 1024;

/**
 * Resolves `fromEnv` and `fromFile` on the machine of the person who applies. A file must lie in the repo, or below one
 * of `allowed`, also after symlinks are followed. The text of a file is taken as it is. Errors never quote a value.
 */
export function localValues(context: CliContext, root: () => Promise<string>, allowed: readonly string[]): ResolveLocal {
  return async (source) =>
    'fromEnv' in source.source
      ? fromEnvironment(context, source, source.source.fromEnv)
      : fromFile(context, await root(), allowed, source, source.source.fromFile);
}

function fromEnvironment(context: CliContext, { address, field }: LocalSource, name: string): string {
  const value = context.env[name];
  if (value !== undefined && value !== '') return value;
  throw new Fault(
    'plan-refused',
    `${addressText(address)} takes ${field} from the environment variable ${name}, which is not set`,
    {
      hint: `Set ${name} for this command. Nothing was changed.`,
    },
  );
}

function fromFile(
  context: CliContext,
  root: string,
  allowed: readonly string[],
  { address, field }: LocalSource,
  path: string,
): string {
  const about = `${addressText(address)} takes ${field} from the file ${path}`;
  let real: string;
  try {
    real = realpathSync(resolve(root, path));
  } catch {
    throw new Fault('plan-refused', `${about}, which does not exist`, {
      hint: 'Paths are relative to secretctl.yaml. Nothing was changed.',
    });
  }
  const folders = [root, ...allowed.map((folder) => resolve(context.cwd, folder))].map((folder) => realpathSync(folder));
  if (!folders.some((folder) => real.startsWith(folder + sep))) {
    throw new Fault('plan-refused', `${about}, which lies outside of the repo`, {
      hint: 'Allow its folder with -allow-file DIR. Nothing was changed.',
    });
  }
  const stat = statSync(real);
  if (!stat.isFile()) throw new Fault('plan-refused', `${about}, which is no file`);
  if (stat.size > maxFileBytes) throw new Fault('plan-refused', `${about}, which is larger than 1 MiB`);
  try {
    return fromUtf8(readFileSync(real));
  } catch {
    throw new Fault('plan-refused', `${about}, which is not UTF-8 text`, { hint: 'Encode it first, for example as base64.' });
  }
}
