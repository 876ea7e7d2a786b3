import { createHash } from 'node:crypto';
import { canonicalJson, type JsonObject } from '../base/json.ts';

/** `sha256:<hex>` over the canonical JSON of a recorded (redacted) spec. */
export function recordDigest(spec: JsonObject): string {
  return `sha256:${createHash('sha256').update(canonicalJson(spec)).digest('hex')}`;
}
