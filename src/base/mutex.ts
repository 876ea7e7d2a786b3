/** Runs pieces of work one after the other, in the order in which they came. One that fails keeps no other from its turn. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** What `work` gives, or throws. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
