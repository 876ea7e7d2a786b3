import { TokenBucket } from '../base/token-bucket.ts';
import type { RateLimit } from './record.ts';

/** What a quota says of one request. Times in milliseconds from now. */
export interface Verdict {
  readonly allowed: boolean;
  /** How many more requests the client may send now; null: it is blocked, and nobody counts. */
  readonly remaining: number | null;
  /** Until the client has its whole rate again. */
  readonly reset: number;
  /** Until another request may succeed; 0 for an allowed one. */
  readonly retryAfter: number;
}

interface Client {
  readonly bucket: TokenBucket;
  blockedUntil: number;
}

/**
 * What the clients of all quotas have used up; pure, the time comes in. Only so many are remembered: the one that was
 * seen least recently is forgotten, and begins anew with its whole rate. A client takes some 400 bytes at most.
 */
export class Clients {
  readonly #most: number;
  /** In the order in which they were last seen. */
  readonly #clients = new Map<string, Client>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#clients.size;
  }

  take(limit: RateLimit, client: string, now: number): Verdict {
    const known = this.#touch(limit, client, now);
    const { bucket } = known;
    // A clock that was set back blocks nobody for longer.
    known.blockedUntil = Math.min(known.blockedUntil, now + limit.blockInterval * 1000);
    const blocked = known.blockedUntil - now;
    if (blocked > 0) return { allowed: false, remaining: null, reset: blocked, retryAfter: blocked };
    const allowed = bucket.take(now);
    const remaining = bucket.remaining(now);
    const reset = bucket.wait(now, Infinity);
    if (allowed) return { allowed, remaining, reset, retryAfter: 0 };
    if (limit.blockInterval === 0) return { allowed, remaining, reset, retryAfter: bucket.wait(now, 1) };
    known.blockedUntil = now + limit.blockInterval * 1000;
    return { allowed, remaining, reset, retryAfter: limit.blockInterval * 1000 };
  }

  #touch(limit: RateLimit, name: string, now: number): Client {
    // A quota that was changed counts from the beginning.
    const key = `${limit.name} ${limit.rate} ${limit.interval} ${limit.blockInterval} ${name}`;
    let client = this.#clients.get(key);
    if (client === undefined) {
      for (const oldest of this.#clients.keys()) {
        if (this.#clients.size < this.#most) break;
        this.#clients.delete(oldest);
      }
      client = { bucket: new TokenBucket(shapeOf(limit), now), blockedUntil: 0 };
    } else this.#clients.delete(key);
    this.#clients.set(key, client);
    return client;
  }
}

/** The whole rate at once, and then evenly. A rate below one is one request in more than an interval. */
function shapeOf({ rate, interval }: RateLimit): { readonly capacity: number; readonly fillTime: number } {
  const capacity = Math.max(1, rate);
  return { capacity, fillTime: (interval * 1000 * capacity) / rate };
}
