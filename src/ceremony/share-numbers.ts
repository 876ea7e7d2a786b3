import { badRequest } from '../protocol/request-error.ts';
import type { ShareNumbers } from '../seal/seal-type.ts';

/**
 * Throws RequestError 400, in the words of the Vault API, for shares that cannot be. `what` begins the message:
 * `invalid seal configuration`.
 */
export function checkShareNumbers({ shares, threshold }: ShareNumbers, what: string): void {
  const problem = problemOf(shares, threshold);
  if (problem !== null) throw badRequest(`${what}: ${problem}`);
}

function problemOf(shares: number, threshold: number): string | null {
  if (shares < 1) return 'shares must be at least one';
  if (threshold < 1) return 'threshold must be at least one';
  if (shares > 1 && threshold < 2) return 'threshold must be greater than one for multiple shares';
  if (shares > 255) return 'shares must be less than 256';
  if (threshold > shares) return 'threshold cannot be larger than shares';
  return null;
}

/** Throws RequestError 400 where shares shall be encrypted for PGP keys: there are none here. */
export function refusePgp(...sent: readonly unknown[]): void {
  const some = sent.some((keys) => (Array.isArray(keys) ? keys.length > 0 : keys !== null && keys !== undefined && keys !== ''));
  if (some) throw badRequest('PGP keys are not supported: leave them out, and hand the shares out over another channel');
}
