import type { JsonObject } from '../base/json.ts';

/** A sentence on the leases that a reply counts (`{leases: 3}`); none where there are none, or nobody knows. */
export function leaseWords(reply: JsonObject | null | undefined, sentence: (leases: string) => string): readonly string[] {
  const count = reply?.['leases'];
  if (typeof count !== 'number' || count === 0) return [];
  return [sentence(count === 1 ? '1 lease' : `${count} leases`)];
}
