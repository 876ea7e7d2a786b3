import { compareKeys } from './key.ts';

const runLimit = 1024;

/** A set of keys in byte order: sorted runs of bounded length, so that an insertion moves few of them. */
export class OrderedKeys {
  #runs: string[][] = [];

  /** Adds a key; adding it again changes nothing. */
  add(key: string): void {
    const at = this.#runOf(key);
    const run = this.#runs[at];
    if (run === undefined) {
      this.#runs.push([key]);
      return;
    }
    const index = firstNotBefore(run, key);
    if (run[index] === key) return;
    run.splice(index, 0, key);
    // Keys that arrive in order fill a run before the next begins; others halve it.
    if (run.length > runLimit) this.#runs.splice(at + 1, 0, run.splice(index === run.length - 1 ? index : runLimit / 2));
  }

  delete(key: string): void {
    const at = this.#runOf(key);
    const run = this.#runs[at];
    if (run === undefined) return;
    const index = firstNotBefore(run, key);
    if (run[index] !== key) return;
    run.splice(index, 1);
    if (run.length === 0) this.#runs.splice(at, 1);
  }

  /** The keys that start with `prefix` and are greater than `after`. The set must not change meanwhile. */
  *below(prefix: string, after: string | null): Generator<string, void, undefined> {
    const start = after === null || compareKeys(after, prefix) < 0 ? prefix : after;
    for (let at = this.#runOf(start); at < this.#runs.length; at++) {
      const run = this.#runs[at] ?? [];
      for (let index = firstNotBefore(run, start); index < run.length; index++) {
        const key = run[index] ?? '';
        if (key === after) continue;
        if (!key.startsWith(prefix)) return;
        yield key;
      }
    }
  }

  // The last run that begins at or before the key: where it is, or belongs.
  #runOf(key: string): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#runs[middle]?.[0] ?? '', key) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

function firstNotBefore(run: readonly string[], key: string): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(run[middle] ?? '', key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
