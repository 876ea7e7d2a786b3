import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll } from 'vitest';
import { projectRoot, type Workspace } from './workspace.ts';

/** A server in a process of its own, as people start it. */
export interface Served {
  /** Where it listens: `http://127.0.0.1:…`. */
  readonly address: string;
  /** What it said on standard error so far. */
  readonly log: () => string;
  /** What it said on standard output so far. */
  readonly said: () => string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

const running: Served[] = [];
afterAll(async () => {
  for (const served of running) await served.stop();
});

/** Starts the built program's server on the store of a workspace, at a free port and on the socket beside the store. */
export async function serve(at: Workspace): Promise<Served> {
  const settings = at.read('.secretctl/settings.yaml');
  if (!settings.includes('server:'))
    at.write('.secretctl/settings.yaml', `${settings}server:\n  listeners:\n    - address: 127.0.0.1:0\n`, 0o600);
  return start(['server', '-store=.'], { cwd: at.root, env: { ...at.env, PATH: process.env.PATH } });
}

/** Starts a development server whose root token is `root`. */
export function serveDev(): Promise<Served> {
  return start(['server', '-dev', '-dev-root-token-id=root', '-dev-listen-address=127.0.0.1:0'], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent' },
  });
}

async function start(
  words: readonly string[],
  options: { readonly cwd?: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<Served> {
  const child = spawn(process.execPath, [join(projectRoot, 'dist/main.js'), ...words], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  let said = '';
  let address: string | null = null;
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    let opened = false;
    createInterface({ input: child.stderr }).on('line', (line) => {
      log += `${line}\n`;
      const entry = JSON.parse(line.startsWith('{') ? line : '{}') as { message?: string; address?: string };
      if (entry.message === 'listening' && entry.address?.startsWith('http') === true) address = entry.address;
      if (entry.message?.startsWith('the store is ') === true) opened = true;
      // A development server says the rest on standard output, once its token works.
      if (opened && address !== null && !words.includes('-dev')) resolve();
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      said += `${line}\n`;
      if (line.startsWith('A KV 2 engine')) resolve();
    });
    child.once('close', () => reject(new Error(`the server ended: ${log}`)));
  });
  await ready;
  const served: Served = {
    address: address ?? '',
    log: () => log,
    said: () => said,
    process: child,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
  running.push(served);
  return served;
}
