import type { SpecSchema } from '../kinds/kind.ts';
import { cidrsForm, durationForm, instantForm, type MappedField, plainForm, setForm } from '../kinds/field-map.ts';

/** The fields that bindings of all auth methods have, by what they are called in a spec. `member` is the API's name. */

export function policiesField(member: string, builtin: readonly string[], description: string): MappedField {
  const items: SpecSchema = {
    type: 'string',
    minLength: 1,
    description: 'The name of a Policy.',
    'x-reference': 'Policy',
    'x-builtin': builtin,
  };
  return {
    at: ['policies'],
    member,
    form: setForm,
    schema: { type: 'array', uniqueItems: true, default: [], items, description },
  };
}

export function durationField(name: string, member: string, description: string): MappedField {
  return { at: [name], member, form: durationForm, schema: { type: 'string', format: 'duration', default: '0s', description } };
}

export function countField(name: string, member: string, description: string): MappedField {
  return { at: [name], member, form: plainForm, schema: { type: 'integer', minimum: 0, default: 0, description } };
}

export function flagField(name: string, member: string, unset: boolean, description: string): MappedField {
  return { at: [name], member, form: plainForm, schema: { type: 'boolean', default: unset, description } };
}

export function choiceField(
  name: string,
  member: string,
  choices: readonly [string, ...string[]],
  description: string,
): MappedField {
  return { at: [name], member, form: plainForm, schema: { type: 'string', enum: choices, default: choices[0], description } };
}

export function textField(name: string, member: string, pattern: string, description: string): MappedField {
  return { at: [name], member, form: plainForm, schema: { type: 'string', pattern, maxLength: 256, default: '', description } };
}

/** Names of policies that need not exist, or patterns of such names, in which `*` stands for any text. */
export function policyNamesField(name: string, member: string, what: 'names' | 'patterns', description: string): MappedField {
  const items: SpecSchema =
    what === 'names'
      ? { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$', description: 'The name of a policy.' }
      : { type: 'string', pattern: '^[A-Za-z0-9._@*-]{1,128}$', description: 'A pattern of names.' };
  return { at: [name], member, form: setForm, schema: { type: 'array', uniqueItems: true, default: [], items, description } };
}

/** Addresses below `match`. */
export function addressesField(name: string, member: string, description: string): MappedField {
  const items: SpecSchema = { type: 'string', minLength: 1, description: 'An address or a CIDR block.' };
  return {
    at: ['match', name],
    member,
    form: cidrsForm,
    schema: { type: 'array', uniqueItems: true, default: [], items, description },
  };
}

export const expiresField: MappedField = {
  at: ['expires'],
  member: 'expires',
  form: instantForm,
  schema: {
    type: 'string',
    default: '',
    examples: ['2027-01-31', '2027-01-31T12:00:00Z'],
    description:
      'From this moment on the binding and every token it gave grant nothing: an RFC 3339 time, or a date, whose first moment in UTC counts.',
  },
};

export const matchDescription = 'What is asked of whoever comes, besides what they present.';
