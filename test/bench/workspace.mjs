// Workspaces with an encrypted store of their own, in a temporary directory that goes with the benchmark.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { program } from './measure.mjs';

/** Makes a workspace with the real command line. `base` holds all of it; `close` removes it. */
export function createWorkspace() {
  const base = mkdtempSync(join(tmpdir(), 'secretctl-bench-'));
  const directory = join(base, 'repo');
  const config = join(base, 'config');
  const env = { ...process.env, XDG_CONFIG_HOME: config };
  for (const name of ['VAULT_TOKEN', 'SECRETCTL_STORE', 'NODE_V8_COVERAGE', 'NODE_OPTIONS']) delete env[name];
  const made = JSON.parse(
    execFileSync(process.execPath, [program, 'init', directory, '-json'], { cwd: base, env, encoding: 'utf8' }),
  );
  appendFileSync(join(directory, 'secretctl.yaml'), '  variables:\n    ttl:\n      type: duration\n      default: 1h\n');
  return {
    base,
    directory,
    env,
    store: join(directory, '.secretctl'),
    configDirectory: join(config, 'secretctl'),
    recipient: made.recipient,
    token: readFileSync(made.tokenFile, 'utf8').trim(),
    close: () => rmSync(base, { recursive: true, force: true }),
  };
}

export function writeFiles(root, files) {
  const made = new Set();
  for (const { path, text } of files) {
    const file = join(root, path);
    const folder = dirname(file);
    if (!made.has(folder)) mkdirSync(folder, { recursive: true });
    made.add(folder);
    writeFileSync(file, text);
  }
}
