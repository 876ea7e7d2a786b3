import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Job } from './job.ts';

const program = fileURLToPath(new URL('children/worker.mjs', import.meta.url));

/** A process of children/worker.mjs. It is started before it is needed, since loading its modules takes the longest. */
export class Worker {
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | NodeJS.Signals>;
  #rest = '';
  #errors = '';
  #failure: unknown = null;
  #onLine: (line: string) => void = () => undefined;
  #isReady: () => void = () => undefined;
  readonly #ready = new Promise<void>((resolve) => (this.#isReady = resolve));

  constructor() {
    this.#process = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#take(chunk.toString()));
    // A job that is given to a process which was killed meanwhile is lost with it.
    this.#process.stdin?.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        this.#isReady();
        resolve(signal ?? code ?? 0);
      });
    });
  }

  /**
   * Gives it the job and each line that it prints to `onLine`, until it has ended; returns the exit code or signal. What
   * `onLine` throws ends the process and is thrown.
   */
  async run(job: Job, onLine: (line: string) => void): Promise<number | NodeJS.Signals> {
    this.#onLine = onLine;
    await this.#ready;
    this.#process.stdin?.write(`${JSON.stringify(job)}\n`);
    const ended = await this.#ended;
    if (this.#failure !== null) throw this.#failure as Error;
    return ended;
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** What it had to say when it failed. */
  get errors(): string {
    return this.#errors;
  }

  /** A line that its end cut short was not printed. */
  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      try {
        if (line === 'ready') this.#isReady();
        else this.#onLine(line);
      } catch (error) {
        this.#failure ??= error;
        this.kill();
      }
    }
  }
}
