import type { Json, JsonObject } from '../../base/json.ts';
import { changedMapped, mappedProblems, mappedProperties, normalizeMapped } from '../../kinds/field-map.ts';
import type { LensChange, LensRequest, SpecProblem, SpecSchema } from '../../kinds/kind.ts';
import {
  addressesField,
  countField,
  durationField,
  expiresField,
  flagField,
  matchDescription,
} from '../../token/binding-fields.ts';
import { bindingAt } from '../binding-at.ts';
import type { BindingLens } from '../method.ts';
import { hasAddresses, tokenAddressFields, tokenFields, tokenProblems } from '../token-binding-fields.ts';

const fields = [
  ...tokenFields,
  addressesField('secretIdBoundCidrs', 'secret_id_bound_cidrs', 'The addresses from which one may log in; empty: any.'),
  ...tokenAddressFields,
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
  ...bindingAt(pathOf, fields),
  write,
};

function write(change: LensChange, mount: string, name: string): readonly LensRequest[] {
  const { before, after } = change;
  const data: Record<string, Json> = { ...changedMapped(fields, before?.spec ?? null, after) };
  const wanted = after['roleId'];
  if (wanted !== undefined && (before === null || change.changed.includes('/roleId'))) data['role_id'] = wanted;
  return Object.keys(data).length === 0 ? [] : [{ operation: 'write', path: pathOf(mount, name), data }];
}

function check(spec: JsonObject): readonly SpecProblem[] {
  const normal = normalizeMapped(fields, spec);
  const problems = [...mappedProblems(fields, spec), ...tokenProblems(normal)];
  if (
    normal['bindSecretId'] === false &&
    !hasAddresses(normal, 'secretIdBoundCidrs') &&
    !hasAddresses(normal, 'tokenBoundCidrs')
  ) {
    problems.push({
      at: '/bindSecretId',
      message: 'without a secret id there must be addresses to match',
      hint: 'state match.secretIdBoundCidrs',
    });
  }
  return problems;
}

function pathOf(mount: string, name: string): string {
  return `auth/${mount}/role/${name}`;
}
