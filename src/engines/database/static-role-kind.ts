import { parseCron } from '../../base/cron.ts';
import { parseDuration } from '../../base/duration.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import {
  changedMapped,
  type MappedField,
  mappedPointer,
  mappedProblems,
  mappedProperties,
  normalizeMapped,
  readMapped,
} from '../../kinds/field-map.ts';
import type { Kind, LensChange, LensContext, LensRequest, ResourceName, SpecProblem } from '../../kinds/kind.ts';
import { normalizeSource, valueSourceSchema } from '../../kinds/value-source.ts';
import { besideConnection } from './role-connection.ts';
import { shortestPeriod, shortestWindow } from './rotation-times.ts';
import { durationField, engineSchema, isDatabaseMount, mountProblems, plainField, statementsField } from './spec-fields.ts';

/** When its password is changed: of these either the period or the rest, and they are written together. */
const times: readonly MappedField[] = [
  durationField(['rotationPeriod'], 'rotation_period', 'How long a password is used, 5s at least. This or rotationSchedule.'),
  plainField(['rotationSchedule'], 'rotation_schedule', {
    type: 'string',
    default: '',
    maxLength: 200,
    examples: ['0 3 * * SAT'],
    description: 'In place of a period: a cron line of minute, hour, day of month, month and day of week.',
  }),
  plainField(['rotationTimeZone'], 'rotation_timezone', {
    type: 'string',
    default: '',
    maxLength: 64,
    examples: ['Europe/Berlin'],
    description: 'The time zone of the schedule; UTC unless told.',
  }),
  durationField(
    ['rotationWindow'],
    'rotation_window',
    'How long after a time of the schedule a rotation may still begin, an hour at least. `0s`: however late.',
  ),
];

const others: readonly MappedField[] = [
  plainField(['connection'], 'db_name', {
    type: 'string',
    minLength: 1,
    description: 'The DatabaseConnection by which the password is changed; its `allowedRoles` must name this role.',
    'x-reference': 'DatabaseConnection',
  }),
  plainField(['username'], 'username', {
    type: 'string',
    minLength: 1,
    maxLength: 128,
    description: 'The user, who exists in the database. Another one makes the role anew.',
  }),
  statementsField(
    'rotationStatements',
    'rotation_statements',
    'What sets a password, in place of the usual way: "{{name}}", \'{{password}}\'.',
  ),
  plainField(['skipImportRotation'], 'skip_import_rotation', {
    type: 'boolean',
    default: false,
    description: 'Leave the password as it is until the first time that is due. Else it is changed as soon as the role is made.',
  }),
  plainField(['selfManaged'], 'self_managed', {
    type: 'boolean',
    default: false,
    description: 'The user logs in to change its own password, for which its present one must be given in `password`.',
  }),
  plainField(['passwordPolicy'], 'password_policy', {
    type: 'string',
    default: '',
    description: 'The PasswordPolicy by which passwords are made; empty: that of the connection.',
    'x-reference': 'PasswordPolicy',
  }),
];

const fields = [...others, ...times];

/** A user of a database that exists, and when its password is changed. */
export const databaseStaticRoleKind: Kind = {
  kind: 'DatabaseStaticRole',
  description: 'A database user that exists, whose password is changed every so often, or at the times of a calendar.',
  spec: {
    type: 'object',
    required: ['engine', 'connection', 'username'],
    additionalProperties: false,
    properties: {
      engine: engineSchema,
      ...mappedProperties(fields, {}),
      password: valueSourceSchema('The password that the user has when the role is made. It is used then, and never again.'),
    },
  },
  mountField: 'engine',
  mountKind: 'SecretEngine',
  nameRule: 'identifier',
  importId: 'the name of the static role',
  pointerOf: (member) => (member === 'password' ? '/password' : mappedPointer(fields, member)),
  replaceOn: ['/username'],
  normalize: (spec, resource) => ({
    engine: spec['engine'] ?? resource.mount,
    ...normalize(spec),
    ...(isJsonObject(spec['password']) ? { password: normalizeSource(spec['password']) } : {}),
  }),
  check,
  checkBeside: besideConnection({ rotationStatements: 'rotation' }),
  reads: (resource, context) =>
    isDatabaseMount(resource, context) ? [{ operation: 'read', path: `${pathOf(resource)}/config` }] : [],
  read([reply], { mount }) {
    if (reply === null || reply === undefined) return null;
    const { credential_config: config } = reply;
    const policy = isJsonObject(config) ? (config['password_policy'] ?? '') : '';
    return { spec: { engine: mount, ...readMapped(fields, { ...reply, password_policy: policy }) }, mark: null };
  },
  write,
  remove: (resource, context) =>
    isDatabaseMount(resource, context) ? [{ operation: 'delete', path: pathOf(resource), data: {} }] : [],
  // Whoever reads the password asks for it by the name of the role.
  move: () => null,
  impact: {
    reads: (resource) => [{ operation: 'read', path: `${pathOf(resource)}/config` }],
    tell(action, [reply], { username, connection, skipImportRotation }) {
      const user = `"${String(username)}"`;
      if (action === 'delete') return [`${user} stays, with the password that only the store knows: read it before`];
      const before = reply?.['db_name'];
      if (action === 'update' && typeof before === 'string' && before !== connection)
        return [
          `changes the password of ${user} at once where "${String(connection)}" leads: whoever reads it is given that one from then on`,
        ];
      if (action === 'update' || skipImportRotation === true) return [];
      return [`changes the password of ${user} at once: whoever logs in with the present one must read the new one`];
    },
  },
};

function pathOf({ mount, name }: ResourceName): string {
  return `${mount}/static-roles/${name}`;
}

function normalize(spec: JsonObject): JsonObject {
  const normal = normalizeMapped(fields, spec);
  return normal['rotationSchedule'] === '' || normal['rotationTimeZone'] !== '' ? normal : { ...normal, rotationTimeZone: 'UTC' };
}

function write({ before, after }: LensChange, resource: ResourceName): readonly LensRequest[] {
  const data: Record<string, Json> = { ...changedMapped(others, before?.spec ?? null, after) };
  if (Object.keys(changedMapped(times, before?.spec ?? null, after)).length > 0)
    Object.assign(data, changedMapped(times, null, after));
  const { password_policy: policy, ...body } = data;
  if (policy !== undefined) body['credential_config'] = policy === '' ? {} : { password_policy: policy };
  const { password } = after;
  // Later the store knows better: it has changed it since.
  if (before === null && password !== undefined) {
    return [
      {
        operation: 'write',
        path: pathOf(resource),
        data: { ...body, password },
        values: [{ at: '/password', field: 'password' }],
      },
    ];
  }
  return Object.keys(body).length === 0 ? [] : [{ operation: 'write', path: pathOf(resource), data: body }];
}

function check(spec: JsonObject, resource: ResourceName, context: LensContext): readonly SpecProblem[] {
  const problems = [...mountProblems(resource, context), ...mappedProblems(fields, spec)];
  const { rotationPeriod, rotationSchedule, rotationTimeZone, rotationWindow, selfManaged } = normalize(spec);
  const [period, window] = [parseDuration(rotationPeriod) ?? 0, parseDuration(rotationWindow) ?? 0];
  const [line, zone] = [String(rotationSchedule), String(rotationTimeZone)];
  if (line === '') {
    if (period === 0) problems.push({ at: '', message: 'a static role needs rotationPeriod or rotationSchedule' });
    else if (period < shortestPeriod)
      problems.push({ at: '/rotationPeriod', message: `rotationPeriod is ${shortestPeriod}s at least` });
    if (window !== 0) problems.push({ at: '/rotationWindow', message: 'rotationWindow counts only with rotationSchedule' });
    if (zone !== '') problems.push({ at: '/rotationTimeZone', message: 'rotationTimeZone counts only with rotationSchedule' });
  } else {
    if (period !== 0)
      problems.push({ at: '/rotationPeriod', message: 'there is a rotationSchedule too: one of them it must be' });
    if (window !== 0 && window < shortestWindow)
      problems.push({ at: '/rotationWindow', message: 'rotationWindow is 1h at least' });
    const wrongLine = cronProblem(line, 'UTC');
    if (wrongLine !== null) problems.push({ at: '/rotationSchedule', message: wrongLine });
    const wrongZone = cronProblem('@daily', zone);
    if (wrongZone !== null) problems.push({ at: '/rotationTimeZone', message: wrongZone });
  }
  if (selfManaged === true && spec['password'] === undefined) {
    problems.push({
      at: '/selfManaged',
      message: 'the user changes its own password, and its present one is not given',
      hint: 'say in `password` where it comes from',
    });
  }
  return problems;
}

function cronProblem(line: string, zone: string): string | null {
  try {
    parseCron(line, zone);
    return null;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}
