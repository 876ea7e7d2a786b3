import { Client } from './client.ts';
import type { ClientSettings } from './settings.ts';

/** How many clients there are, and for how long. */
interface Limits {
  readonly maxOpen: number;
  readonly maxIdle: number;
  /** Seconds; 0: without limit. */
  readonly maxLifetime: number;
}

interface Held {
  readonly client: Client;
  /** Aborts when it has been used for long enough. */
  readonly lifetime: AbortSignal | null;
  /** Nobody has used it since the last look. */
  unused: boolean;
}

/** One that nobody used from one look to the next is closed. In milliseconds. */
const lookEvery = 60_000;
const longestTimer = 2 ** 31 - 1;

/** Clients of one server, made as they are needed: at most so many, and who finds none free waits for its turn. */
export class Clients {
  readonly #settings: () => ClientSettings;
  readonly #limits: Limits;
  readonly #idle: Held[] = [];
  readonly #waiting: (() => void)[] = [];
  #taken = 0;
  #looks = false;
  #closed = false;

  constructor(settings: () => ClientSettings, limits: Limits) {
    this.#settings = settings;
    this.#limits = limits;
  }

  /** One that failed is not used again: nobody knows in which state it is. */
  async use<T>(signal: AbortSignal, work: (client: Client) => Promise<T>): Promise<T> {
    await this.#turn(signal);
    let held: Held | null = null;
    let worked = false;
    try {
      held = (await this.#idleOne(signal)) ?? (await this.#open(signal));
      const { client } = held;
      const result = await client.until(signal, () => work(client));
      worked = true;
      return result;
    } finally {
      if (held !== null) this.#giveBack(held, worked);
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken--;
      else next();
    }
  }

  /** Those in use are closed when they are given back. */
  close(): void {
    this.#closed = true;
    for (const { client } of this.#idle.splice(0)) client.end();
  }

  #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#taken < this.#limits.maxOpen) {
      this.#taken++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        signal.removeEventListener('abort', late);
        resolve();
      };
      const late = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(new Error(`none of the ${this.#limits.maxOpen} connections (max_open_connections) became free in time`));
      };
      this.#waiting.push(turn);
      signal.addEventListener('abort', late, { once: true });
    });
  }

  /** One that still answers: a server, or what is on the way to it, may have ended it unnoticed. */
  async #idleOne(signal: AbortSignal): Promise<Held | null> {
    for (let held = this.#idle.pop(); held !== undefined; held = this.#idle.pop()) {
      const { client } = held;
      if (client.isOpen && (await client.answers(signal))) return held;
      client.destroy();
      signal.throwIfAborted();
    }
    return null;
  }

  async #open(signal: AbortSignal): Promise<Held> {
    const { maxLifetime } = this.#limits;
    const client = await Client.open(this.#settings(), signal);
    const lifetime = maxLifetime > 0 ? AbortSignal.timeout(Math.min(maxLifetime * 1000, longestTimer)) : null;
    return { client, lifetime, unused: false };
  }

  #giveBack(held: Held, worked: boolean): void {
    const { client, lifetime } = held;
    if (!worked) {
      client.destroy();
      return;
    }
    if (this.#closed || lifetime?.aborted === true || this.#idle.length >= this.#limits.maxIdle) {
      client.end();
      return;
    }
    held.unused = false;
    this.#idle.push(held);
    this.#lookLater();
  }

  #lookLater(): void {
    if (this.#looks || this.#idle.length === 0) return;
    this.#looks = true;
    const look = (): void => {
      this.#looks = false;
      const unused = this.#idle.filter((held) => held.unused);
      for (const held of unused) {
        this.#idle.splice(this.#idle.indexOf(held), 1);
        held.client.end();
      }
      for (const held of this.#idle) held.unused = true;
      this.#lookLater();
    };
    AbortSignal.timeout(lookEvery).addEventListener('abort', look, { once: true });
  }
}
