import { utf8, wipe } from '../base/bytes.ts';
import { randomText, type Random } from '../base/random.ts';
import type { ShareAuthority } from '../seal/share-authority.ts';
import type { Transaction } from '../storage/transaction.ts';
import { Refusal } from './refusal.ts';
import type { RequestRun } from './rekey.ts';
import { ShareRound } from './share-round.ts';

export interface GenerateRootParts {
  /** Whose shares are asked for; null: there are none. */
  authority(tx: Transaction): Promise<ShareAuthority | null>;
  /** Takes the attempt's nonce once, for whichever transaction commits first. False: it was taken. */
  claim(tx: Transaction, nonce: string): Promise<boolean>;
  /** Makes a root token in the transaction and returns its text. */
  mintRoot(tx: Transaction): Promise<string>;
  readonly random: Random;
  /** Of the text of a root token; characters, all of them ASCII. */
  readonly tokenLength: number;
}

export interface GenerateRootProgress {
  readonly given: number;
  readonly required: number;
  /** The new root token under the one-time password; null: more shares are needed. */
  readonly encodedToken: string | null;
}

interface Attempt {
  readonly startedBy: string;
  readonly otp: string;
  readonly round: ShareRound;
}

/**
 * The ceremony of a new root token: the holders of the shares give them one by one, and whoever began it gets the token
 * under a one-time password of its length. One attempt at a time, in memory only. Everything throws Refusal.
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
  async start(run: RequestRun, otp: string | null): Promise<string> {
    const { random, tokenLength } = this.#parts;
    const authority = await this.#parts.authority(run.tx);
    if (authority === null) throw new Refusal('no-shares');
    const present = this.#attempt;
    if (present !== null && present.startedBy !== run.id) throw new Refusal('present');
    const attempt = (this.#attempt ??= {
      startedBy: run.id,
      otp: otp ?? randomText(random, tokenLength),
      round: new ShareRound(authority.parameters, random),
    });
    return otp === null ? attempt.otp : '';
  }

  cancel(): void {
    this.#attempt?.round.end();
    this.#attempt = null;
  }

  /** Takes a share. */
  async give(run: RequestRun, nonce: string, share: string): Promise<GenerateRootProgress> {
    const authority = await this.#parts.authority(run.tx);
    const attempt = this.#attempt;
    if (attempt === null) throw new Refusal('absent');
    const { round, otp } = attempt;
    const required = round.parameters.threshold;
    if (authority?.parameters.setId !== round.parameters.setId) {
      this.cancel();
      throw new Refusal('changed');
    }
    try {
      round.give(run.id, nonce, share);
      if (!round.complete) return { given: round.given, required, encodedToken: null };
      const key = await round.key();
      const genuine = key !== null && (await authority.proves(key));
      if (key !== null) wipe(key);
      if (!genuine) throw round.fail(run.id);
    } catch (error) {
      if (error instanceof Refusal && error.kind === 'exhausted') this.cancel();
      throw error;
    }
    // Two requests may come this far at the same time: one token each would be one too many.
    const claimed = await this.#parts.claim(run.tx, round.nonce);
    const token = await this.#parts.mintRoot(run.tx);
    if (!claimed || this.#attempt !== attempt) throw new Refusal('absent');
    run.tx.onCommit(() => {
      if (this.#attempt === attempt) this.cancel();
    });
    return { given: required, required, encodedToken: encodeToken(token, otp) };
  }
}

/** The token XOR the password, in base64 without padding. Both have the same length. */
export function encodeToken(token: string, otp: string): string {
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
