import { parseDuration } from '../../base/duration.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import { changedMapped, mappedProblems, mappedProperties, normalizeMapped, readMapped } from '../../kinds/field-map.ts';
import type { LensChange, LensRequest, SpecProblem, SpecSchema } from '../../kinds/kind.ts';
import {
  addressesField,
  choiceField,
  countField,
  durationField,
  expiresField,
  flagField,
  matchDescription,
  policiesField,
} from '../../token/binding-fields.ts';
import type { BindingLens } from '../method.ts';

const fields = [
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
  addressesField('secretIdBoundCidrs', 'secret_id_bound_cidrs', 'The addresses from which one may log in; empty: any.'),
  addressesField('tokenBoundCidrs', 'token_bound_cidrs', 'The addresses from which the tokens work; empty: any.'),
  flagField('strictlyBindIp', 'token_strictly_bind_ip', false, 'Bind each token to the address of its login.'),
  flagField('bindSecretId', 'bind_secret_id', true, 'A login needs a secret id.'),
  countField('secretIdNumUses', 'secret_id_num_uses', 'How often a secret id may be used; 0: without limit.'),
  durationField('secretIdTtl', 'secret_id_ttl', 'How long a secret id lives. `0s`: without end.'),
  flagField('localSecretIds', 'local_secret_ids', false, 'Kept for clients that ask; a change makes the role anew.'),
  expiresField,
];

const roleId: SpecSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 512,
  'x-field': 'writeOnly',
  description:
    'The role id, with which programs name the role when they log in; a random one unless told. What someone else sets it to is not shown as drift.',
};

/** An AppRole role. */
export const appRoleBinding: BindingLens = {
  type: 'approle',
  properties: { ...mappedProperties(fields, { match: matchDescription }), roleId },
  replaceOn: ['/localSecretIds'],
  normalize: (spec) => ({
    ...normalizeMapped(fields, spec),
    ...(spec['roleId'] === undefined ? {} : { roleId: spec['roleId'] }),
  }),
  check,
  reads: (mount, name) => [{ operation: 'read', path: pathOf(mount, name) }],
  read: ([reply]) => (reply === null || reply === undefined ? null : readMapped(fields, reply)),
  write,
  remove: (mount, name) => [{ operation: 'delete', path: pathOf(mount, name), data: {} }],
  move: (mount, from, to) => [
    { operation: 'write', path: 'sys/managed/rename', data: { from: pathOf(mount, from), to: pathOf(mount, to) } },
  ],
};

function write(change: LensChange, mount: string, name: string): readonly LensRequest[] {
  const { before, after } = change;
  const data: Record<string, Json> = { ...changedMapped(fields, before?.spec ?? null, after) };
  const wanted = after['roleId'];
  if (wanted !== undefined && (before === null || change.changed.includes('/roleId'))) data['role_id'] = wanted;
  return Object.keys(data).length === 0 ? [] : [{ operation: 'write', path: pathOf(mount, name), data }];
}

function check(spec: JsonObject): readonly SpecProblem[] {
  const problems = [...mappedProblems(fields, spec)];
  const normal = normalizeMapped(fields, spec);
  const match = isJsonObject(normal['match']) ? normal['match'] : {};
  const any = (list: Json | undefined): boolean => Array.isArray(list) && list.length > 0;
  if (Array.isArray(normal['policies']) && normal['policies'].includes('root')) {
    problems.push({ at: '/policies', message: 'a login never gives a root token; name the policies it needs' });
  }
  if (normal['bindSecretId'] === false && !any(match['secretIdBoundCidrs']) && !any(match['tokenBoundCidrs'])) {
    problems.push({
      at: '/bindSecretId',
      message: 'without a secret id there must be addresses to match',
      hint: 'state match.secretIdBoundCidrs',
    });
  }
  if (normal['strictlyBindIp'] === true && any(match['tokenBoundCidrs'])) {
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

function pathOf(mount: string, name: string): string {
  return `auth/${mount}/role/${name}`;
}
