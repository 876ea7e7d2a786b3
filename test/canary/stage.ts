import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { expect } from 'vitest';
import { type Canary, foundIn, type Needle, needlesOf, randomWord } from './canary.ts';

const program = resolve(import.meta.dirname, '../../dist/main.js');
const recorder = resolve(import.meta.dirname, 'children/record-spawns.mjs');

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Circumstances {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  /** What standard output is there to show: names of canaries. */
  readonly shows?: readonly string[];
  /** The exit code; 0 unless told. */
  readonly code?: number;
}

/** What was said somewhere, and what it was there to say. */
interface Heard {
  readonly where: string;
  readonly bytes: Buffer;
  readonly allowed: ReadonlySet<string>;
}

/** A workspace in which the real command line runs, with all that it says and keeps, and the canaries to look for in it. */
export class Stage {
  readonly base = mkdtempSync(join(tmpdir(), 'secretctl-canary-'));
  readonly root = join(this.base, 'acme');
  readonly config = join(this.base, 'config');
  /** By name. */
  readonly canaries: Record<string, string> = {};
  readonly #spawns = join(this.base, 'spawns');
  readonly #heard: Heard[] = [];
  readonly #needles: Needle[] = [];
  #turn = 0;

  constructor() {
    mkdirSync(this.root);
    writeFileSync(this.#spawns, '');
  }

  /** Makes a canary, a random word unless told, that nothing may show from here on. */
  canary(name: string, value: string = randomWord()): string {
    this.canaries[name] = value;
    return this.watch(name, value);
  }

  /** From here on nothing may show this. */
  watch(name: string, value: string): string {
    expect(value.length, name).toBeGreaterThan(8);
    this.#needles.push(...needlesOf({ name, value } satisfies Canary));
    return value;
  }

  /** Runs a command line under umask 000. Fails where it ends in another way, or says what it must not. */
  run(words: readonly string[], { input = '', env = {}, shows = [], code = 0 }: Circumstances = {}): Outcome {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', 'umask 000; exec "$0" "$@"', process.execPath, program, ...words], {
      cwd: this.root,
      input,
      env: {
        PATH: process.env.PATH,
        HOME: this.base,
        XDG_CONFIG_HOME: this.config,
        NODE_OPTIONS: `--import=${recorder}`,
        SPAWNS: this.#spawns,
        ...env,
      },
      maxBuffer: 64 * 1024 * 1024,
    });
    const where = `secretctl ${words.slice(0, 3).join(' ')}`;
    this.#hear({ where: `standard output of ${where}`, bytes: stdout, allowed: new Set(shows) });
    this.#hear({ where: `standard error of ${where}`, bytes: stderr, allowed: new Set() });
    const outcome = { code: status, out: stdout.toString(), err: stderr.toString() };
    expect(status, `${where}: ${outcome.err}`).toBe(code);
    return outcome;
  }

  /** For a person or for a program, by turns; in full size both. */
  runEither(words: readonly string[], circumstances: Circumstances = {}): void {
    if (process.env.SECRETCTL_FULL === '1') this.runBoth(words, circumstances);
    else this.run((this.#turn ^= 1) === 0 ? words : [...words, '-json'], circumstances);
  }

  /** The same command line in each of the forms in which it can answer. */
  runBoth(words: readonly string[], circumstances: Circumstances = {}): Outcome {
    this.run([...words, '-json'], circumstances);
    return this.run(words, circumstances);
  }

  #hear(heard: Heard): void {
    this.#heard.push(heard);
    const found = foundIn(heard.bytes, this.#needles, heard.allowed);
    expect.soft(found, `${heard.where}:\n${heard.bytes.toString()}`).toEqual([]);
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.root, file)), { recursive: true });
    writeFileSync(join(this.root, file), text);
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), 'utf8');
  }

  remove(file: string): void {
    rmSync(join(this.root, file), { force: true });
  }

  /** Everything that was said, every file that is kept, and every word that a child process was called with. */
  search(kept: readonly { readonly folder: string; readonly allowed?: Readonly<Record<string, readonly string[]>> }[]): {
    readonly found: readonly string[];
    readonly bytes: number;
    readonly files: readonly string[];
  } {
    const heard = [
      ...this.#heard,
      { where: 'arguments of child processes', bytes: readFileSync(this.#spawns), allowed: new Set<string>() },
    ];
    const files: string[] = [];
    for (const { folder, allowed = {} } of kept) {
      for (const file of filesBelow(folder)) {
        files.push(file);
        const purpose = Object.entries(allowed).flatMap(([end, names]) => (file.endsWith(end) ? names : []));
        heard.push({ where: relative(this.base, file), bytes: readFileSync(file), allowed: new Set(purpose) });
      }
    }
    const found = heard.flatMap(({ where, bytes, allowed }) =>
      foundIn(bytes, this.#needles, allowed).map((what) => `${where}: ${what}`),
    );
    return { found, bytes: heard.reduce((sum, { bytes }) => sum + bytes.length, 0), files };
  }

  spawned(): string {
    return readFileSync(this.#spawns, 'utf8');
  }

  close(): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}

function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  if (!lstatSync(folder).isDirectory()) return [folder];
  // What git keeps was committed from files that were searched.
  return readdirSync(folder).flatMap((name) => (name === '.git' ? [] : filesBelow(join(folder, name))));
}

/** `mode path` of everything below a folder, itself included. */
export function modesBelow(
  folder: string,
): readonly { readonly path: string; readonly directory: boolean; readonly mode: number }[] {
  const stat = lstatSync(folder);
  const own = { path: folder, directory: stat.isDirectory(), mode: stat.mode & 0o777 };
  return stat.isDirectory() ? [own, ...readdirSync(folder).flatMap((name) => modesBelow(join(folder, name)))] : [own];
}
