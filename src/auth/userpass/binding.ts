import { isJsonObject, type Json } from '../../base/json.ts';
import { changedMapped, mappedProblems, mappedProperties, normalizeMapped } from '../../kinds/field-map.ts';
import type { LensChange, LensRequest } from '../../kinds/kind.ts';
import { normalizeSource, valueSourceSchema } from '../../kinds/value-source.ts';
import { expiresField, matchDescription } from '../../token/binding-fields.ts';
import { bindingAt } from '../binding-at.ts';
import type { BindingLens } from '../method.ts';
import { tokenAddressFields, tokenFields, tokenProblems } from '../token-binding-fields.ts';

const fields = [...tokenFields, ...tokenAddressFields, expiresField];

/** A user with a password. */
export const userBinding: BindingLens = {
  type: 'userpass',
  properties: {
    ...mappedProperties(fields, { match: matchDescription }),
    password: valueSourceSchema(
      'The first password of the user, written again only when its source changes: whoever has it may set another one. A user that is made needs one.',
    ),
  },
  replaceOn: [],
  normalize: (spec) => ({
    ...normalizeMapped(fields, spec),
    ...(isJsonObject(spec['password']) ? { password: normalizeSource(spec['password']) } : {}),
  }),
  check: (spec) => [...mappedProblems(fields, spec), ...tokenProblems(normalizeMapped(fields, spec))],
  ...bindingAt(pathOf, fields),
  write,
};

function write(change: LensChange, mount: string, name: string): readonly LensRequest[] {
  const { before, after } = change;
  const { password } = after;
  const data: Record<string, Json> = { ...changedMapped(fields, before?.spec ?? null, after) };
  const path = pathOf(mount, name);
  if (password === undefined || (before !== null && !change.changed.includes('/password'))) {
    return Object.keys(data).length === 0 ? [] : [{ operation: 'write', path, data }];
  }
  return [{ operation: 'write', path, data: { ...data, password }, values: [{ at: '/password', field: 'password' }] }];
}

function pathOf(mount: string, name: string): string {
  return `auth/${mount}/users/${name}`;
}
