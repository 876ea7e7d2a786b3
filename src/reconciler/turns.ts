/** Someone who takes turns: `weight` is its share. */
export interface Taker {
  readonly weight: number;
}

/**
 * Whose turn it is among those who compete: in proportion to their weights, and never never (stride scheduling). Who
 * comes back after a pause does not get the turns that it did not want.
 */
export class Turns<T extends Taker> {
  /** How far each has come: a turn moves it by one over its weight. */
  readonly #passes = new Map<T, number>();
  #pass = 0;

  /** The one among `ready` whose turn it is, which takes it; null: there is none. */
  next(ready: readonly T[]): T | null {
    let next: T | null = null;
    let least = Infinity;
    for (const taker of ready) {
      const pass = Math.max(this.#passes.get(taker) ?? 0, this.#pass);
      if (pass >= least) continue;
      next = taker;
      least = pass;
    }
    if (next === null) return null;
    this.#pass = least;
    this.#passes.set(next, least + 1 / next.weight);
    return next;
  }
}
