import { Fault } from '../base/error.ts';
import type { Timer } from '../base/timer.ts';
import { SinkFailure, type AuditSink, type SinkHistory, type SinkTail } from './sink.ts';

/**
 * A sink whose calls end within its time. A call that takes longer has failed, with an unknown outcome; as long as it is
 * still under way (a disk that hangs cannot be told to stop) the sink is `overdue`: it takes no other call, and what it
 * was lent must not be changed.
 */
export class BoundedSink implements AuditSink {
  readonly name: string;
  readonly type: string;
  readonly options: Readonly<Record<string, string>>;
  readonly accepts: Readonly<Record<string, string>>;
  readonly timeout: number;
  readonly history: SinkHistory | null;
  readonly #sink: AuditSink;
  readonly #timer: Timer;
  #overdue: Promise<unknown> | null = null;

  constructor(sink: AuditSink, timer: Timer) {
    this.name = sink.name;
    this.type = sink.type;
    this.options = sink.options;
    this.accepts = sink.accepts;
    this.timeout = sink.timeout;
    this.history = sink.history;
    this.#sink = sink;
    this.#timer = timer;
  }

  get overdue(): boolean {
    return this.#overdue !== null;
  }

  check(): Promise<string | null> {
    return this.#sink.check();
  }

  open(): Promise<SinkTail> {
    return this.#within(() => this.#sink.open(), unavailable);
  }

  append(lines: Uint8Array): Promise<void> {
    return this.#within(() => this.#sink.append(lines), undecided);
  }

  reopen(): Promise<SinkTail> {
    return this.#within(() => this.#sink.reopen(), unavailable);
  }

  startAnew(): Promise<string | null> {
    return this.#within(() => this.#sink.startAnew(), unavailable);
  }

  /** Within its time too: what is under way then is closed when it ends. Never throws. */
  async close(): Promise<void> {
    const close = (): Promise<void> => this.#sink.close();
    if (this.#overdue === null) await this.#within(close, unavailable).catch(() => undefined);
    else void this.#overdue.then(close).catch(() => undefined);
  }

  abandon(): void {
    this.#sink.abandon();
  }

  #within<T>(call: () => Promise<T>, failure: (reason: string, started: boolean) => Error): Promise<T> {
    if (this.#overdue !== null) {
      return Promise.reject(failure('what it was told to do before is still under way', false));
    }
    return new Promise((resolve, reject) => {
      let late = false;
      const ended = (): void => {
        if (late) this.#overdue = null;
        else cancel();
      };
      const work = call();
      const giveUp = (): void => {
        late = true;
        this.#overdue = work.catch(() => undefined);
        reject(failure(`it did not answer within ${this.timeout / 1000} s`, true));
        this.#sink.abandon();
      };
      // In two halves: where this process stood still, the first one ends before it has looked at what the sink did.
      let cancel = this.#timer.after(this.timeout / 2, () => {
        cancel = this.#timer.after(this.timeout / 2, giveUp);
      });
      work.then(
        (value) => {
          ended();
          resolve(value);
        },
        (error: unknown) => {
          ended();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }
}

const unavailable = (reason: string): Error => new Fault('audit-unavailable', reason);
const undecided = (reason: string, started: boolean): Error => new SinkFailure(started ? 'unknown' : 'unwritten', reason);
