/** What limits a bucket. Each taking needs one token; tokens come back evenly. */
export interface BucketShape {
  /** How many tokens it holds at most, and at the start. */
  readonly capacity: number;
  /** In how many milliseconds an empty one fills. */
  readonly fillTime: number;
}

/** A token bucket; pure, the time (in milliseconds) comes in. Time that runs backwards adds nothing. */
export class TokenBucket {
  readonly shape: BucketShape;
  #tokens: number;
  #at: number;

  constructor(shape: BucketShape, now: number) {
    this.shape = shape;
    this.#tokens = shape.capacity;
    this.#at = now;
  }

  /** Takes a token; false: there is none. */
  take(now: number): boolean {
    this.#fill(now);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** How many whole tokens it holds. */
  remaining(now: number): number {
    this.#fill(now);
    return Math.floor(this.#tokens);
  }

  /** How long, in milliseconds, until it holds `tokens` (at most its capacity); 0: it does. */
  wait(now: number, tokens: number): number {
    this.#fill(now);
    const { capacity, fillTime } = this.shape;
    return Math.max(0, Math.ceil(((Math.min(tokens, capacity) - this.#tokens) * fillTime) / capacity));
  }

  #fill(now: number): void {
    const { capacity, fillTime } = this.shape;
    if (now > this.#at) this.#tokens = Math.min(capacity, this.#tokens + ((now - this.#at) * capacity) / fillTime);
    this.#at = now;
  }
}
