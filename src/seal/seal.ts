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
   * The root key again. Throws Fault: `seal-key-missing`, `seal-key-permissions`, `seal-key-wrong`, or for Shamir
   * `share-…`. Null: it needs shares that nobody gave (the store is sealed).
   */
  unwrap(blob: Uint8Array): Promise<Uint8Array | null>;
  /** Null: well. Otherwise a sentence that says what is wrong. */
  health(): Promise<string | null>;
}
