import { atPointer, isJsonObject, type Json, type JsonObject, toPointer } from '../../base/json.ts';
import { changedMapped, mappedProblems, normalizeMapped, readMapped } from '../../kinds/field-map.ts';
import { leaseWords } from '../../kinds/lease-words.ts';
import type { Kind, LensChange, LensContext, LensRequest, ResourceName, SpecProblem } from '../../kinds/kind.ts';
import { RequestError } from '../../protocol/request-error.ts';
import { normalizeSource } from '../../kinds/value-source.ts';
import {
  allLenses,
  connectionProperties,
  databasePlugin,
  fullName,
  lensFor,
  type SecretField,
  shortName,
} from './connection-fields.ts';
import { shownUrl } from './plugins/connection-url.ts';
import { lossRefused, lossWords } from './password-loss.ts';
import type { DatabasePlugin } from './plugins/plugin.ts';
import { documentWords, engineSchema, isDatabaseMount, mountProblems, statementProblems } from './spec-fields.ts';

/** How a database is reached. */
export const databaseConnectionKind: Kind = {
  kind: 'DatabaseConnection',
  description: 'How a database is reached to make and remove users there, and which roles may use it.',
  spec: {
    type: 'object',
    required: ['engine', 'plugin', 'connectionUrl'],
    additionalProperties: false,
    properties: { engine: engineSchema, ...connectionProperties() },
  },
  mountField: 'engine',
  mountKind: 'SecretEngine',
  nameRule: 'identifier',
  importId: 'the name of the connection',
  replaceOn: ['/plugin'],
  normalize(spec, { mount }) {
    const { fields, secrets } = lensFor(spec['plugin']);
    return withSources({ engine: spec['engine'] ?? mount, ...normalizeMapped(fields, spec) }, spec, secrets);
  },
  check,
  reads: (resource, context) => (isDatabaseMount(resource, context) ? [{ operation: 'read', path: pathOf(resource) }] : []),
  read([reply], { mount }) {
    if (reply === null || reply === undefined) return null;
    const details = reply['connection_details'];
    // As they are shown, and as they are written.
    const { root_credentials_rotate_statements: rotation = [] } = reply;
    const body = { ...reply, ...(isJsonObject(details) ? details : {}), root_rotation_statements: rotation };
    const { fields } = lensFor(shortName(String(reply['plugin_name'])));
    return { spec: { engine: mount, ...readMapped(fields, body) }, mark: null };
  },
  write,
  remove: (resource, context) =>
    isDatabaseMount(resource, context) ? [{ operation: 'delete', path: pathOf(resource), data: { keep_rotated: true } }] : [],
  impact: {
    reads: (resource) => [`${pathOf(resource)}/leases`, pathOf(resource)].map((path) => ({ operation: 'read', path })),
    tell(action, [reply, live], spec, written, mountGoes) {
      const isLedElsewhere = action === 'update' && urlOf(live) !== null && urlOf(live) !== spec['connectionUrl'];
      const becomes =
        action !== 'update'
          ? 'they live until their time is over, and it is kept in the background to remove them'
          : isLedElsewhere
            ? 'if the new connectionUrl leads to another database, they stay where they are, and their leases are kept and shown as failing. To have them removed, revoke them before'
            : 'they are renewed and removed by it as it is then';
      return [
        ...lossWords(action, reply, spec, written),
        ...leaseWords(mountGoes ? null : reply, (leases) => `${leases} of users that it made: ${becomes}`),
        ...(isLedElsewhere ? staticRoleWords(reply) : []),
      ];
    },
    refuses: (action, [reply], spec) => lossRefused(action, reply, spec),
  },
  move: (from, to) =>
    from.mount === to.mount
      ? [{ operation: 'write', path: 'sys/managed/rename', data: { from: pathOf(from), to: pathOf(to) } }]
      : null,
};

/** Of a connection as it is; null: there is none, or nobody may tell. */
function urlOf(live: JsonObject | null | undefined): string | null {
  const details = live?.['connection_details'];
  const url = isJsonObject(details) ? details['connection_url'] : null;
  return typeof url === 'string' ? url : null;
}

function staticRoleWords(reply: JsonObject | null | undefined): readonly string[] {
  const count = Number(reply?.['static_roles'] ?? 0);
  if (count === 0) return [];
  const [passwords, they] =
    count === 1 ? ['the password of 1 static role is', 'it is'] : [`the passwords of ${count} static roles are`, 'they are'];
  return [
    `${passwords} those of the database where it leads now: in another one ${they} changed at the next time, or by rotate-role`,
  ];
}

function pathOf({ mount, name }: ResourceName): string {
  return `${mount}/config/${name}`;
}

function withSources(normal: JsonObject, spec: JsonObject, secrets: readonly SecretField[]): JsonObject {
  const whole: Record<string, Json> = { ...normal };
  for (const { at } of secrets) {
    const source = atPointer(spec, toPointer(at));
    if (!isJsonObject(source)) continue;
    const [name, inner] = at;
    if (inner === undefined) whole[name] = normalizeSource(source);
    else whole[name] = { ...(isJsonObject(whole[name]) ? whole[name] : {}), [inner]: normalizeSource(source) };
  }
  return whole;
}

function check(spec: JsonObject, resource: ResourceName, context: LensContext): readonly SpecProblem[] {
  const { fields } = lensFor(spec['plugin']);
  const problems = [...mountProblems(resource, context), ...mappedProblems(fields, spec), ...foreignFields(spec)];
  const url = spec['connectionUrl'];
  if (typeof url === 'string' && shownUrl(url) !== url) {
    problems.push({
      at: '/connectionUrl',
      message: 'connectionUrl holds a password: everyone who reads the repo would know it',
      hint: 'write {{username}}:{{password}} there, and say in `password` where the value comes from',
    });
  }
  // One without a user of its own has the names of those who log in filled in. A password need not stand in a document: that
  // of an adopted connection is in the store.
  const named = (spec['username'] ?? '') !== '' || spec['selfManaged'] === true;
  if (typeof url === 'string' && /\{\{\s*username\s*\}\}/.test(url) && !named) {
    problems.push({
      at: '/connectionUrl',
      message: 'connectionUrl has a place for {{username}}, and there is none',
      hint: 'state username',
    });
  }
  const plugin = databasePlugin(spec['plugin']);
  if (plugin === null) return problems;
  const urlWrong =
    typeof url === 'string' && problems.every(({ at }) => at !== '/connectionUrl') ? urlProblem(plugin, url, spec) : null;
  if (urlWrong !== null) problems.push({ at: '/connectionUrl', message: urlWrong });
  return [...problems, ...statementProblems(plugin, spec, 'rootRotationStatements', 'rootRotation')];
}

/** Why no client can connect to a URL; null: one may be able to. */
function urlProblem(plugin: DatabasePlugin, url: string, { username }: JsonObject): string | null {
  try {
    plugin.checkUrl(url, typeof username === 'string' ? username : '');
    return null;
  } catch (error) {
    if (error instanceof RequestError) return documentWords(error.message);
    throw error;
  }
}

/** Fields that only other kinds of database have. */
function foreignFields(spec: JsonObject): readonly SpecProblem[] {
  const plugin = String(spec['plugin']);
  const lens = allLenses.get(plugin);
  if (lens === undefined) return [];
  const known = new Set([...lens.fields, ...lens.secrets].map(({ at }) => toPointer(at)));
  const problems = new Map<string, SpecProblem>();
  for (const { fields, secrets } of allLenses.values()) {
    for (const { at } of [...fields, ...secrets]) {
      const pointer = toPointer(at);
      if (known.has(pointer) || atPointer(spec, pointer) === undefined) continue;
      problems.set(pointer, { at: pointer, message: `${at.join('.')} is not a field of a connection to ${plugin}` });
    }
  }
  return [...problems.values()];
}

function write(change: LensChange, resource: ResourceName): readonly LensRequest[] {
  const { before, after, changed, lastApplied } = change;
  const { fields, secrets } = lensFor(after['plugin']);
  const data: Record<string, Json> = { ...changedMapped(fields, before?.spec ?? null, after) };
  if (data['plugin_name'] !== undefined) data['plugin_name'] = fullName(String(after['plugin']));
  const values: { at: string; field: string }[] = [];
  for (const { at, member } of secrets) {
    const pointer = toPointer(at);
    const source = atPointer(after, pointer);
    if (source !== undefined) {
      if (before !== null && !changed.includes(pointer)) continue;
      data[member] = source;
      values.push({ at: toPointer([member]), field: at.join('.') });
    } else if (before !== null && member !== 'password' && atPointer(lastApplied ?? {}, pointer) !== undefined) data[member] = '';
  }
  // A password was used once: a document from which it is taken out takes nothing away.
  if (Object.keys(data).length === 0) return [];
  // It is used once: a password that the store has set is never overwritten by a document.
  if (data['password'] !== undefined || data['username'] !== undefined) data['keep_rotated'] = true;
  return [{ operation: 'write', path: pathOf(resource), data, ...(values.length > 0 ? { values } : {}) }];
}
