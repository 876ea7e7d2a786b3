/** Keys by time: a binary heap that knows where each key lies in it. */
export class Schedule {
  readonly #heap: { readonly key: string; at: number }[] = [];
  readonly #index = new Map<string, number>();

  get size(): number {
    return this.#heap.length;
  }

  /** The key whose time is the earliest; null: there is none. */
  get first(): string | null {
    return this.#heap[0]?.key ?? null;
  }

  /** The time of that key. */
  get earliest(): number | null {
    return this.#heap[0]?.at ?? null;
  }

  has(key: string): boolean {
    return this.#index.has(key);
  }

  /** Adds a key, or moves it to another time. */
  set(key: string, at: number): void {
    const known = this.#index.get(key);
    if (known === undefined) {
      this.#heap.push({ key, at });
      this.#index.set(key, this.#heap.length - 1);
      this.#settle(this.#heap.length - 1);
    } else {
      this.#entry(known).at = at;
      this.#settle(known);
    }
  }

  delete(key: string): void {
    const index = this.#index.get(key);
    if (index === undefined) return;
    this.#index.delete(key);
    const last = this.#heap.pop();
    if (last !== undefined && last.key !== key) {
      this.#heap[index] = last;
      this.#index.set(last.key, index);
      this.#settle(index);
    }
  }

  #settle(start: number): void {
    let index = start;
    while (index > 0 && this.#before(index, (index - 1) >> 1)) index = this.#swap(index, (index - 1) >> 1);
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#heap.length && this.#before(child, least)) least = child;
      }
      if (least === index) return;
      index = this.#swap(index, least);
    }
  }

  #before(a: number, b: number): boolean {
    return this.#entry(a).at < this.#entry(b).at;
  }

  #swap(a: number, b: number): number {
    const [first, second] = [this.#entry(a), this.#entry(b)];
    this.#heap[a] = second;
    this.#heap[b] = first;
    this.#index.set(second.key, a);
    this.#index.set(first.key, b);
    return b;
  }

  #entry(index: number): { readonly key: string; at: number } {
    const entry = this.#heap[index];
    if (entry === undefined) throw new TypeError('no such entry in the schedule');
    return entry;
  }
}
