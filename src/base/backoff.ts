import type { Random } from './random.ts';

/** Waits between tries of the same thing, in milliseconds: the first, which is above 0, and what none is longer than. */
export interface Backoff {
  readonly first: number;
  readonly most: number;
}

/** How long to wait after the `failures`th failure in a row (from 1), in milliseconds: twice as long each time. */
export function delayAfter(failures: number, { first, most }: Backoff): number {
  return Math.min(most, first * 2 ** (failures - 1));
}

/** The same where many may wait: the half of it is random, so that what failed together does not come back together. */
export function spreadDelayAfter(failures: number, backoff: Backoff, random: Random): number {
  const half = delayAfter(failures, backoff) / 2;
  const [a = 0, b = 0, c = 0] = random.bytes(3);
  return Math.ceil(half + half * ((a * 65536 + b * 256 + c) / 2 ** 24));
}
