import { wipe } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import type { Replacement } from '../seal/replacement.ts';
import type { ShareNumbers } from '../seal/seal-type.ts';
import type { ShareAuthority } from '../seal/share-authority.ts';
import type { Transaction } from '../storage/transaction.ts';
import { Refusal } from './refusal.ts';
import { ShareRound } from './share-round.ts';

/** One run of a request: a transaction that conflicts runs it again under the same id. */
export interface RequestRun {
  readonly id: string;
  readonly tx: Transaction;
}

/** What a rekey is about: the root key under its seal, or the recovery shares. */
export interface RekeyTarget {
  /** Whose shares are asked for; null: there are none. */
  authority(tx: Transaction): Promise<ShareAuthority | null>;
  /** True: where nobody holds shares, whoever may start it may have the first ones. */
  readonly mayBeFirst: boolean;
  /** Makes the new keys. May take its time and touch the outside; called once for each attempt. */
  prepare(split: ShareNumbers | null): Promise<Replacement>;
}

/** The new shares, to be shown once. */
export interface RekeyResult {
  readonly shares: readonly string[];
  /** The nonce under which they are verified before they count; null: they count. */
  readonly verificationNonce: string | null;
}

export interface RekeyStatus {
  readonly nonce: string;
  /** Null: the seal has no shares of its own. */
  readonly split: ShareNumbers | null;
  readonly given: number;
  readonly verificationRequired: boolean;
  /** Null: it has not come to that. */
  readonly verification: { readonly nonce: string; readonly given: number } | null;
}

interface Attempt {
  readonly startedBy: string;
  readonly split: ShareNumbers | null;
  readonly verificationRequired: boolean;
  /** Null: nobody holds shares yet. */
  readonly round: ShareRound | null;
  /** Made once, whichever run comes to it first. */
  prepared: Promise<Replacement> | null;
  verification: ShareRound | null;
  /** The request that was given the new shares. */
  finishedBy: string | null;
}

/**
 * The ceremony of a rekey: the holders of the present shares give them one by one, then new keys take the place of the
 * present ones, at once or when as many of the new shares were given back as will be needed. One attempt at a time, in
 * memory only. Everything throws Refusal.
 */
export class Rekey {
  readonly #target: RekeyTarget;
  readonly #random: Random;
  readonly #warn: (message: string) => void;
  #attempt: Attempt | null = null;

  constructor(target: RekeyTarget, random: Random, warn: (message: string) => void) {
    this.#target = target;
    this.#random = random;
    this.#warn = warn;
  }

  /** Null: nothing is under way. */
  status(): RekeyStatus | null {
    const attempt = this.#attempt;
    if (attempt === null) return null;
    const { verification } = attempt;
    return {
      nonce: attempt.round?.nonce ?? '',
      split: attempt.split,
      given: attempt.round?.given ?? 0,
      verificationRequired: attempt.verificationRequired,
      verification: verification && { nonce: verification.nonce, given: verification.given },
    };
  }

  /** Begins an attempt. Null: shares are needed now; otherwise nobody holds any, and these are the first. */
  async start(
    run: RequestRun,
    { split, verification }: { readonly split: ShareNumbers | null; readonly verification: boolean },
  ): Promise<RekeyResult | null> {
    const authority = await this.#target.authority(run.tx);
    if (authority === null && !this.#target.mayBeFirst) throw new Refusal('no-shares');
    const present = this.#attempt;
    if (present !== null && present.startedBy !== run.id) throw new Refusal('present');
    const attempt =
      present ??
      (this.#attempt = {
        startedBy: run.id,
        split,
        verificationRequired: verification,
        round: authority && new ShareRound(authority.parameters, this.#random),
        prepared: null,
        verification: null,
        finishedBy: null,
      });
    return attempt.round === null ? this.#complete(run, attempt) : null;
  }

  /** Ends the attempt: the present shares stay what they are. */
  cancel(): void {
    const attempt = this.#attempt;
    this.#attempt = null;
    if (attempt === null) return;
    attempt.round?.end();
    attempt.verification?.end();
    attempt.prepared?.then(
      (made) => made.discard(),
      () => undefined,
    );
  }

  /** Takes a share of the present ones. Null: more are needed. */
  async give(run: RequestRun, nonce: string, share: string): Promise<RekeyResult | null> {
    const authority = await this.#target.authority(run.tx);
    const attempt = this.#attempt;
    const round = attempt?.round;
    if (!attempt || !round) throw new Refusal('absent');
    if (attempt.verification !== null) {
      if (attempt.finishedBy === run.id) return this.#complete(run, attempt);
      throw new Refusal('unverified', attempt.verification.nonce);
    }
    if (authority?.parameters.setId !== round.parameters.setId) {
      this.cancel();
      throw new Refusal('changed');
    }
    try {
      round.give(run.id, nonce, share);
    } catch (error) {
      throw this.#ended(error);
    }
    if (!round.complete) return null;
    const key = await round.key();
    const genuine = key !== null && (await authority.proves(key));
    if (key !== null) wipe(key);
    if (!genuine) throw this.#ended(round.fail(run.id));
    return this.#complete(run, attempt);
  }

  /** Takes a share of the new ones. The nonce of the verification that is done, or null: more are needed. */
  async verify(run: RequestRun, nonce: string, share: string): Promise<string | null> {
    const attempt = this.#attempt;
    if (attempt === null) throw new Refusal('absent');
    const { verification, prepared } = attempt;
    if (verification === null || prepared === null) throw new Refusal('nothing-to-verify');
    try {
      verification.give(run.id, nonce, share);
    } catch (error) {
      if (error instanceof Refusal && error.kind === 'exhausted') this.restartVerification();
      throw error;
    }
    if (!verification.complete) return null;
    const made = await prepared;
    const key = await verification.key();
    const right = key !== null && made.isKey(key);
    if (key !== null) wipe(key);
    if (!right) {
      this.restartVerification();
      throw new Refusal('verification');
    }
    await this.#putInPlace(run, attempt, made);
    return verification.nonce;
  }

  /** Forgets what was given of the new shares, which wait for their verification under another nonce. */
  restartVerification(): void {
    const attempt = this.#attempt;
    if (!attempt?.verification) return;
    attempt.verification.end();
    attempt.verification = new ShareRound(attempt.verification.parameters, this.#random);
  }

  async #complete(run: RequestRun, attempt: Attempt): Promise<RekeyResult> {
    const prepared = (attempt.prepared ??= this.#target.prepare(attempt.split));
    let made: Replacement;
    try {
      made = await prepared;
    } catch (error) {
      // Whoever gives a share once more tries again.
      if (attempt.prepared === prepared) attempt.prepared = null;
      if (attempt.round === null) this.cancel();
      throw error;
    }
    this.#assertCurrent(attempt);
    if (attempt.verificationRequired && made.parameters !== null) {
      attempt.finishedBy ??= run.id;
      attempt.verification ??= new ShareRound(made.parameters, this.#random);
      if (attempt.finishedBy !== run.id) throw new Refusal('unverified', attempt.verification.nonce);
      return { shares: made.shares, verificationNonce: attempt.verification.nonce };
    }
    await this.#putInPlace(run, attempt, made);
    return { shares: made.shares, verificationNonce: null };
  }

  async #putInPlace(run: RequestRun, attempt: Attempt, made: Replacement): Promise<void> {
    await made.putInPlace(run.tx);
    this.#assertCurrent(attempt);
    run.tx.onCommit(() => {
      if (this.#attempt === attempt) this.#attempt = null;
      attempt.round?.end();
      attempt.verification?.end();
      made.settle().catch((error: unknown) => {
        this.#warn(`the former seal could not be given up: ${error instanceof Error ? error.message : 'unknown error'}`);
      });
    });
  }

  #assertCurrent(attempt: Attempt): void {
    if (this.#attempt !== attempt) throw new Refusal('absent');
  }

  /** An attempt at which too much was refused is over. */
  #ended(error: unknown): unknown {
    if (error instanceof Refusal && error.kind === 'exhausted') this.cancel();
    return error;
  }
}
