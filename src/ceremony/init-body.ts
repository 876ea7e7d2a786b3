import type { JsonObject } from '../base/json.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { badRequest } from '../protocol/request-error.ts';
import { sealTypeOf } from '../seal/registry.ts';
import type { ShareNumbers } from '../seal/seal-type.ts';
import { checkShareNumbers, refusePgp } from './share-numbers.ts';

const fields = {
  secret_shares: { type: 'int', description: 'How many shares are made, under a Shamir seal.', default: 0 },
  secret_threshold: { type: 'int', description: 'How many of them open the store.', default: 0 },
  stored_shares: { type: 'int', description: 'Accepted for older clients.', default: 0 },
  recovery_shares: { type: 'int', description: 'How many recovery shares are made, under any other seal.', default: 0 },
  recovery_threshold: { type: 'int', description: 'How many of them decide.', default: 0 },
  pgp_keys: { type: 'any', description: 'Not supported.', default: null },
  recovery_pgp_keys: { type: 'any', description: 'Not supported.', default: null },
  root_token_pgp_key: { type: 'any', description: 'Not supported.', default: null },
} as const satisfies Fields;

/**
 * What the body of sys/init asks for: shares for a Shamir seal, recovery shares for one that needs nobody (null: none).
 * Throws RequestError 400 in the words of the Vault API (https://developer.hashicorp.com/vault/api-docs/system/init).
 */
export function readInitBody(
  data: JsonObject,
  sealType: string,
): { readonly split: ShareNumbers | null; readonly recovery: ShareNumbers | null } {
  const sent = readFields(fields, data);
  refusePgp(sent.pgp_keys, sent.recovery_pgp_keys, sent.root_token_pgp_key);
  const { shared } = sealTypeOf(sealType);
  const foreign = shared
    ? (['recovery_shares', 'recovery_threshold'] as const)
    : (['secret_shares', 'secret_threshold'] as const);
  const refused = foreign.filter((name) => sent[name] !== 0);
  if (refused.length > 0) throw badRequest(`parameters ${refused.join(',')} not applicable to seal type ${sealType}`);
  if (shared) {
    const split = { shares: sent.secret_shares, threshold: sent.secret_threshold };
    checkShareNumbers(split, 'invalid seal configuration');
    return { split, recovery: null };
  }
  const recovery = { shares: sent.recovery_shares, threshold: sent.recovery_threshold };
  if (recovery.shares === 0 && recovery.threshold === 0) return { split: null, recovery: null };
  checkShareNumbers(recovery, 'invalid recovery configuration');
  return { split: null, recovery };
}
