import type { Kind, SpecSchema } from '../../src/kinds/kind.ts';
import { valueSourceSchema } from '../../src/kinds/value-source.ts';

// Kinds of a language that is all schema: what lies behind them is never asked.

function sampleKind(kind: string, spec: SpecSchema, more: Partial<Kind> = {}): Kind {
  return {
    kind,
    description: `A ${kind}.`,
    spec,
    mountField: null,
    mountKind: null,
    nameRule: 'identifier',
    normalize: (sent) => sent,
    reads: () => [],
    read: () => null,
    write: () => [],
    remove: () => [],
    ...more,
  };
}

const text = (description: string, more: SpecSchema = {}): SpecSchema => ({ type: 'string', description, ...more });

const engine = sampleKind(
  'SecretEngine',
  {
    type: 'object',
    required: ['type'],
    additionalProperties: false,
    properties: { type: text('The type.'), description: text('What it is for.') },
  },
  { nameRule: 'mountPath', reservedNames: ['sys'], mount: (spec) => ({ type: String(spec['type']), options: {} }) },
);

const connection = sampleKind(
  'Connection',
  {
    type: 'object',
    required: ['engine', 'password'],
    additionalProperties: false,
    properties: {
      engine: text('The mount.', { 'x-reference': 'SecretEngine' }),
      password: valueSourceSchema('The password.'),
    },
  },
  { mountField: 'engine', mountKind: 'SecretEngine' },
);

const role = sampleKind(
  'Role',
  {
    type: 'object',
    required: ['engine'],
    additionalProperties: false,
    properties: {
      engine: text('The mount.'),
      connection: text('The connection, in the same mount.', { 'x-reference': 'Connection' }),
      notes: {
        type: 'array',
        description: 'Notes.',
        items: text('A note.'),
        'x-reference': 'Note',
        'x-builtin': ['builtin'],
      },
    },
  },
  { mountField: 'engine', mountKind: 'SecretEngine' },
);

/** A field of every sort. */
const note = sampleKind('Note', {
  type: 'object',
  additionalProperties: false,
  properties: {
    text: text('A text.', { maxLength: 2000 }),
    count: { type: 'integer', minimum: 0, maximum: 100, description: 'How many.' },
    ratio: { type: 'number', description: 'A ratio.' },
    flag: { type: 'boolean', description: 'Yes or no.' },
    age: text('How long.', { format: 'duration' }),
    colour: text('Which one.', { enum: ['red', 'green'] }),
    code: text('A code.', { pattern: '^[A-Z]{2}$' }),
    tags: {
      type: 'array',
      uniqueItems: true,
      minItems: 1,
      maxItems: 4,
      items: text('A tag.', { minLength: 1 }),
      description: 'Tags.',
    },
    map: { type: 'object', maxProperties: 3, additionalProperties: text('A value.'), description: 'Texts by name.' },
    open: { description: 'Anything.' },
    next: { type: 'array', items: text('Another note.', { 'x-reference': 'Note' }), description: 'Other notes.' },
    shape: {
      description: 'A circle or a box.',
      oneOf: [
        {
          type: 'object',
          description: 'A circle.',
          required: ['type', 'radius'],
          additionalProperties: false,
          properties: {
            type: { const: 'circle', description: 'What it is.' },
            radius: { type: 'number', description: 'The radius.' },
          },
        },
        {
          type: 'object',
          description: 'A box.',
          required: ['type'],
          additionalProperties: false,
          properties: {
            type: { const: 'box', description: 'What it is.' },
            sides: { type: 'array', items: { type: 'number', description: 'A side.' }, description: 'The sides.' },
          },
        },
      ],
    },
    secret: valueSourceSchema('Something secret.'),
  },
  if: { required: ['flag'], properties: { flag: { const: true } } },
  then: { required: ['count'] },
  else: { not: { required: ['ratio'], description: 'A ratio needs the flag.' } },
});

const schedule = sampleKind('Schedule', {
  type: 'object',
  required: ['targets'],
  additionalProperties: false,
  properties: {
    targets: { type: 'array', items: text('An address.', { 'x-reference': '*' }), description: 'What is scheduled.' },
  },
});

export const sampleKinds: readonly Kind[] = [engine, connection, role, note, schedule];
