import { fromBase64, fromUtf8, toBase64, utf8, wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import { open, seal } from '../crypto/aead.ts';
import { hkdfSha256, KeyedHash } from '../crypto/keyed-hash.ts';
import { pendingVersion } from '../storage/transaction.ts';

const path = 'key';
const keyBytes = 32;
const batchInfo = utf8('secretctl/batch-token/1');

/** Makes the key of a new store; `tokens` is the core's view below `token/`. */
export async function createTokenKey(tokens: View, random: Random): Promise<void> {
  const key = random.bytes(keyBytes);
  await tokens.putJson(path, { key: toBase64(key) });
  wipe(key);
}

/** The store's token key, prepared: HMAC-SHA-256 for ids, XChaCha20-Poly1305 for batch tokens. */
export class TokenKey {
  readonly #hash: KeyedHash;
  readonly #batch: Uint8Array;

  constructor(key: Uint8Array) {
    this.#hash = new KeyedHash(key);
    this.#batch = hkdfSha256(key, new Uint8Array(0), batchInfo, keyBytes);
  }

  /** The id of a token: hex. Nobody without the key can tell one from the other. */
  tokenId(token: string): string {
    return this.#hash.hex(utf8(`token\0${token}`));
  }

  /** The name under which an accessor is indexed. */
  accessorHash(accessor: string): string {
    return this.#hash.hex(utf8(`accessor\0${accessor}`));
  }

  sealBatch(json: string, random: Random): string {
    return Buffer.from(seal(this.#batch, utf8(json), batchInfo, random)).toString('base64url');
  }

  /** What `sealBatch` sealed, or null for anything else. */
  openBatch(text: string): string | null {
    const sealed = Buffer.from(text, 'base64url');
    if (sealed.toString('base64url') !== text) return null;
    const json = open(this.#batch, sealed, batchInfo);
    return json === null ? null : fromUtf8(json);
  }

  wipe(): void {
    this.#hash.wipe();
    wipe(this.#batch);
  }
}

/** Keeps the key prepared for as long as its record stays the same; that is looked at in each transaction. */
export class TokenKeys {
  #prepared: { readonly version: number; readonly key: TokenKey } | null = null;

  /** Throws Fault `corrupt-record` where the store has no token key. */
  async load(tokens: View): Promise<TokenKey> {
    const record = await tokens.get(path);
    const prepared = this.#prepared;
    if (record !== null && prepared !== null && record.version === prepared.version) return prepared.key;
    const bytes = record === null ? null : keyOf(record.value);
    if (record === null || bytes === null) {
      throw new Fault('corrupt-record', 'the store has no token key, so no token can be checked', {
        hint: 'Restore the store from a backup.',
      });
    }
    const key = new TokenKey(bytes);
    wipe(bytes);
    // What this transaction wrote itself may never commit. A former key may still be in use elsewhere: it is not wiped.
    if (record.version !== pendingVersion) this.#prepared = { version: record.version, key };
    return key;
  }

  /** Forgets the key; to be called when the store is sealed. */
  wipe(): void {
    this.#prepared?.key.wipe();
    this.#prepared = null;
  }
}

function keyOf(value: Uint8Array): Uint8Array | null {
  try {
    const { key } = JSON.parse(fromUtf8(value)) as { readonly key?: unknown };
    const bytes = typeof key === 'string' ? fromBase64(key) : null;
    return bytes?.byteLength === keyBytes ? bytes : null;
  } catch {
    return null;
  }
}
