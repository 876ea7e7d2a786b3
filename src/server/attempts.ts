import type { Clock } from '../base/clock.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { Remote } from '../protocol/request.ts';
import type { Log } from './log.ts';

/** How long a seal that needs nobody is left alone by those who have no token. Milliseconds. */
const shortestPause = 1000;

/** What is tried at sys/unseal, which needs no token: told to operators, and kept within bounds. */
export class Attempts {
  readonly #clock: Clock;
  readonly #log: Log;
  #refused = 0;
  #askedAt = 0;

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** How many were refused since the store was open. */
  get refused(): number {
    return this.#refused;
  }

  refuse(error: unknown, from: Remote | null): void {
    this.#refused++;
    // Of many not each, or they would fill the disk.
    if (this.#refused > 16 && this.#refused % 1000 !== 0) return;
    const reason = error instanceof RequestError ? error.message : 'internal error';
    const remote = from?.address ?? null;
    this.#log('warn', 'an attempt to unseal was refused', { reason, remote, refused: this.#refused });
  }

  forgotten(from: Remote | null): void {
    this.#log('info', 'the shares given so far were forgotten', { remote: from?.address ?? null });
  }

  /** The store is open. */
  succeeded(): void {
    this.#refused = 0;
  }

  /** A seal that needs nobody may be elsewhere, where each question costs. Throws RequestError 429. */
  askSeal(): void {
    const now = this.#clock.now();
    if (Math.abs(now - this.#askedAt) < shortestPause) {
      throw new RequestError(429, 'the seal was asked a moment ago: it is asked again by itself', {
        headers: { 'Retry-After': '1' },
      });
    }
    this.#askedAt = now;
  }
}
