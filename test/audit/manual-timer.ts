import type { Timer } from '../../src/base/timer.ts';

interface Alarm {
  readonly milliseconds: number;
  readonly action: () => void;
}

/** A timer whose alarms ring when a test says so, and a clock that stands still until then. */
export class ManualTimer implements Timer {
  readonly #alarms = new Set<Alarm>();
  #waiting: (() => void)[] = [];
  time = Date.UTC(2026, 10, 24, 12);
  readonly clock = { now: () => this.time };

  get pending(): number {
    return this.#alarms.size;
  }

  after(milliseconds: number, action: () => void): () => void {
    const alarm = { milliseconds, action };
    this.#alarms.add(alarm);
    for (const wake of this.#waiting.splice(0)) wake();
    return () => this.#alarms.delete(alarm);
  }

  /** Rings every alarm that is set now, and those that are set by that. */
  ring(): void {
    while (this.#alarms.size > 0) this.ringOnce();
  }

  /** Rings every alarm that is set now. */
  ringOnce(): void {
    for (const alarm of [...this.#alarms]) {
      this.#alarms.delete(alarm);
      alarm.action();
    }
  }

  /** Resolves when an alarm is set. */
  async set(): Promise<void> {
    while (this.#alarms.size === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** A promise that somebody else resolves. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** One turn of the event loop: what the system has done is seen. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
