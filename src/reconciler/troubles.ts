import type { Trouble } from '../core/controller.ts';

/** So many are kept at most: more keys than that are in trouble for one reason. */
const capacity = 1024;

/** The keys of a controller whose work fails, from the first failure until it works again. Pure. */
export class Troubles {
  readonly #troubles = new Map<string, Trouble>();

  get size(): number {
    return this.#troubles.size;
  }

  has(key: string): boolean {
    return this.#troubles.has(key);
  }

  keys(): readonly string[] {
    return [...this.#troubles.keys()];
  }

  /** The first of them, the oldest first. */
  first(count: number): readonly Trouble[] {
    return [...this.#troubles.values()].slice(0, count);
  }

  /** It failed. True: it did not fail before. `of` counts only then. */
  note(key: string, { of, error, now }: { readonly of: string; readonly error: string; readonly now: number }): boolean {
    const before = this.#troubles.get(key);
    if (before === undefined && this.#troubles.size >= capacity) return false;
    this.#troubles.set(key, { of: before?.of ?? of, since: before?.since ?? now, error });
    return before === undefined;
  }

  /** It works again: what had failed; null: nothing. */
  end(key: string): Trouble | null {
    const before = this.#troubles.get(key) ?? null;
    this.#troubles.delete(key);
    return before;
  }
}
