import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';
import type { Remote } from '../protocol/request.ts';
import type { Unsealing } from '../seal/unsealing.ts';
import type { Log } from './log.ts';
import { describe } from './trouble.ts';

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

  /** The open barrier; null: more shares are needed. Throws RequestError, for whoever gave the share. */
  async open(unsealing: Unsealing, share: string, migrate: boolean): Promise<Barrier | null> {
    const unattended = unsealing.status().shares === 0;
    if (unattended) this.#askSeal();
    try {
      return unattended ? await unsealing.openUnattended() : await unsealing.give(share, { migrate });
    } catch (error) {
      throw refusalOf(error);
    }
  }

  refuse(error: unknown, from: Remote | null): void {
    this.#refused++;
    // Of many not each, or they would fill the disk.
    if (this.#refused > 16 && this.#refused % 1000 !== 0) return;
    // The answer says less than the log, and refers to it.
    const reason = describe(error instanceof RequestError ? (error.cause ?? error.message) : error);
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
  #askSeal(): void {
    const now = this.#clock.now();
    if (Math.abs(now - this.#askedAt) < shortestPause) {
      throw new RequestError(429, 'the seal was asked a moment ago: it is asked again by itself', {
        headers: { 'Retry-After': '1' },
      });
    }
    this.#askedAt = now;
  }
}

/** Why a store was not unsealed, as whoever gave a share is told: what failed besides stands in the log. */
function refusalOf(error: unknown): RequestError {
  if (!(error instanceof Fault)) return new RequestError(500, 'internal error', { cause: error });
  if (error.code.startsWith('share-') || error.code === 'seal-migration') return badRequest(error.message);
  return new RequestError(500, `the seal does not open (${error.code}): see the log of the server`, { cause: error });
}
