import { changedMapped, mappedProblems, mappedProperties, normalizeMapped, readMapped } from '../kinds/field-map.ts';
import type { Kind, LensRequest } from '../kinds/kind.ts';
import { metadataField, namesField, policiesField } from './kind-fields.ts';
import { reservedNames } from './naming.ts';

const own = [policiesField('all members of the group'), metadataField];
const members = [
  namesField('entities', 'Entity', 'The entities that are members.'),
  namesField('groups', 'Group', 'The groups whose members are members too.'),
];
const fields = [...own, ...members];

/** Entities that have policies together. */
export const groupKind: Kind = {
  kind: 'Group',
  description: 'Entities, and other groups, that have policies together.',
  mountField: null,
  mountKind: null,
  nameRule: 'identifier',
  reservedNames,
  importId: "the group's name",
  spec: {
    type: 'object',
    description: 'Who is in it, and what they may do.',
    additionalProperties: false,
    properties: mappedProperties(fields, {}),
  },
  normalize: (spec) => normalizeMapped(fields, spec),
  check: (spec) => mappedProblems(fields, spec),
  reads: ({ name }) => [
    { operation: 'read', path: groupPath(name) },
    { operation: 'read', path: membersPath(name) },
  ],
  read: ([group, membership]) =>
    group === null || group === undefined
      ? null
      : { spec: { ...readMapped(own, group), ...readMapped(members, membership ?? {}) }, mark: null },
  write({ before, after }, { name }) {
    const present = before?.spec ?? null;
    const group: LensRequest = { operation: 'write', path: groupPath(name), data: changedMapped(own, present, after) };
    const nobody = { entities: [], groups: [] };
    const membership: LensRequest = {
      operation: 'write',
      path: membersPath(name),
      data: changedMapped(members, present ?? nobody, after),
    };
    // A new one is made even where all of it is as unsaid.
    return [group, membership].filter(({ data }, index) => Object.keys(data).length > 0 || (present === null && index === 0));
  },
  remove: ({ name }) => [{ operation: 'delete', path: groupPath(name), data: {} }],
  move: (from, to) => [{ operation: 'write', path: groupPath(from.name), data: { new_name: to.name } }],
};

function groupPath(name: string): string {
  return `identity/group/name/${name}`;
}

function membersPath(name: string): string {
  return `identity/group-members/${name}`;
}
