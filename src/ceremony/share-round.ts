import { Fault } from '../base/error.ts';
import { randomUuid, type Random } from '../base/random.ts';
import { GatheredShares } from '../seal/gathered-shares.ts';
import type { ShamirParameters } from '../seal/seal-config.ts';
import { Refusal } from './refusal.ts';

/** What is refused before an attempt is over: more than people mistype. */
const maxRefusals = 32;

/** One round of giving shares, under its nonce. In memory only. */
export class ShareRound {
  /** A UUID. */
  readonly nonce: string;
  readonly parameters: ShamirParameters;
  readonly #gathered: GatheredShares;
  #refusals = 0;

  constructor(parameters: ShamirParameters, random: Random) {
    this.nonce = randomUuid(random);
    this.parameters = parameters;
    this.#gathered = new GatheredShares(parameters);
  }

  get given(): number {
    return this.#gathered.progress.given;
  }

  /**
   * Takes a share. True: there are enough; then any of them given once more is taken as the wish to go on, where that
   * failed before. Throws Refusal `nonce`, `share`, `repeated` or `exhausted`.
   */
  give(nonce: string, share: string): boolean {
    if (nonce !== this.nonce) throw new Refusal('nonce', this.nonce);
    try {
      return this.#gathered.submit(share).complete;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const repeated = error.code === 'share-duplicate';
      if (repeated && this.#gathered.progress.complete) return true;
      throw this.#refuse(repeated ? 'repeated' : 'share');
    }
  }

  /** What the shares make, to be proven and wiped by the caller. */
  async key(): Promise<Uint8Array> {
    return await this.#gathered.restore();
  }

  /** The shares did not make the key: they are forgotten. Returns what to throw. */
  fail(): Refusal {
    this.end();
    return this.#refuse('proof');
  }

  /** Forgets the shares. */
  end(): void {
    this.#gathered.reset();
  }

  #refuse(kind: 'share' | 'repeated' | 'proof'): Refusal {
    this.#refusals++;
    return new Refusal(this.#refusals >= maxRefusals ? 'exhausted' : kind);
  }
}
