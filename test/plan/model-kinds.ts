import { isJsonObject, type Json, type JsonObject } from '../../src/base/json.ts';
import type { Kind, LensRequest, SpecSchema } from '../../src/kinds/kind.ts';
import { normalizeSource, valueSourceSchema } from '../../src/kinds/value-source.ts';

// Kinds as small as they can be and still have all that a plan has to tell apart: mounts and content, readable,
// write-only and computed fields, references, replacement, moves with and without help of the store.

const mountSpec: SpecSchema = {
  type: 'object',
  properties: {
    type: { type: 'string' },
    description: { type: 'string', default: '' },
    accessor: { type: 'string', 'x-field': 'computed' },
  },
};

/** A mount: its type can't be changed in place, and the store moves it. */
const engineKind: Kind = {
  kind: 'SecretEngine',
  description: '',
  spec: mountSpec,
  mountField: null,
  mountKind: null,
  nameRule: 'mountPath',
  replaceOn: ['/type'],
  importId: 'the path of the mount',
  normalize: (spec) => ({ description: '', ...spec }),
  mount: (spec) => ({ type: String(spec.type), options: {} }),
  reads: ({ name }) => [{ operation: 'read', path: `mounts/${name}` }],
  read: ([reply]) => (reply === null || reply === undefined ? null : { spec: reply, mark: null }),
  write: ({ after }, { name }) => [{ operation: 'write', path: `mounts/${name}`, data: after }],
  remove: ({ name }) => [{ operation: 'delete', path: `mounts/${name}`, data: {} }],
  move: (from, to) => [{ operation: 'write', path: 'remount', data: { from: from.name, to: to.name } }],
};

/** Everything of it stands in its spec: a move writes and deletes. */
const policyKind: Kind = {
  kind: 'Policy',
  description: '',
  spec: {
    type: 'object',
    properties: {
      rules: { type: 'array', items: { type: 'object', additionalProperties: true } },
      text: { type: 'string' },
      ttl: { type: 'string', default: '0s' },
    },
  },
  mountField: null,
  mountKind: null,
  nameRule: 'identifier',
  normalize: (spec) => ({ ttl: '0s', ...spec }),
  reads: ({ name }) => [{ operation: 'read', path: `policies/${name}` }],
  read: ([reply]) => (reply === null || reply === undefined ? null : { spec: reply, mark: null }),
  write: ({ after }, { name }) => [{ operation: 'write', path: `policies/${name}`, data: after }],
  remove: ({ name }) => [{ operation: 'delete', path: `policies/${name}`, data: {} }],
};

/** At the top, and names policies and other bindings. */
const bindingKind: Kind = {
  kind: 'Binding',
  description: '',
  spec: {
    type: 'object',
    properties: {
      policies: { type: 'array', items: { type: 'string' }, 'x-reference': 'Policy' },
      after: { type: 'string', 'x-reference': 'Binding' },
    },
  },
  mountField: null,
  mountKind: null,
  nameRule: 'identifier',
  normalize: (spec) => spec,
  reads: ({ name }) => [{ operation: 'read', path: `bindings/${name}` }],
  read: ([reply]) => (reply === null || reply === undefined ? null : { spec: reply, mark: null }),
  write: ({ after }, { name }) => [{ operation: 'write', path: `bindings/${name}`, data: after }],
  remove: ({ name }) => [{ operation: 'delete', path: `bindings/${name}`, data: {} }],
  move: (_from, to) => (to.name.startsWith('fixed') ? null : []),
};

/** A secret in a mount: readable metadata, write-only fields, a mark per version. */
const secretKind: Kind = {
  kind: 'StaticSecret',
  description: '',
  spec: {
    type: 'object',
    properties: {
      engine: { type: 'string', 'x-reference': 'SecretEngine' },
      data: { type: 'object', additionalProperties: valueSourceSchema('A field.') },
      note: { type: 'string', default: '' },
      owners: { type: 'object', default: {}, additionalProperties: { type: 'string' } },
      prune: { type: 'boolean', default: false, 'x-field': 'writeOnly' },
    },
  },
  mountField: 'engine',
  mountKind: 'SecretEngine',
  nameRule: 'secretPath',
  normalize: (spec) => ({
    note: '',
    owners: {},
    prune: false,
    ...spec,
    data: Object.fromEntries(Object.entries(dataOf(spec)).map(([name, source]) => [name, normalizeSource(source as JsonObject)])),
  }),
  reads: ({ mount, name }, { engines }) =>
    mount !== null && engines.has(mount) ? [{ operation: 'read', path: `in/${mount}/${name}` }] : [],
  read: ([reply], { mount }) => {
    if (reply === null || reply === undefined) return null;
    const { note = '', owners = {}, mark = null, deleted } = reply;
    const spec = { engine: mount ?? '', note, owners };
    return { spec, mark: mark as string | null, ...(deleted === true ? { deleted: true } : {}) };
  },
  write: ({ before, after, lastApplied, changed }, { mount, name }) => {
    const requests: LensRequest[] = [];
    const path = `in/${mount}/${name}`;
    const { note = '', owners = {} } = after;
    if (before === null || JSON.stringify([before.spec.note, before.spec.owners]) !== JSON.stringify([note, owners])) {
      requests.push({ operation: 'write', path, data: { note, owners } });
    }
    const fields = dataOf(after);
    const absent = before === null || before.deleted === true;
    const written = Object.keys(fields).filter((field) => absent || changed.includes(`/data/${field}`));
    const removed = absent ? [] : Object.keys(dataOf(lastApplied ?? {})).filter((field) => !Object.hasOwn(fields, field));
    if (written.length + removed.length === 0) return requests;
    const data = Object.fromEntries([
      ...written.map((field) => [field, fields[field] as Json]),
      ...removed.map((field) => [field, null]),
    ]) as JsonObject;
    const values = written.map((field) => ({ at: `/data/${field}`, field: `data.${field}` }));
    requests.push({ operation: absent ? 'write' : 'patch', path: `${path}/data`, data: { data }, values });
    return requests;
  },
  remove: ({ mount, name }, { engines }) =>
    mount !== null && engines.has(mount) ? [{ operation: 'delete', path: `in/${mount}/${name}`, data: {} }] : [],
};

/** In a mount, and everything of it stands in its spec. */
const roleKind: Kind = {
  kind: 'Role',
  description: '',
  spec: {
    type: 'object',
    properties: {
      engine: { type: 'string', 'x-reference': 'SecretEngine' },
      note: { type: 'string' },
      parent: { type: 'string', 'x-reference': 'Role' },
    },
  },
  mountField: 'engine',
  mountKind: 'SecretEngine',
  nameRule: 'identifier',
  normalize: (spec) => ({ note: '', ...spec }),
  reads: ({ mount, name }, { engines }) =>
    mount !== null && engines.has(mount) ? [{ operation: 'read', path: `in/${mount}/roles/${name}` }] : [],
  read: ([reply], { mount }) =>
    reply === null || reply === undefined ? null : { spec: { engine: mount ?? '', ...reply }, mark: null },
  write: ({ after }, { mount, name }) => [
    {
      operation: 'write',
      path: `in/${mount}/roles/${name}`,
      data: { note: after.note ?? '', ...(after.parent === undefined ? {} : { parent: after.parent }) },
    },
  ],
  remove: ({ mount, name }, { engines }) =>
    mount !== null && engines.has(mount) ? [{ operation: 'delete', path: `in/${mount}/roles/${name}`, data: {} }] : [],
};

function dataOf(spec: JsonObject): JsonObject {
  return isJsonObject(spec.data) ? spec.data : {};
}

export const modelKinds: readonly Kind[] = [engineKind, policyKind, bindingKind, secretKind, roleKind];
