/** The time as the system sees it. Handed in by the composition root, so that tests own the time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

// The one place where the machine's clock is read.
export const systemClock: Clock = { now: () => Date.now() };
