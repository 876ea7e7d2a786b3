import type { JsonObject } from '../base/json.ts';
import type { Timer } from '../base/timer.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Request } from '../protocol/request.ts';
import type { CrossOrigin, RequestLine } from '../protocol/request-line.ts';
import type { Log } from './log.ts';
import { describe } from './trouble.ts';
import { UnderWay } from './under-way.ts';

/** A store that is open for requests. */
export interface Serving {
  handle(request: Request): Promise<Reply>;
  admit(line: RequestLine): Promise<Readonly<Record<string, string>>>;
  crossOrigin(origin: string): Promise<CrossOrigin | null>;
  mayWrite(line: RequestLine): Promise<boolean>;
  /** Writes what happened to the store as a whole into its audit log. `facts` hold no secret. Throws where it can't. */
  note(facts: JsonObject): Promise<void>;
  /** Ends background work and the audit log in order. The keys are dropped afterwards. */
  stop(): Promise<void>;
}

/** How long an end waits for requests under way, in milliseconds. */
const drainTime = 10_000;

/** What is served now, with the requests that are under way in it; nothing while the store is sealed or cannot be used. */
export class Served {
  readonly #log: Log;
  readonly #underWay: UnderWay;
  #now: Serving | null = null;

  constructor({ timer, log }: { readonly timer: Timer; readonly log: Log }) {
    this.#log = log;
    this.#underWay = new UnderWay(timer);
  }

  /** Null: nothing. */
  get now(): Serving | null {
    return this.#now;
  }

  begin(serving: Serving): void {
    this.#now = serving;
  }

  handle(serving: Serving, request: Request): Promise<Reply> {
    return this.#underWay.during(() => serving.handle(request));
  }

  /** Takes no more requests, lets those end that are under way, and ends what was served. Never throws. */
  async end(): Promise<void> {
    const serving = this.#now;
    if (serving === null) return;
    this.#now = null;
    await this.#underWay.drained(drainTime);
    try {
      await serving.stop();
    } catch (error) {
      this.#log('error', 'the end of the store was not in order', { reason: describe(error) });
    }
  }
}
