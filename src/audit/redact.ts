import type { ValueHash } from './value-hash.ts';
import { sortedKeys, type Json } from '../base/json.ts';

const maxDepth = 64;

/** What may stand in a line for `data` and other members of unbounded size: characters of JSON text. */
export interface Limits {
  readonly characters: number;
}

/**
 * The data of a request or a reply as a line may show it, as JCS text: every string, number and boolean as its keyed
 * hash, however deep; member names, null and the shape stay. A scalar stays in the clear where the innermost member
 * name above it is in `exempt` (the mount's `audit_non_hmac_…_keys`, with Vault's reading of them).
 * Data whose text would be longer than the limit, that is nested more than 64 deep or has no canonical form is shown
 * cut: see `cutText`.
 */
export function redactedText(data: Exclude<Json, null>, hashes: ValueHash, exempt: readonly string[], limits: Limits): string {
  const writer = new RedactingWriter(hashes, exempt, limits.characters);
  return writer.write(data, null, 0) ? writer.text : cutText(data, hashes);
}

/** `{"cut":{"bytes":…,"hmac":…}}`: the size of the value's JSON and its keyed hash, in place of the value itself. */
export function cutText(value: Exclude<Json, null>, hashes: ValueHash): string {
  try {
    const { bytes, hash } = hashes.measured(value);
    return `{"cut":{"bytes":${bytes},"hmac":"${hash}"}}`;
  } catch {
    // Nested so deeply that no serialiser reaches its end.
    return '{"cut":{"bytes":null,"hmac":null}}';
  }
}

/** Writes JCS text and gives up where it gets too long, too deep, or has a name without canonical form. */
class RedactingWriter {
  text = '';
  readonly #hashes: ValueHash;
  readonly #exempt: readonly string[];
  readonly #limit: number;

  constructor(hashes: ValueHash, exempt: readonly string[], limit: number) {
    this.#hashes = hashes;
    this.#exempt = exempt;
    this.#limit = limit;
  }

  /** False: given up. `name` is the innermost member name above the value. */
  write(value: unknown, name: string | null, depth: number): boolean {
    if (depth > maxDepth) return false;
    return this.#value(value, name, depth) && this.text.length <= this.#limit;
  }

  #value(value: unknown, name: string | null, depth: number): boolean {
    if (Array.isArray(value)) return this.#list(value, name, depth);
    if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
      return this.#object(value as Readonly<Record<string, unknown>>, depth);
    }
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      this.text += this.#scalar(value, name);
    } else if (typeof value === 'bigint') {
      this.text += this.#scalar(String(value), null);
    } else if (ArrayBuffer.isView(value)) {
      // Bytes are no JSON, but a handler's mistake must not put them in the clear.
      this.text += this.#scalar(base64Of(value), null);
    } else {
      this.text += 'null';
    }
    return true;
  }

  #list(list: readonly unknown[], name: string | null, depth: number): boolean {
    this.text += '[';
    for (const [at, item] of list.entries()) {
      if (at > 0) this.text += ',';
      if (!this.write(item, name, depth + 1)) return false;
    }
    this.text += ']';
    return true;
  }

  #object(object: Readonly<Record<string, unknown>>, depth: number): boolean {
    this.text += '{';
    let first = true;
    for (const key of sortedKeys(object)) {
      const member = object[key];
      if (member === undefined) continue;
      if (!key.isWellFormed()) return false;
      this.text += `${first ? '' : ','}${JSON.stringify(key)}:`;
      first = false;
      if (!this.write(member, key, depth + 1)) return false;
    }
    this.text += '}';
    return true;
  }

  #scalar(value: string | number | boolean, name: string | null): string {
    // A number without JSON form, as a handler might return it, has a hash of its name.
    const carried = typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
    const shown = name !== null && this.#exempt.includes(name) && !(typeof carried === 'string' && !carried.isWellFormed());
    return shown ? JSON.stringify(carried) : `"${this.#hashes.of(carried)}"`;
  }
}

function base64Of(view: ArrayBufferView): string {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64');
}
