import { createHash } from 'node:crypto';
import { canonicalJson, type JsonObject } from '../base/json.ts';

/**
 * `sha256:<hex>` over what the lens's reads of one address answered (null: 404). The plan carries it, and the apply
 * commits only where the store still answers the same: the condition that nobody changed the object in between.
 */
export function seenDigest(replies: readonly (JsonObject | null)[]): string {
  return `sha256:${createHash('sha256').update(canonicalJson(replies)).digest('hex')}`;
}
