import { wipe } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import type { Replacement } from '../seal/replacement.ts';
import type { ShareNumbers } from '../seal/seal-type.ts';
import type { Transaction } from '../storage/transaction.ts';
import { takeShare, type Deciders, type Proof } from './proof.ts';
import { Refusal } from './refusal.ts';
import { ShareRound } from './share-round.ts';

/** What a rekey is about: the root key under its seal, or the recovery shares. */
export interface RekeyTarget extends Deciders {
  /** True: where nobody holds shares, whoever may start it may have the first ones. */
  readonly mayBeFirst: boolean;
  /** Makes the new keys; may take its time and touch the outside. */
  prepare(split: ShareNumbers | null): Promise<Replacement>;
}

/** What a step has come to, for the transaction that ends it. */
export interface RekeyStep {
  /** The new shares, to be shown once; null: there are none to be shown yet, or this step only takes one. */
  readonly shares: readonly string[] | null;
  /** The nonce under which the new shares are verified before they count; null: they need not be. */
  readonly verificationNonce: string | null;
  /** Writes the new keys where this step is the last. Throws Refusal. */
  commit(tx: Transaction): Promise<void>;
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
  readonly split: ShareNumbers | null;
  readonly verificationRequired: boolean;
  /** Null: nobody holds shares yet. */
  readonly round: ShareRound | null;
  /** Made once, by whichever request comes to it first. */
  prepared: Promise<Replacement> | null;
  verification: ShareRound | null;
}

/**
 * The ceremony of a rekey: the holders of the present shares give them one by one, then new keys take the place of the
 * present ones, at once or when as many of the new shares were given back as will be needed. One attempt at a time, in
 * memory only. Each method is to be called once for a request, the `commit` of its step in each run of the transaction.
 * Everything throws Refusal.
 */
export class Rekey {
  readonly #target: RekeyTarget;
  readonly #random: Random;
  readonly #warn: (message: string) => void;
  #attempt: Attempt | null = null;

  /** `warn` is told, without secrets, what was left undone behind a change that has been made. */
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

  /** Begins an attempt. Its step shows shares only where nobody holds any, and these are the first. */
  async start(split: ShareNumbers | null, options: { readonly verification: boolean }): Promise<RekeyStep> {
    const authority = await this.#target.store.read((tx) => this.#target.authority(tx));
    if (authority === null && !this.#target.mayBeFirst) throw new Refusal('no-shares');
    if (this.#attempt !== null) throw new Refusal('present');
    const attempt: Attempt = {
      split,
      verificationRequired: options.verification,
      round: authority && new ShareRound(authority.parameters, this.#random),
      prepared: null,
      verification: null,
    };
    this.#attempt = attempt;
    if (attempt.round !== null) return taken;
    try {
      return await this.#complete(attempt, {
        holds: async (tx) => (await this.#target.authority(tx)) === null,
        end: () => {},
      });
    } catch (error) {
      this.#end(attempt);
      throw error;
    }
  }

  /** Ends the attempt: the present shares stay what they are. */
  cancel(): void {
    if (this.#attempt !== null) this.#end(this.#attempt);
  }

  /** Takes a share of the present ones. */
  async give(nonce: string, share: string): Promise<RekeyStep> {
    const attempt = this.#attempt;
    const round = attempt?.round;
    if (!attempt || !round) throw new Refusal('absent');
    if (attempt.verification !== null) throw new Refusal('unverified', attempt.verification.nonce);
    const proof = await takeShare(this.#target, round, { nonce, share }, () => this.#end(attempt));
    return proof === null ? taken : this.#complete(attempt, proof);
  }

  /** Takes a share of the new ones. Null: more are needed. */
  async verify(nonce: string, share: string): Promise<RekeyStep | null> {
    const attempt = this.#attempt;
    if (attempt === null) throw new Refusal('absent');
    const { verification, prepared } = attempt;
    if (verification === null || prepared === null) throw new Refusal('nothing-to-verify');
    try {
      if (!verification.give(nonce, share)) return null;
      const made = await prepared;
      const key = await verification.key();
      const right = made.isKey(key);
      wipe(key);
      if (!right) throw new Refusal('verification');
      return { shares: null, verificationNonce: nonce, commit: (tx) => this.#putInPlace(tx, attempt, made) };
    } catch (error) {
      if (error instanceof Refusal && (error.kind === 'verification' || error.kind === 'exhausted')) this.restartVerification();
      throw error;
    }
  }

  /** Forgets what was given of the new shares, which wait for their verification under another nonce. */
  restartVerification(): void {
    const verification = this.#attempt?.verification;
    if (!this.#attempt || !verification) return;
    verification.end();
    this.#attempt.verification = new ShareRound(verification.parameters, this.#random);
  }

  async #complete(attempt: Attempt, proof: Proof): Promise<RekeyStep> {
    const prepared = (attempt.prepared ??= this.#target.prepare(attempt.split));
    let made: Replacement;
    try {
      made = await prepared;
    } catch (error) {
      // Whoever gives a share once more tries again.
      if (attempt.prepared === prepared) attempt.prepared = null;
      proof.end();
      throw error;
    }
    this.#assertCurrent(attempt);
    const { shares, parameters } = made;
    if (!attempt.verificationRequired || parameters === null) {
      return { shares, verificationNonce: null, commit: (tx) => this.#putInPlace(tx, attempt, made, proof) };
    }
    proof.end();
    if (attempt.verification !== null) throw new Refusal('unverified', attempt.verification.nonce);
    attempt.verification = new ShareRound(parameters, this.#random);
    return { shares, verificationNonce: attempt.verification.nonce, commit: async () => {} };
  }

  async #putInPlace(tx: Transaction, attempt: Attempt, made: Replacement, proof: Proof = noProof): Promise<void> {
    this.#assertCurrent(attempt);
    // Since it was looked at, another ceremony may have replaced what it rests on.
    if (!(await proof.holds(tx))) throw new Refusal('changed');
    await made.putInPlace(tx);
    this.#assertCurrent(attempt);
    tx.onCommit(() => {
      proof.end();
      attempt.prepared = null;
      this.#end(attempt);
      made.settle().catch((error: unknown) => {
        this.#warn(`the former seal could not be given up: ${error instanceof Error ? error.message : 'unknown error'}`);
      });
    });
  }

  #assertCurrent(attempt: Attempt): void {
    if (this.#attempt !== attempt) throw new Refusal('absent');
  }

  #end(attempt: Attempt): void {
    if (this.#attempt === attempt) this.#attempt = null;
    attempt.round?.end();
    attempt.verification?.end();
    attempt.prepared?.then(
      (made) => made.discard(),
      () => undefined,
    );
  }
}

const taken: RekeyStep = { shares: null, verificationNonce: null, commit: async () => {} };
const noProof: Proof = { holds: async () => true, end: () => {} };
