import type { JsonObject } from '../base/json.ts';
import { changedMapped, mappedProblems, mappedProperties, normalizeMapped, readMapped } from '../kinds/field-map.ts';
import type { LensChange, LensRead, LensRequest, SpecProblem } from '../kinds/kind.ts';
import {
  addressesField,
  choiceField,
  countField,
  durationField,
  expiresField,
  flagField,
  matchDescription,
  policiesField,
  policyNamesField,
  textField,
} from './binding-fields.ts';

const fields = [
  policiesField(
    'allowed_policies',
    ['default', 'root'],
    'The policies that tokens may have; they may then be others than those of the token that asks. Empty: any that the token that asks has.',
  ),
  policyNamesField(
    'allowedPoliciesGlob',
    'allowed_policies_glob',
    'patterns',
    'Policies that tokens may have, as patterns in which `*` stands for any text.',
  ),
  policyNamesField('disallowedPolicies', 'disallowed_policies', 'names', 'Policies that no token may have.'),
  policyNamesField(
    'disallowedPoliciesGlob',
    'disallowed_policies_glob',
    'patterns',
    'Policies that no token may have, as patterns.',
  ),
  flagField('noDefaultPolicy', 'token_no_default_policy', false, 'Do not add the policy `default` to tokens.'),
  flagField('orphan', 'orphan', false, 'Tokens have no parent, so they outlive the one that asked for them.'),
  flagField('renewable', 'renewable', true, 'Tokens can be renewed.'),
  durationField(
    'period',
    'token_period',
    'Tokens live for this long after each renewal, without a maximum. `0s`: they are not periodic.',
  ),
  durationField('explicitMaxTtl', 'token_explicit_max_ttl', 'The greatest age of a token. `0s`: what the system says.'),
  countField('numUses', 'token_num_uses', 'How often a token may be used; 0: without limit.'),
  choiceField(
    'tokenType',
    'token_type',
    ['default-service', 'default-batch', 'service', 'batch'],
    'Which type of token is made; with default-… the request may ask for the other one.',
  ),
  textField(
    'pathSuffix',
    'path_suffix',
    '^(\\w([\\w-]|\\.(?!\\.))*\\w)?$',
    'Added to the path that the tokens show, to tell generations of a role apart.',
  ),
  addressesField('tokenBoundCidrs', 'token_bound_cidrs', 'The addresses from which the tokens work; empty: any.'),
  expiresField,
];

/** A token role, as an AuthBinding on the method `token`. (The shape is that of BindingLens in auth/method.ts.) */
export const tokenBinding = {
  type: 'token',
  properties: mappedProperties(fields, { match: matchDescription }),
  replaceOn: [] as readonly string[],
  normalize: (spec: JsonObject): JsonObject => normalizeMapped(fields, spec),
  check,
  reads: (_mount: string, name: string): readonly LensRead[] => [{ operation: 'read', path: pathOf(name) }],
  read: ([reply]: readonly (JsonObject | null)[]): JsonObject | null =>
    reply === null || reply === undefined ? null : readMapped(fields, reply),
  write: (change: LensChange, _mount: string, name: string): readonly LensRequest[] => {
    const data = changedMapped(fields, change.before?.spec ?? null, change.after);
    return Object.keys(data).length === 0 ? [] : [{ operation: 'write', path: pathOf(name), data }];
  },
  remove: (_mount: string, name: string): readonly LensRequest[] => [{ operation: 'delete', path: pathOf(name), data: {} }],
};

function check(spec: JsonObject): readonly SpecProblem[] {
  const problems = [...mappedProblems(fields, spec)];
  const normal = normalizeMapped(fields, spec);
  if (normal['tokenType'] !== 'batch') return problems;
  const wrong = (at: string, message: string): void => {
    problems.push({ at, message: `${message}, since tokenType is batch` });
  };
  if (normal['orphan'] !== true) wrong('/orphan', 'orphan must be true');
  if (normal['renewable'] !== false) wrong('/renewable', 'renewable must be false');
  if (normal['period'] !== '0s') wrong('/period', 'period must be left out');
  if (normal['explicitMaxTtl'] !== '0s') wrong('/explicitMaxTtl', 'explicitMaxTtl must be left out');
  if (normal['numUses'] !== 0) wrong('/numUses', 'numUses must be left out');
  return problems;
}

function pathOf(name: string): string {
  return `auth/token/roles/${name}`;
}
