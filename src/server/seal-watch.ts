import type { Timer } from '../base/timer.ts';
import type { Log } from './log.ts';
import { describe } from './trouble.ts';

export interface SealWatchParts {
  readonly timer: Timer;
  readonly log: Log;
  /** Why the seal would not open the store now, for the log; null: it would. */
  health(): Promise<string | null>;
}

/** How often a seal is asked, in milliseconds. */
const pause = 600_000;

/**
 * An open store needs its seal no more, but the next start will: operators hear of it while there is time. The watch
 * lasts as long as the store has its keys, whether requests are served just then or not.
 */
export class SealWatch {
  readonly #parts: SealWatchParts;
  #problem: string | null = null;
  #end: () => void = () => undefined;

  constructor(parts: SealWatchParts) {
    this.#parts = parts;
  }

  /** What the seal said last, without a secret; null: it would open the store, or there is no watch. */
  get problem(): string | null {
    return this.#problem;
  }

  /** The store was opened: its seal is asked from now on, until `end`. */
  begin(): void {
    this.end();
    const { timer, health } = this.#parts;
    let ended = false;
    const look = async (): Promise<void> => {
      const found = await health().catch(describe);
      if (ended) return;
      this.#note(found);
      cancel = timer.after(pause, () => void look());
    };
    let cancel = timer.after(pause, () => void look());
    this.#end = () => {
      ended = true;
      cancel();
    };
  }

  /** The keys were dropped. What a seal says that was asked before counts no more. */
  end(): void {
    this.#end();
    this.#problem = null;
  }

  #note(found: string | null): void {
    const before = this.#problem;
    this.#problem = found === null ? null : 'the seal would not open the store now: see the log of the server';
    if (found !== null && before === null) this.#parts.log('warn', 'the seal would not open the store now', { reason: found });
    if (found === null && before !== null) this.#parts.log('info', 'the seal would open the store again');
  }
}
