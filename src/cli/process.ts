import process from 'node:process';
import { systemClock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import { systemRandom } from '../base/random.ts';
import type { CliContext, Terminal } from './context.ts';
import { run } from './run.ts';

/** Runs a command line against the real process: its pipes, its environment, its signals. */
export async function runProcess(argv: readonly string[], parts: Pick<CliContext, 'kinds' | 'stores'>): Promise<number> {
  const interrupt = new AbortController();
  let times = 0;
  const onSignal = (): void => {
    times += 1;
    interrupt.abort(new Fault('cancelled', 'Interrupted.'));
    // What is being committed ends whole or not at all; a second Ctrl-C ends the process at once, which is safe too.
    if (times > 1) process.exit(130);
    process.stderr.write('Interrupted: finishing what is under way (press Ctrl-C again to stop at once).\n');
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // A reader that closes its end (`| head`) is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
  try {
    return await run(argv, {
      cwd: process.cwd(),
      env: process.env,
      clock: systemClock,
      random: systemRandom,
      terminal: processTerminal(argv, interrupt.signal),
      interrupted: interrupt.signal,
      ...parts,
    });
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

function processTerminal(argv: readonly string[], interrupted: AbortSignal): Terminal {
  const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined && !argv.some((arg) => /^--?no-color$/.test(arg));
  const interactive = process.stdin.isTTY && process.stderr.isTTY;
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    colour,
    interactive,
    async ask(question, options = {}) {
      if (!interactive)
        throw new Fault('not-interactive', `there is nobody to ask: ${question.trim()}`, {
          hint: 'Standard input is no terminal.',
        });
      const { createInterface } = await import('node:readline/promises');
      const { Writable } = await import('node:stream');
      process.stderr.write(question);
      // A hidden answer is echoed nowhere: readline writes to a sink instead of the terminal.
      const output = options.hidden === true ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stderr;
      const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
      const cancelled = new AbortController();
      lines.on('SIGINT', () => cancelled.abort());
      try {
        return await lines.question('', { signal: AbortSignal.any([cancelled.signal, interrupted]) });
      } catch {
        throw new Fault('cancelled', 'Cancelled. Nothing was changed.');
      } finally {
        lines.close();
        if (options.hidden === true) process.stderr.write('\n');
      }
    },
    async input(limit) {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of process.stdin) {
        chunks.push(chunk as Buffer);
        size += (chunk as Buffer).length;
        if (size > limit) throw new Fault('usage', `standard input is larger than ${limit} bytes`);
      }
      return new Uint8Array(Buffer.concat(chunks));
    },
  };
}
