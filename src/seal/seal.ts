/**
 * What protects the root key. A seal never sees anything but the root key; the barrier never sees anything of the
 * seal but this contract. One folder or file for each implementation, one line in registry.ts.
 */
export interface Seal {
  /** As in the settings: `static`, `shamir`, `awskms`. */
  readonly type: string;
  /** Encrypts the root key (32 bytes). The blob is stored beside the data, in plain sight. */
  wrap(rootKey: Uint8Array): Promise<Uint8Array>;
  /**
   * The root key again. Null: it needs shares that nobody gave (the store is sealed). Throws Fault `share-…` for Shamir,
   * otherwise `seal-key-missing`, `seal-key-permissions`, `seal-key-disabled`, `seal-denied`, `seal-unavailable`, or
   * `seal-key-wrong`, which no waiting mends (see `mayRecover`).
   */
  unwrap(blob: Uint8Array): Promise<Uint8Array | null>;
  /**
   * Null: well. Otherwise a sentence that says what is wrong. A seal that is elsewhere is asked for it, so ask at
   * intervals and not for each request.
   */
  health(): Promise<string | null>;
}
