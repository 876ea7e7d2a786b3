import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Where a configuration comes from: a commit, or documents that are not committed. */
export interface ConfigCommit {
  /** The commit's hash, or `sha256:<hex>` of the documents. */
  readonly id: string;
  readonly committed: boolean;
}

/** HEAD where the given files (relative to `root`) are committed as they are; otherwise a digest of their texts. */
export async function configCommit(
  root: string,
  files: readonly { readonly path: string; readonly text: string }[],
): Promise<ConfigCommit> {
  const head = await git(root, ['rev-parse', '--verify', 'HEAD']);
  if (head !== null && (await isClean(root, files))) return { id: head.trim(), committed: true };
  const hash = createHash('sha256');
  for (const { path, text } of files) hash.update(`${Buffer.byteLength(path)} ${path}\n${Buffer.byteLength(text)} `).update(text);
  return { id: `sha256:${hash.digest('hex')}`, committed: false };
}

async function isClean(root: string, files: readonly { readonly path: string }[]): Promise<boolean> {
  // Asked for the whole folder: a file that was deleted since is a difference too.
  const status = await git(root, ['status', '--porcelain', '-z', '--untracked-files=all', '--no-renames', '--', '.']);
  if (status === null) return false;
  const documents = new Set(files.map(({ path }) => path));
  const prefix = ((await git(root, ['rev-parse', '--show-prefix'])) ?? '').trim();
  return !status
    .split('\0')
    .map((line) => line.slice(3))
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length))
    .some((path) => documents.has(path) || /\.ya?ml$/.test(path));
}

/** What git prints, or null where there is no git, no repo, or it refuses. Hooks and monitors of the repo never run. */
async function git(root: string, args: readonly string[]): Promise<string | null> {
  try {
    const { stdout } = await execute(
      'git',
      ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-C', root, ...args],
      {
        maxBuffer: 64 * 1024 * 1024,
        timeout: 30_000,
        env: { ...process.env, GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' },
      },
    );
    return stdout;
  } catch {
    return null;
  }
}
