import { Fault } from '../base/error.ts';
import { maxKeyBytes, type Batch } from './backend.ts';

/**
 * Orders keys by their UTF-8 bytes, which is the order of code points. JavaScript's own order is by UTF-16 code
 * units and puts U+10000 and above before U+E000.
 */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

// Moves the surrogates, which stand for the greatest code points, behind all other code units.
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Throws Fault `key-too-long`, or a TypeError for a key that is empty or not well-formed text. */
export function checkKey(key: string): void {
  if (key === '') throw new TypeError('a stored key is never empty');
  if (!key.isWellFormed()) throw new TypeError('a stored key is well-formed text');
  // A UTF-16 code unit takes at most three bytes of UTF-8.
  if (key.length * 3 > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes) {
    throw new Fault('key-too-long', `a stored key is at most ${maxKeyBytes} bytes long: ${key.slice(0, 64)}…`, {
      hint: 'use a shorter path',
    });
  }
}

/** Throws a TypeError for a prefix or a start that is not well-formed text: no stored key could match it. */
export function checkRange(prefix: string, after: string | null): void {
  if (!prefix.isWellFormed() || after?.isWellFormed() === false) throw new TypeError('a range of keys is well-formed text');
}

/** Throws as checkKey for any key of a batch, and a TypeError for one that it both puts and deletes. */
export function checkBatch(batch: Batch): void {
  for (const key of batch.expect.keys()) checkKey(key);
  for (const guard of batch.unchanged) checkRange(guard.prefix, guard.after);
  for (const key of batch.put.keys()) {
    checkKey(key);
    if (batch.delete.has(key)) throw new TypeError(`a batch either puts or deletes a key: ${key}`);
  }
  for (const key of batch.delete) checkKey(key);
}
