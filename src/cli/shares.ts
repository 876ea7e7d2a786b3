import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Fault } from '../base/error.ts';
import type { CliContext, OpenStore } from './context.ts';
import { readNamedText } from './files.ts';

/**
 * Where the shares of a Shamir seal come from: a file, or the people at the terminal, who are asked again where one does
 * not count. What was given once is given again when the same command opens the store anew.
 */
export function shareSource(context: CliContext, file: string | undefined): OpenStore['nextShare'] {
  const next = file === undefined ? askedShares(context) : fileShares(context, file);
  const accepted: string[] = [];
  return async (progress) => {
    const { given, refused } = progress;
    if (refused !== null) accepted.length = given;
    const known = accepted[given];
    if (known !== undefined) return known;
    const share = await next(progress);
    if (share !== null) accepted[given] = share;
    return share;
  };
}

function fileShares(context: CliContext, path: string): OpenStore['nextShare'] {
  const shares = readShares(context, path);
  let next = 0;
  return async ({ refused }) => {
    const last = shares[next - 1];
    if (refused !== null && last !== undefined)
      throw new Fault(
        refused.code,
        `${path}:${last.line}: ${refused.message}`,
        refused.hint === null ? {} : { hint: refused.hint },
      );
    return shares[next++]?.share ?? null;
  };
}

function askedShares({ terminal }: CliContext): OpenStore['nextShare'] {
  return async ({ given, threshold, refused }) => {
    if (!terminal.interactive) return null;
    if (refused !== null) terminal.err(`That share does not count: ${refused.message}\n`);
    const share = (await terminal.ask(`Share ${given + 1} of ${threshold}: `, { hidden: true })).trim();
    return share === '' ? null : share;
  };
}

interface ShareLine {
  readonly line: number;
  readonly share: string;
}

/** The shares of a file that only its owner can read. Throws Fault `seal-key-permissions` or `file`. */
function readShares(context: CliContext, path: string): readonly ShareLine[] {
  const text = readNamedText(context, path, 'the file of -unseal-from');
  if ((statSync(resolve(context.cwd, path)).mode & 0o077) !== 0)
    throw new Fault('seal-key-permissions', `others can read the shares in ${path}`, { hint: `Run: chmod 600 ${path}` });
  return text
    .split('\n')
    .map((line, index) => ({ line: index + 1, share: line.trim() }))
    .filter(({ share }) => share !== '' && !share.startsWith('#'));
}
