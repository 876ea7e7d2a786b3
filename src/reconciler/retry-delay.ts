import type { Random } from '../base/random.ts';

export interface RetryLimits {
  /** Milliseconds. */
  readonly first: number;
  readonly most: number;
}

/**
 * How long a key waits after its `attempt`th failure in a row (from 1), in milliseconds: twice as long each time, of
 * which the half is random, so that keys that failed together do not come back together.
 */
export function retryDelay(attempt: number, { first, most }: RetryLimits, random: Random): number {
  const whole = Math.min(most, first * 2 ** Math.min(attempt - 1, 52));
  const [a = 0, b = 0, c = 0] = random.bytes(3);
  return Math.ceil(whole / 2 + (whole / 2) * ((a * 65536 + b * 256 + c) / 2 ** 24));
}
