import { Fault } from '../base/error.ts';
import { randomUuid, type Random } from '../base/random.ts';
import { GatheredShares } from '../seal/gathered-shares.ts';
import type { ShamirParameters } from '../seal/seal-config.ts';
import { Refusal } from './refusal.ts';

/** What is refused before an attempt is over: more than people mistype, and bounded memory. */
const maxRefusals = 32;

/**
 * One round of giving shares, under its nonce. In memory only.
 *
 * A request is carried out in a transaction, which may run it again: the same request is answered the same again. Once
 * there are enough shares, any of them given once more is taken as the wish to go on where that failed.
 */
export class ShareRound {
  /** A UUID. */
  readonly nonce: string;
  readonly parameters: ShamirParameters;
  readonly #gathered: GatheredShares;
  /** By request: null, it was taken. */
  readonly #outcomes = new Map<string, Refusal | null>();
  #refusals = 0;

  constructor(parameters: ShamirParameters, random: Random) {
    this.nonce = randomUuid(random);
    this.parameters = parameters;
    this.#gathered = new GatheredShares(parameters);
  }

  get given(): number {
    return this.#gathered.progress.given;
  }

  get complete(): boolean {
    return this.#gathered.progress.complete;
  }

  /** Takes a share. Throws Refusal `nonce`, `share`, `repeated` or `exhausted`. */
  give(requestId: string, nonce: string, share: string): void {
    if (nonce !== this.nonce) throw new Refusal('nonce', this.nonce);
    const before = this.#outcomes.get(requestId);
    if (before === null) return;
    if (before !== undefined) throw before;
    try {
      this.#gathered.submit(share);
      this.#outcomes.set(requestId, null);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const repeated = error.code === 'share-duplicate';
      if (!repeated || !this.complete) throw this.#refuse(requestId, repeated ? 'repeated' : 'share');
    }
  }

  /** What the shares make, to be proven and wiped by the caller. Null: there are too few of them, or no longer enough. */
  async key(): Promise<Uint8Array | null> {
    return this.complete ? await this.#gathered.restore() : null;
  }

  /** The shares did not make the key: they are forgotten. Returns what to throw. */
  fail(requestId: string): Refusal {
    this.#gathered.reset();
    return this.#refuse(requestId, 'proof');
  }

  /** Forgets the shares. */
  end(): void {
    this.#gathered.reset();
  }

  #refuse(requestId: string, kind: 'share' | 'repeated' | 'proof'): Refusal {
    this.#refusals++;
    const refusal = new Refusal(this.#refusals >= maxRefusals ? 'exhausted' : kind);
    this.#outcomes.set(requestId, refusal);
    return refusal;
  }
}
