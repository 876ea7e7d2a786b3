import { RequestError } from '../../protocol/request-error.ts';

interface Waiting {
  /** Null: it has its turn. Otherwise it is turned away. */
  readonly decide: (refusal: RequestError | null) => void;
}

/**
 * Runs at most `atOnce` pieces of work at a time; at most `waiting` more wait. Clients take turns, each with its pieces
 * in the order in which they came, so that nobody waits for all that somebody else has sent: before a piece is done at
 * most one of each other client is for each of its own client's before it. Where all places are taken, the last piece of
 * whoever has most of them makes room.
 */
export class BoundedWork {
  readonly #atOnce: number;
  readonly #most: number;
  /** By client, in the order of their turns; none is empty. */
  readonly #queues = new Map<string, Waiting[]>();
  #waiting = 0;
  #running = 0;

  constructor(atOnce: number, waiting: number) {
    this.#atOnce = atOnce;
    this.#most = waiting;
  }

  /** What `work` gives. Throws RequestError 429 where too many wait already; then `work` is not called. */
  async run<T>(client: string, work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnce) await this.#turn(client);
    else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#next();
      // The next one takes the place of this one.
      if (next === null) this.#running--;
      else next.decide(null);
    }
  }

  async #turn(client: string): Promise<void> {
    if (this.#waiting >= this.#most) this.#makeRoom(client);
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = { decide: (refusal) => (refusal === null ? resolve() : reject(refusal)) };
      const queue = this.#queues.get(client);
      if (queue === undefined) this.#queues.set(client, [waiting]);
      else queue.push(waiting);
      this.#waiting++;
    });
  }

  /** Throws RequestError 429 where the client itself has as many places as anybody. */
  #makeRoom(client: string): void {
    let most: readonly [string, Waiting[]] | null = null;
    for (const entry of this.#queues) if (entry[1].length > (most?.[1].length ?? 0)) most = entry;
    if (most === null || most[1].length <= (this.#queues.get(client)?.length ?? 0) + 1) throw tooMany();
    const last = most[1].pop();
    this.#waiting--;
    last?.decide(tooMany());
  }

  #next(): Waiting | null {
    for (const [client, queue] of this.#queues) {
      const next = queue.shift() ?? null;
      this.#queues.delete(client);
      if (queue.length > 0) this.#queues.set(client, queue);
      this.#waiting--;
      return next;
    }
    return null;
  }
}

function tooMany(): RequestError {
  return new RequestError(429, 'too many passwords wait to be checked; try again in a moment', {
    headers: { 'Retry-After': '1' },
  });
}
