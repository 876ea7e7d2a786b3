import { parseDuration } from '../../base/duration.ts';
import type { JsonObject } from '../../base/json.ts';
import {
  changedMapped,
  type MappedField,
  mappedPointer,
  mappedProblems,
  mappedProperties,
  normalizeMapped,
  readMapped,
} from '../../kinds/field-map.ts';
import { leaseWords } from '../../kinds/lease-words.ts';
import type { Kind, LensContext, ResourceName, SpecProblem } from '../../kinds/kind.ts';
import { ownedObjects } from './role.ts';
import { besideConnection } from './role-connection.ts';
import { durationField, engineSchema, isDatabaseMount, mountProblems, plainField, statementsField } from './spec-fields.ts';

const fields: readonly MappedField[] = [
  plainField(['connection'], 'db_name', {
    type: 'string',
    minLength: 1,
    description: 'The DatabaseConnection by which users are made; its `allowedRoles` must name this role.',
    'x-reference': 'DatabaseConnection',
  }),
  statementsField(
    'creationStatements',
    'creation_statements',
    "What makes a user, with \"{{name}}\", '{{password}}' and '{{expiration}}' in these quotes.",
  ),
  statementsField('revocationStatements', 'revocation_statements', 'What removes one, in place of the usual way.'),
  statementsField('rollbackStatements', 'rollback_statements', 'What undoes the making of one that failed half way.'),
  statementsField('renewStatements', 'renew_statements', 'What lets one live longer, in place of the usual way.'),
  durationField(['defaultTtl'], 'default_ttl', 'How long a user lives unless its lease is renewed. `0s`: as the mount has it.'),
  durationField(
    ['maxTtl'],
    'max_ttl',
    'How long a user lives at most, however often its lease is renewed. `0s`: as the mount has it.',
  ),
  plainField(['ownedObjects'], 'owned_objects', {
    type: 'string',
    enum: ownedObjects,
    default: 'keep',
    description:
      'What becomes of what a user owns when it is removed: `keep` (the user stays, without a login, until somebody gives away what it owns), `drop`, or `reassign`.',
  }),
  plainField(['reassignTo'], 'reassign_to', {
    type: 'string',
    default: '',
    maxLength: 128,
    description: 'To whom `ownedObjects: reassign` gives it; the user of the connection unless told.',
  }),
  plainField(['terminateSessions'], 'terminate_sessions', {
    type: 'boolean',
    default: false,
    description: 'End the sessions of a user that is removed.',
  }),
];

/** What users are made for those who ask for a role. */
export const databaseRoleKind: Kind = {
  kind: 'DatabaseRole',
  description: 'What database users are made for whoever asks for this role, and for how long they live.',
  spec: {
    type: 'object',
    required: ['engine', 'connection', 'creationStatements'],
    additionalProperties: false,
    properties: { engine: engineSchema, ...mappedProperties(fields, {}) },
  },
  mountField: 'engine',
  mountKind: 'SecretEngine',
  nameRule: 'identifier',
  importId: 'the name of the role',
  pointerOf: (member) => mappedPointer(fields, member),
  normalize: (spec, resource) => ({ engine: spec['engine'] ?? resource.mount, ...normalizeMapped(fields, spec) }),
  check,
  checkBeside: besideConnection({
    creationStatements: 'creation',
    revocationStatements: 'revocation',
    rollbackStatements: 'rollback',
    renewStatements: 'renewal',
  }),
  reads: (resource, context) => (isDatabaseMount(resource, context) ? [{ operation: 'read', path: pathOf(resource) }] : []),
  read: ([reply], { mount }) =>
    reply === null || reply === undefined ? null : { spec: { engine: mount, ...readMapped(fields, reply) }, mark: null },
  write({ before, after }, resource) {
    const data = changedMapped(fields, before?.spec ?? null, after);
    return Object.keys(data).length === 0 ? [] : [{ operation: 'write', path: pathOf(resource), data }];
  },
  remove: (resource, context) =>
    isDatabaseMount(resource, context) ? [{ operation: 'delete', path: pathOf(resource), data: {} }] : [],
  impact: {
    reads: ({ mount, name }) => [{ operation: 'read', path: `sys/managed/leases/${mount}/creds/${name}` }],
    tell: (action, [reply], _spec, _written, mountGoes) =>
      leaseWords(mountGoes ? null : reply, (leases) =>
        action === 'delete'
          ? `${leases} of users that it made: they live until their time is over, and are renewed no more`
          : `${leases} of users that it made: they are renewed by what it says then, and removed as it said when they were made, or, where that fails, as it says then`,
      ),
  },
  // Leases name the role by which they may be renewed.
  move: () => null,
};

function pathOf({ mount, name }: ResourceName): string {
  return `${mount}/roles/${name}`;
}

function check(spec: JsonObject, resource: ResourceName, context: LensContext): readonly SpecProblem[] {
  const problems = [...mountProblems(resource, context), ...mappedProblems(fields, spec)];
  const { ownedObjects: owned, reassignTo, defaultTtl, maxTtl } = normalizeMapped(fields, spec);
  const { creationStatements: creation } = spec;
  if (Array.isArray(creation) && creation.length === 0) {
    problems.push({ at: '/creationStatements', message: 'without a statement no user can be made' });
  }
  const [ttl, most] = [parseDuration(defaultTtl) ?? 0, parseDuration(maxTtl) ?? 0];
  if (most > 0 && ttl > most) problems.push({ at: '/defaultTtl', message: 'defaultTtl is greater than maxTtl' });
  if (reassignTo !== '' && owned !== 'reassign') {
    problems.push({ at: '/reassignTo', message: 'reassignTo counts only with ownedObjects: reassign' });
  }
  return problems;
}
