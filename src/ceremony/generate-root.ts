import { utf8 } from '../base/bytes.ts';
import { randomText, type Random } from '../base/random.ts';
import type { Transaction } from '../storage/transaction.ts';
import { takeShare, type Deciders } from './proof.ts';
import { Refusal } from './refusal.ts';
import { ShareRound } from './share-round.ts';

export interface GenerateRootParts extends Deciders {
  /** Takes the attempt's nonce once, for whichever transaction commits first. False: it was taken. */
  claim(tx: Transaction, nonce: string): Promise<boolean>;
  /** Makes a root token in the transaction and returns its text. */
  mintRoot(tx: Transaction): Promise<string>;
  readonly random: Random;
  /** Of the text of a root token; characters, all of them ASCII. */
  readonly tokenLength: number;
}

export interface GenerateRootStep {
  readonly given: number;
  readonly required: number;
  /** Null: more shares are needed. Otherwise makes the token and returns it under the one-time password. Throws Refusal. */
  readonly commit: ((tx: Transaction) => Promise<string>) | null;
}

interface Attempt {
  readonly otp: string;
  readonly round: ShareRound;
}

/**
 * The ceremony of a new root token: the holders of the shares give them one by one, and whoever began it gets the token
 * under a one-time password of its length. One attempt at a time, in memory only. Each method is to be called once for a
 * request, the `commit` of its step in each run of the transaction. Everything throws Refusal.
 */
export class GenerateRoot {
  readonly #parts: GenerateRootParts;
  #attempt: Attempt | null = null;

  constructor(parts: GenerateRootParts) {
    this.#parts = parts;
  }

  /** Null: nothing is under way. */
  status(): { readonly nonce: string; readonly given: number } | null {
    const attempt = this.#attempt;
    return attempt && { nonce: attempt.round.nonce, given: attempt.round.given };
  }

  /** True: it is as long as a token. */
  fits(otp: string): boolean {
    return utf8(otp).byteLength === this.#parts.tokenLength;
  }

  /** Begins an attempt under a password that fits. Returns the one that was made where it is null, otherwise ''. */
  async start(otp: string | null): Promise<string> {
    const { store, random, tokenLength } = this.#parts;
    const authority = await store.read((tx) => this.#parts.authority(tx));
    if (authority === null) throw new Refusal('no-shares');
    if (this.#attempt !== null) throw new Refusal('present');
    const made = otp ?? randomText(random, tokenLength);
    this.#attempt = { otp: made, round: new ShareRound(authority.parameters, random) };
    return otp === null ? made : '';
  }

  cancel(): void {
    if (this.#attempt !== null) this.#end(this.#attempt);
  }

  /** Takes a share. */
  async give(nonce: string, share: string): Promise<GenerateRootStep> {
    const attempt = this.#attempt;
    if (attempt === null) throw new Refusal('absent');
    const { round, otp } = attempt;
    const required = round.parameters.threshold;
    const proof = await takeShare(this.#parts, round, { nonce, share }, () => this.#end(attempt));
    if (proof === null) return { given: round.given, required, commit: null };
    return {
      given: required,
      required,
      commit: async (tx) => {
        if (!(await proof.holds(tx))) throw new Refusal('changed');
        // Two requests may come this far at the same time: one token each would be one too many.
        const claimed = await this.#parts.claim(tx, round.nonce);
        const token = await this.#parts.mintRoot(tx);
        if (!claimed || this.#attempt !== attempt) throw new Refusal('absent');
        tx.onCommit(() => {
          proof.end();
          this.#end(attempt);
        });
        return encodeToken(token, otp);
      },
    };
  }

  #end(attempt: Attempt): void {
    if (this.#attempt === attempt) this.#attempt = null;
    attempt.round.end();
  }
}

/** The token XOR the password, in base64 without padding. Both have the same length. */
function encodeToken(token: string, otp: string): string {
  const password = utf8(otp);
  const mixed = utf8(token).map((byte, index) => byte ^ (password[index] ?? 0));
  if (mixed.byteLength !== password.byteLength) throw new TypeError('a one-time password is as long as what it hides');
  return Buffer.from(mixed).toString('base64').replaceAll('=', '');
}

/** The token again; null: these do not belong together. */
export function decodeToken(encoded: string, otp: string): string | null {
  const password = utf8(otp);
  const mixed = Buffer.from(encoded, 'base64');
  if (mixed.toString('base64').replaceAll('=', '') !== encoded || mixed.byteLength !== password.byteLength) return null;
  return Buffer.from(mixed.map((byte, index) => byte ^ (password[index] ?? 0))).toString('utf8');
}
