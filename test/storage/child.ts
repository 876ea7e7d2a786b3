import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A program of test/storage/children, run on the built package. */
export interface Child {
  readonly process: ChildProcessWithoutNullStreams;
  /** The next line that it prints. Throws when it ends before that. */
  line(): Promise<string>;
  /** All lines that nobody took, once it has ended. */
  rest(): Promise<string[]>;
  /** How it ended: an exit code or the name of a signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export function startChild(program: string, args: readonly string[]): Child {
  const path = fileURLToPath(new URL(`children/${program}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: 'pipe' });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on('close', (code, signal) => resolve(signal ?? code ?? 0));
  });
  return {
    process: child,
    ended,
    line: async () => {
      const next = await lines.next();
      if (next.done === true) throw new Error(`${program} ended early (${await ended}): ${errors}`);
      return next.value;
    },
    rest: async () => {
      const all: string[] = [];
      for (let next = await lines.next(); next.done !== true; next = await lines.next()) all.push(next.value);
      return all;
    },
  };
}
