/** The time as the system sees it. Handed in by the composition root, so that tests own the time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /**
   * By how many milliseconds it was ahead of the machine's wall clock when it was last asked; negative: behind. Absent: it
   * is that clock.
   */
  readonly ahead?: number;
}

// With base/steady-clock.ts, the one place where the machine's clock is read.
export const systemClock: Clock = { now: () => Date.now() };

/**
 * A moment of a clock, for somebody outside who goes by the wall clock: the later of the two, so that what ends there by
 * itself does not end before it does here.
 */
export function forOthers({ ahead = 0 }: Clock, moment: number): number {
  return moment + Math.max(0, -ahead);
}
