import { parseDuration } from '../base/duration.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import type { MappedField } from '../kinds/field-map.ts';
import type { SpecProblem } from '../kinds/kind.ts';
import { addressesField, choiceField, countField, durationField, flagField, policiesField } from '../token/binding-fields.ts';

/** What a binding says of the tokens of its logins, in every auth method: the counterpart of TokenParams in a document. */
export const tokenFields: readonly MappedField[] = [
  policiesField('token_policies', ['default'], 'The policies of the tokens.'),
  flagField('noDefaultPolicy', 'token_no_default_policy', false, 'Do not add the policy `default` to tokens.'),
  durationField('ttl', 'token_ttl', 'How long a token lives unless it is renewed. `0s`: what the mount says.'),
  durationField(
    'maxTtl',
    'token_max_ttl',
    'The greatest age of a token, asked again at each renewal. `0s`: what the mount says.',
  ),
  durationField('explicitMaxTtl', 'token_explicit_max_ttl', 'The greatest age of a token, fixed when it is made. `0s`: none.'),
  durationField(
    'period',
    'token_period',
    'Tokens live for this long after each renewal, without a maximum. `0s`: they are not periodic.',
  ),
  countField('numUses', 'token_num_uses', 'How often a token may be used; 0: without limit.'),
  choiceField(
    'tokenType',
    'token_type',
    ['default', 'service', 'batch'],
    'Which type of token a login gives; default: as the mount says.',
  ),
];

/** Where tokens may be used from. */
export const tokenAddressFields: readonly MappedField[] = [
  addressesField('tokenBoundCidrs', 'token_bound_cidrs', 'The addresses from which the tokens work; empty: any.'),
  flagField('strictlyBindIp', 'token_strictly_bind_ip', false, 'Bind each token to the address of its login.'),
];

/** What the store would refuse of these fields. `normal`: a normalised spec. */
export function tokenProblems(normal: JsonObject): readonly SpecProblem[] {
  const problems: SpecProblem[] = [];
  if (Array.isArray(normal['policies']) && normal['policies'].includes('root')) {
    problems.push({ at: '/policies', message: 'a login never gives a root token; name the policies it needs' });
  }
  if (normal['strictlyBindIp'] === true && hasAddresses(normal, 'tokenBoundCidrs')) {
    problems.push({ at: '/strictlyBindIp', message: 'strictlyBindIp and match.tokenBoundCidrs exclude each other' });
  }
  const [ttl, maxTtl] = [parseDuration(normal['ttl']) ?? 0, parseDuration(normal['maxTtl']) ?? 0];
  if (maxTtl > 0 && ttl > maxTtl) problems.push({ at: '/ttl', message: 'ttl is greater than maxTtl' });
  if (normal['tokenType'] === 'batch' && normal['period'] !== '0s') {
    problems.push({ at: '/period', message: 'a batch token can’t be renewed, so it has no period' });
  }
  if (normal['tokenType'] === 'batch' && normal['numUses'] !== 0) {
    problems.push({ at: '/numUses', message: 'nobody counts the uses of a batch token, so numUses must be left out' });
  }
  return problems;
}

/** Does `match` name any addresses under this name? */
export function hasAddresses(normal: JsonObject, name: string): boolean {
  const match: Json | undefined = normal['match'];
  const list = isJsonObject(match) ? match[name] : undefined;
  return Array.isArray(list) && list.length > 0;
}
