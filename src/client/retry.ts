import { type Backoff, spreadDelayAfter } from '../base/backoff.ts';
import type { Random } from '../base/random.ts';

/** A try that came to nothing. */
export interface Attempt {
  /** Null: no answer came. */
  readonly status: number | null;
  /** May the server have seen the request? */
  readonly sent: boolean;
  /** Does a second one change nothing that the first did not? */
  readonly idempotent: boolean;
  /** The server refuses because it is sealed: waiting for a second or two does not help. */
  readonly sealed: boolean;
}

/**
 * Is it worth another try? 412 and 429 are refusals before any work; after 5xx, or where no answer came, only what
 * changes nothing is asked again.
 */
export function isRetried({ status, sent, idempotent, sealed }: Attempt): boolean {
  if (status === null) return idempotent || !sent;
  if (status === 412 || status === 429) return true;
  return idempotent && !sealed && (status === 500 || status === 502 || status === 503 || status === 504);
}

const backoff: Backoff = { first: 250, most: 5000 };
const longestAskedWait = 30_000;

/** How long to wait before the next try, in milliseconds: what the server asks for, else ever longer and never alike. */
export function waitBefore(next: number, retryAfter: string | undefined, now: number, random: Random): number {
  const asked = askedWait(retryAfter, now);
  if (asked !== null) return Math.min(asked, longestAskedWait);
  return spreadDelayAfter(next, backoff, random);
}

/** `Retry-After` (RFC 9110 section 10.2.3): seconds or a date. */
function askedWait(value: string | undefined, now: number): number | null {
  if (value === undefined) return null;
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
