import { type MappedField, plainForm, setForm } from '../kinds/field-map.ts';

/** The fields that an Entity and a Group have in common. */

export function policiesField(whose: string): MappedField {
  return {
    at: ['policies'],
    member: 'policies',
    form: setForm,
    schema: {
      type: 'array',
      uniqueItems: true,
      default: [],
      description: `Policies of ${whose}, besides their own.`,
      items: {
        type: 'string',
        minLength: 1,
        description: 'The name of a Policy.',
        'x-reference': 'Policy',
        'x-builtin': ['default'],
      },
    },
  };
}

export const metadataField: MappedField = {
  at: ['metadata'],
  member: 'metadata',
  form: plainForm,
  schema: {
    type: 'object',
    default: {},
    maxProperties: 64,
    propertyNames: { pattern: '^(?!vault-)[A-Za-z0-9=/+_-]{1,128}$' },
    additionalProperties: { type: 'string', maxLength: 512, description: 'A text.' },
    description: 'Texts by name, of which templated policies may speak.',
  },
};

/** Names of other documents of this kind. */
export function namesField(name: string, kind: string, description: string): MappedField {
  return {
    at: [name],
    member: name,
    form: setForm,
    schema: {
      type: 'array',
      uniqueItems: true,
      default: [],
      description,
      items: { type: 'string', minLength: 1, description: `The name of a document of the kind ${kind}.`, 'x-reference': kind },
    },
  };
}
