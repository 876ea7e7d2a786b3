import { createHash } from 'node:crypto';
import { utf8 } from './bytes.ts';

/**
 * The digest by which a sealed block is recognised without opening it: SHA-256 of its armoured text without white
 * space, so that indentation, line ends and the width of its lines do not matter. It is a digest of ciphertext, and
 * says nothing about the value.
 */
export function sealedDigest(block: string): `sha256:${string}` {
  return `sha256:${createHash('sha256')
    .update(utf8(block.replaceAll(/\s+/g, '')))
    .digest('hex')}`;
}
