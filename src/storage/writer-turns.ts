/**
 * Lets many commits run side by side, or one writer alone. A writer that waits goes before every commit that comes
 * after it, and writers go in the order in which they came: whoever waits gets its turn.
 */
export class WriterTurns {
  #sharing = 0;
  #alone = false;
  readonly #writers: (() => void)[] = [];
  readonly #commits: (() => void)[] = [];

  async share<T>(action: () => Promise<T>): Promise<T> {
    if (this.#alone || this.#writers.length > 0) await new Promise<void>((resolve) => this.#commits.push(resolve));
    else this.#sharing++;
    try {
      return await action();
    } finally {
      this.#sharing--;
      this.#next();
    }
  }

  async alone<T>(action: () => Promise<T>): Promise<T> {
    if (this.#alone || this.#sharing > 0) await new Promise<void>((resolve) => this.#writers.push(resolve));
    else this.#alone = true;
    try {
      return await action();
    } finally {
      this.#alone = false;
      // Those who waited for this turn go first, else a row of writers would starve them.
      this.#releaseCommits();
      this.#next();
    }
  }

  // Whoever is let in is counted here, not when it wakes up, so that nobody slips in between.
  #next(): void {
    if (this.#alone || this.#sharing > 0) return;
    const writer = this.#writers.shift();
    if (writer === undefined) {
      this.#releaseCommits();
      return;
    }
    this.#alone = true;
    writer();
  }

  #releaseCommits(): void {
    for (const commit of this.#commits.splice(0)) {
      this.#sharing++;
      commit();
    }
  }
}
