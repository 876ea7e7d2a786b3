/** Why a ceremony goes no further. Each family of routes has its own words for it. */
export type RefusalKind =
  /** Nothing is under way. */
  | 'absent'
  /** Something is. */
  | 'present'
  /** The nonce is of another attempt. */
  | 'nonce'
  /** What was given is no share of this store. */
  | 'share'
  /** It was given before. */
  | 'repeated'
  /** The shares do not make the key. */
  | 'proof'
  /** Too much was refused: the attempt is over. */
  | 'exhausted'
  /** The shares that decide were replaced meanwhile: the attempt is over. */
  | 'changed'
  /** Nobody holds shares of this store. */
  | 'no-shares'
  /** The new shares were handed out and wait for their verification. */
  | 'unverified'
  /** There is nothing to verify. */
  | 'nothing-to-verify'
  /** The new shares do not make the new key. */
  | 'verification';

export class Refusal extends Error {
  readonly kind: RefusalKind;
  /** The nonce that would have been right; '': none. */
  readonly nonce: string;

  constructor(kind: RefusalKind, nonce = '') {
    super(kind);
    this.name = 'Refusal';
    this.kind = kind;
    this.nonce = nonce;
  }
}
