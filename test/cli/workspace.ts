import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { kinds } from '../../src/catalog.ts';
import type { Terminal } from '../../src/cli/context.ts';
import { run } from '../../src/cli/run.ts';
import { stores } from '../../src/compose.ts';
import { Fault } from '../../src/base/error.ts';
import { ended } from './ended.ts';

export const projectRoot = resolve(import.meta.dirname, '../..');

/** What a command line said, and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The questions that a person was asked, as they were shown. */
  readonly asked: readonly string[];
}

export interface Circumstances {
  /** Relative to the workspace. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input, where it is no terminal. */
  readonly input?: string | Uint8Array | (() => Promise<string>);
  /** A person at a terminal, and what they answer, or do before they answer; `Ctrl-C` interrupts. */
  readonly answers?: readonly (string | (() => Promise<string>))[];
  readonly interrupted?: AbortSignal;
  readonly screen?: boolean;
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone when the file of tests is through. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'secretctl-cli-'));
  folders.push(folder);
  return folder;
}

/** A config repo in a folder of its own, with the command line run in this process against the real world. */
export class Workspace {
  readonly base = temporaryFolder();
  readonly root = join(this.base, 'acme');
  readonly env = { XDG_CONFIG_HOME: join(this.base, 'config') };

  constructor() {
    mkdirSync(this.root);
  }

  /** Runs one command line: words, or a text that is split at spaces. */
  async run(line: string | readonly string[], circumstances: Circumstances = {}): Promise<Outcome> {
    const {
      cwd = '.',
      env = {},
      input = '',
      answers,
      interrupted = new AbortController().signal,
      screen = false,
    } = circumstances;
    const out: string[] = [];
    const err: string[] = [];
    const asked: string[] = [];
    const left = [...(answers ?? [])];
    const terminal: Terminal = {
      out: (text) => void out.push(text),
      err: (text) => void err.push(text),
      colour: false,
      errorColour: false,
      outputIsScreen: screen,
      interactive: answers !== undefined,
      ask(question) {
        asked.push(question);
        const answer = left.shift();
        if (typeof answer === 'function') return answer();
        return answer === undefined || answer === 'Ctrl-C' ? Promise.reject(ended()) : Promise.resolve(answer);
      },
      async input() {
        const given = typeof input === 'function' ? await input() : input;
        return typeof given === 'string' ? new TextEncoder().encode(given) : given;
      },
    };
    const code = await run(typeof line === 'string' ? line.split(' ') : line, {
      cwd: resolve(this.root, cwd),
      env: { ...this.env, ...env },
      clock: systemClock,
      random: systemRandom,
      terminal,
      kinds: () => Promise.resolve(kinds),
      stores: () => Promise.resolve(stores),
      serve: () => Promise.reject(new Fault('usage', 'a server is a process of its own')),
      sleep: (milliseconds, signal) => sleepFor(Math.min(milliseconds, 5), undefined, signal === null ? {} : { signal }),
      interrupted,
    });
    return { code, out: out.join(''), err: err.join(''), asked };
  }

  /** The same, for what must succeed. */
  async ok(line: string | readonly string[], circumstances: Circumstances = {}): Promise<string> {
    const outcome = await this.run(line, circumstances);
    if (outcome.code !== 0) throw new Error(`${String(line)} exits with ${outcome.code}: ${outcome.out}${outcome.err}`);
    return outcome.out;
  }

  /** The JSON that a command line printed. */
  async json<T = Record<string, unknown>>(line: string, circumstances: Circumstances = {}): Promise<T> {
    return JSON.parse(await this.ok(line, circumstances)) as T;
  }

  path(file: string): string {
    return join(this.root, file);
  }

  read(file: string): string {
    return readFileSync(this.path(file), 'utf8');
  }

  write(file: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.path(file)), { recursive: true });
    writeFileSync(this.path(file), text, { mode });
  }

  edit(file: string, from: string | RegExp, to: string): void {
    const text = this.read(file);
    const edited = text.replace(from, to);
    if (edited === text) throw new Error(`${file} holds no ${String(from)}`);
    this.write(file, edited);
  }
}

/** A workspace with a store and nothing declared; `made` is what init printed. */
export async function emptyWorkspace(init = 'init .'): Promise<Workspace & { readonly made: string }> {
  const workspace = new Workspace();
  return Object.assign(workspace, { made: await workspace.ok(init) });
}

export const secretValue = 'sk_live_canary';

/** The quickstart's documents with a store, its value sealed; nothing is applied yet. */
export async function declaredWorkspace(): Promise<Workspace> {
  const workspace = new Workspace();
  cpSync(join(projectRoot, 'examples/quickstart'), workspace.root, { recursive: true, filter: (path) => !path.endsWith('.mjs') });
  await workspace.ok('init .');
  await workspace.ok('encrypt -write StaticSecret/kv/payments/stripe data.api_key', { input: secretValue });
  return workspace;
}

/** The same, applied. */
export async function appliedWorkspace(): Promise<Workspace> {
  const workspace = await declaredWorkspace();
  await workspace.ok('apply -auto-approve');
  return workspace;
}

/** The error of a command line with -json. */
export function errorOf({ err }: Outcome): { code: string; message: string; hint: string | null } {
  const line = err.split('\n').find((text) => text.startsWith('{')) ?? '{}';
  return (JSON.parse(line) as { error: { code: string; message: string; hint: string | null } }).error;
}
