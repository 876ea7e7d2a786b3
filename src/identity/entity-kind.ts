import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import {
  changedMapped,
  type FieldForm,
  type MappedField,
  mappedProblems,
  mappedProperties,
  normalizeMapped,
  plainForm,
  readMapped,
} from '../kinds/field-map.ts';
import type { Kind, LensRequest, SpecProblem } from '../kinds/kind.ts';
import { metadataField, policiesField } from './kind-fields.ts';
import { reservedNames } from './naming.ts';

/** Logins in the order of their methods and names, which means nothing. */
const loginsForm: FieldForm = {
  normal: (value) => {
    if (!Array.isArray(value)) return null;
    const logins = (value as readonly Json[]).filter(isJsonObject).map((login) => {
      const [method = null, name = null] = [login['method'], login['name']];
      return { key: JSON.stringify([method, name]), login: { method, name } };
    });
    const byKey = new Map(logins.map(({ key, login }) => [key, login]));
    return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, login]) => login);
  },
  wanted: 'a list of objects with method and name',
};

const own: readonly MappedField[] = [
  policiesField('all tokens of the entity'),
  metadataField,
  {
    at: ['disabled'],
    member: 'disabled',
    form: plainForm,
    schema: { type: 'boolean', default: false, description: 'Its tokens do not work; they are not revoked.' },
  },
];
const logins: readonly MappedField[] = [
  {
    at: ['logins'],
    member: 'logins',
    form: loginsForm,
    schema: {
      type: 'array',
      default: [],
      maxItems: 100,
      uniqueItems: true,
      description: 'By which logins one becomes this entity, at most one for each auth method.',
      items: {
        type: 'object',
        required: ['method', 'name'],
        additionalProperties: false,
        description: 'A login.',
        properties: {
          method: { type: 'string', description: 'The auth method.', 'x-reference': 'AuthMethod', 'x-builtin': ['token'] },
          name: {
            type: 'string',
            minLength: 1,
            maxLength: 4096,
            description: 'What the method calls somebody: the name of a user of userpass, the role id of approle.',
          },
        },
      },
    },
  },
];

/** Who stands behind tokens, whichever way they were got. */
export const entityKind: Kind = {
  kind: 'Entity',
  description: 'A person or a program that stands behind tokens, whichever way it logs in.',
  mountField: null,
  mountKind: null,
  nameRule: 'identifier',
  reservedNames,
  importId: "the entity's name",
  spec: {
    type: 'object',
    description: 'Who it is, and what it may do.',
    additionalProperties: false,
    properties: mappedProperties([...own, ...logins], {}),
  },
  normalize: (spec) => normalizeMapped([...own, ...logins], spec),
  check,
  reads: ({ name }) => [
    { operation: 'read', path: `identity/entity/name/${name}` },
    { operation: 'read', path: loginsPath(name) },
  ],
  read: ([entity, aliases]) =>
    entity === null || entity === undefined
      ? null
      : { spec: { ...readMapped(own, entity), ...readMapped(logins, aliases ?? {}) }, mark: null },
  write({ before, after }, { name }) {
    const present = before?.spec ?? null;
    const entity: LensRequest = { operation: 'write', path: entityPath(name), data: changedMapped(own, present, after) };
    const aliases: LensRequest = {
      operation: 'write',
      path: loginsPath(name),
      data: changedMapped(logins, present ?? { logins: [] }, after),
    };
    // A new one is made even where all of it is as unsaid.
    return [entity, aliases].filter(({ data }, index) => Object.keys(data).length > 0 || (present === null && index === 0));
  },
  remove: ({ name }) => [{ operation: 'delete', path: entityPath(name), data: {} }],
  move: (from, to) => [{ operation: 'write', path: entityPath(from.name), data: { new_name: to.name } }],
};

function check(spec: JsonObject): readonly SpecProblem[] {
  const methods = new Set<string>();
  const problems = [...mappedProblems(own, spec)];
  for (const [index, login] of (Array.isArray(spec['logins']) ? spec['logins'] : []).entries()) {
    const method = isJsonObject(login) ? String(login['method']) : '';
    if (methods.has(method))
      problems.push({ at: `/logins/${index}/method`, message: 'an entity has one login for each auth method' });
    methods.add(method);
  }
  return problems;
}

function entityPath(name: string): string {
  return `identity/entity/name/${name}`;
}

function loginsPath(name: string): string {
  return `identity/entity-logins/${name}`;
}
