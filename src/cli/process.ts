import process from 'node:process';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { systemClock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import { ioReason } from '../base/io-reason.ts';
import { systemRandom } from '../base/random.ts';
import { variable } from '../client/variable.ts';
import type { CliContext, Terminal } from './context.ts';
import { run } from './run.ts';

/** Runs a command line against the real process: its pipes, its environment, its signals. */
export async function runProcess(
  argv: readonly string[],
  parts: Pick<CliContext, 'kinds' | 'stores' | 'serve'>,
): Promise<number> {
  const interrupt = new AbortController();
  let times = 0;
  let outcome: number | null = null;
  const onSignal = (): void => {
    // The work is done and reported: the exit code must not say otherwise, only come at once.
    if (outcome !== null) process.exit(outcome);
    times += 1;
    interrupt.abort(new Fault('cancelled', 'Interrupted.'));
    // What is being committed ends whole or not at all; a second Ctrl-C ends the process at once, which is safe too.
    if (times > 1) process.exit(130);
    // A server says so in its log.
    if (argv[0] !== 'server')
      process.stderr.write('Interrupted: finishing what is under way (press Ctrl-C again to stop at once).\n');
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const output = writerTo(process.stdout);
  const code = await run(argv, {
    cwd: process.cwd(),
    env: process.env,
    clock: systemClock,
    random: systemRandom,
    terminal: processTerminal(argv, output, interrupt.signal),
    sleep: (milliseconds, signal) => sleepFor(milliseconds, undefined, signal === null ? {} : { signal }),
    interrupted: interrupt.signal,
    ...parts,
  });
  await output.flushed();
  outcome = output.failed() ? Math.max(code, 1) : code;
  return outcome;
}

function processTerminal(argv: readonly string[], output: Writer, interrupted: AbortSignal): Terminal {
  const { stdin, stdout, stderr, env } = process;
  const plain =
    (env.NO_COLOR !== undefined && env.NO_COLOR !== '') ||
    env.TERM === 'dumb' ||
    variable(env, 'CLI_NO_COLOR') !== null ||
    argv.some((arg) => /^--?no-color(=true)?$/.test(arg));
  const interactive = stdin.isTTY && stderr.isTTY;
  return {
    out: output.write,
    err: writerTo(stderr).write,
    colour: stdout.isTTY && !plain,
    errorColour: stderr.isTTY && !plain,
    outputIsScreen: stdout.isTTY,
    interactive,
    async ask(question, { hidden = false } = {}) {
      if (!interactive)
        throw new Fault('not-interactive', `there is nobody to ask: ${question.trim()}`, {
          hint: 'Standard input is no terminal.',
        });
      const { createInterface } = await import('node:readline/promises');
      const { Writable } = await import('node:stream');
      // readline draws its prompt anew with each key, from the start of the line: it must know all of that line.
      const split = hidden ? question.length : question.lastIndexOf('\n') + 1;
      // A hidden answer is echoed nowhere: readline writes to a sink instead of the terminal.
      const echo = hidden ? new Writable({ write: (_chunk, _encoding, done) => done() }) : stderr;
      const lines = createInterface({ input: stdin, output: echo, terminal: true, historySize: 0 });
      // Asked when the terminal has stopped echoing and not before: whoever pastes at once is not shown either.
      stderr.write(question.slice(0, split));
      const cancelled = new AbortController();
      lines.on('SIGINT', () => cancelled.abort());
      lines.on('close', () => cancelled.abort());
      try {
        return await lines.question(question.slice(split), { signal: AbortSignal.any([cancelled.signal, interrupted]) });
      } catch {
        if (!hidden) stderr.write('\n');
        throw new Fault('cancelled', 'Cancelled. Nothing was changed.');
      } finally {
        lines.close();
        if (hidden) stderr.write('\n');
      }
    },
    async input(limit) {
      if (stdin.isTTY) stderr.write('Reading from standard input; end with Ctrl-D on a line of its own.\n');
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of stdin) {
        chunks.push(chunk as Buffer);
        size += (chunk as Buffer).length;
        if (size > limit) throw new Fault('usage', `standard input is larger than ${limit} bytes`);
      }
      return new Uint8Array(Buffer.concat(chunks));
    },
  };
}

interface Writer {
  write(text: string): void;
  /** Resolves when all that was written has left this process, or can't. */
  flushed(): Promise<void>;
  /** True: something could not be written, for another reason than that nobody reads any more. */
  failed(): boolean;
}

/**
 * Writes until the reader closes its end (`| head`). That is no error of ours, and no reason to stop halfway: what was
 * asked for is done, and the exit code says how it went.
 */
function writerTo(stream: NodeJS.WriteStream): Writer {
  let open = true;
  let failed = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    open = false;
    if (error.code === 'EPIPE' || failed) return;
    failed = true;
    process.stderr.write(`Error: the output can't be written: ${ioReason(error)}\n`);
  });
  return {
    write: (text) => {
      if (open) stream.write(text);
    },
    flushed: () =>
      new Promise((resolve) => {
        if (!open) resolve();
        else stream.write('', () => resolve());
      }),
    failed: () => failed,
  };
}
