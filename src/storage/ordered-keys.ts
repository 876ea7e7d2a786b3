import { compareKeys } from './key.ts';

const runLimit = 1024;

/** Whether a key stands before another one. */
type Before = (key: string, other: string) => boolean;
const byCodePoints: Before = (key, other) => compareKeys(key, other) < 0;
// The engine's own comparison is ten times as fast, and the same where no key has a unit from U+D800 on.
const byUnits: Before = (key, other) => key < other;
const late = /[\ud800-\uffff]/;

/** A set of keys in byte order: sorted runs of bounded length, so that an insertion moves few of them. */
export class OrderedKeys {
  #runs: string[][] = [];
  #hasLate = false;

  /** Adds a key; adding it again changes nothing. */
  add(key: string): void {
    this.#hasLate ||= late.test(key);
    const before = this.#order(key);
    const at = this.#runOf(key, before);
    const run = this.#runs[at];
    if (run === undefined) {
      this.#runs.push([key]);
      return;
    }
    const index = firstNotBefore(run, key, before);
    if (run[index] === key) return;
    run.splice(index, 0, key);
    // Keys that arrive in order fill a run before the next begins; others halve it.
    if (run.length > runLimit) this.#runs.splice(at + 1, 0, run.splice(index === run.length - 1 ? index : runLimit / 2));
  }

  delete(key: string): void {
    const before = this.#order(key);
    const at = this.#runOf(key, before);
    const run = this.#runs[at];
    if (run === undefined) return;
    const index = firstNotBefore(run, key, before);
    if (run[index] !== key) return;
    run.splice(index, 1);
    if (run.length === 0) this.#runs.splice(at, 1);
  }

  /** The keys that start with `prefix` and are greater than `after`. The set must not change meanwhile. */
  *below(prefix: string, after: string | null): Generator<string, void, undefined> {
    const start = after === null || compareKeys(after, prefix) < 0 ? prefix : after;
    const before = this.#order(start);
    for (let at = this.#runOf(start, before); at < this.#runs.length; at++) {
      const run = this.#runs[at] ?? [];
      for (let index = firstNotBefore(run, start, before); index < run.length; index++) {
        const key = run[index] ?? '';
        if (key === after) continue;
        if (!key.startsWith(prefix)) return;
        yield key;
      }
    }
  }

  #order(key: string): Before {
    return this.#hasLate || late.test(key) ? byCodePoints : byUnits;
  }

  // The last run that begins at or before the key: where it is, or belongs.
  #runOf(key: string, before: Before): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (before(key, this.#runs[middle]?.[0] ?? '')) high = middle;
      else low = middle + 1;
    }
    return Math.max(0, low - 1);
  }
}

function firstNotBefore(run: readonly string[], key: string, before: Before): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(run[middle] ?? '', key)) low = middle + 1;
    else high = middle;
  }
  return low;
}
