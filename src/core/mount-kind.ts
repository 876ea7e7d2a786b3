import { parseDuration, shortDuration } from '../base/duration.ts';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { reservedMounts } from './mount-fields.ts';
import { leaseWords } from '../kinds/lease-words.ts';
import type { Kind, KindImpact, LensChange, LensRequest, LiveObject, ResourceName, SpecSchema } from '../kinds/kind.ts';

const ttl = (what: string): SpecSchema => ({
  type: 'string',
  format: 'duration',
  default: '0s',
  description: `${what} \`0s\`: the system's default.`,
});
const stringList = (description: string): SpecSchema => ({
  type: 'array',
  items: { type: 'string', description: 'A field.' },
  uniqueItems: true,
  default: [],
  description,
});

/** Fields that an engine and an auth method have in common: our name, the name in `config` of the API, and its type. */
const configured = [
  ['defaultLeaseTtl', 'default_lease_ttl', 'duration'],
  ['maxLeaseTtl', 'max_lease_ttl', 'duration'],
  ['listingVisibility', 'listing_visibility', 'text'],
  ['auditNonHmacRequestKeys', 'audit_non_hmac_request_keys', 'set'],
  ['auditNonHmacResponseKeys', 'audit_non_hmac_response_keys', 'set'],
] as const;

const properties: Readonly<Record<string, SpecSchema>> = {
  description: { type: 'string', default: '', maxLength: 1024, description: 'What this mount is for, for people.' },
  options: {
    type: 'object',
    default: {},
    additionalProperties: { type: 'string', description: 'The value.' },
    description: 'Options of the type; for kv: `version: "2"`.',
  },
  defaultLeaseTtl: ttl('The TTL of what sets none.'),
  maxLeaseTtl: ttl('The greatest TTL that anything here can have.'),
  listingVisibility: {
    type: 'string',
    enum: ['', 'unauth', 'hidden'],
    default: '',
    description: '`unauth` shows the mount to clients without a token.',
  },
  auditNonHmacRequestKeys: stringList('Request fields that the audit log shows in the clear. Never name a secret here.'),
  auditNonHmacResponseKeys: stringList('Response fields that the audit log shows in the clear. Never name a secret here.'),
};

const lockoutSchema: SpecSchema = {
  type: 'object',
  default: {},
  additionalProperties: false,
  description: 'When users who fail to log in are locked out, where logins name users: in userpass and approle.',
  properties: {
    threshold: { type: 'integer', minimum: 0, default: 0, description: 'How many failures lock; 0: five.' },
    duration: {
      type: 'string',
      format: 'duration',
      default: '0s',
      description: 'How long after the last failure a lock ends; 0s: 15 minutes.',
    },
    counterReset: {
      type: 'string',
      format: 'duration',
      default: '0s',
      description: 'How long after the last failure the count starts anew; 0s: 15 minutes.',
    },
    disabled: { type: 'boolean', default: false, description: 'Lock nobody out.' },
  },
};

/** An engine that goes loses what only it knows, has all of its leases end, and stays in the background until the last has. */
const impactOfEngine: KindImpact = {
  reads: ({ name }) => [
    { operation: 'read', path: `sys/managed/leases/${name}` },
    { operation: 'read', path: `sys/managed/only-here/${name}` },
  ],
  tell(action, [leases, reply]) {
    if (action === 'update') return [];
    const only = reply?.['only_here'];
    return [
      ...(typeof only === 'string' ? [`LOSES ${only}, which nobody but the store knows`] : []),
      ...leaseWords(leases, (words) => `revokes ${words}; what it holds is shredded when the last has ended`),
    ];
  },
};

/** A mounted secret engine. Its name is its path. */
export const secretEngineKind: Kind = mountKind('SecretEngine', 'mounts', {
  description: 'A secret engine mounted at a path: the name of the document.',
  type: 'The type of the engine, such as `kv`.',
  extra: {},
});

/** An enabled auth method. Its name is its path below `auth/`. */
export const authMethodKind: Kind = mountKind('AuthMethod', 'auth', {
  description: 'An auth method enabled at a path below auth/: the name of the document.',
  type: 'The type of the method, such as `approle`.',
  extra: {
    tokenType: {
      type: 'string',
      enum: ['default-service', 'default-batch', 'service', 'batch'],
      default: 'default-service',
      description: 'The type of the tokens that a login gives.',
    },
    userLockout: lockoutSchema,
  },
});

/** The members of `userLockout`: our name, and the names in which the API reads and shows them. */
const lockout = [
  ['threshold', 'lockout_threshold', 'user_lockout_threshold'],
  ['duration', 'lockout_duration', 'user_lockout_duration'],
  ['counterReset', 'lockout_counter_reset_duration', 'user_lockout_counter_reset_duration'],
  ['disabled', 'lockout_disable', 'user_lockout_disable'],
] as const;

function mountKind(
  kind: 'SecretEngine' | 'AuthMethod',
  folder: 'mounts' | 'auth',
  words: { description: string; type: string; extra: Readonly<Record<string, SpecSchema>> },
): Kind {
  const spec: SpecSchema = {
    type: 'object',
    required: ['type'],
    additionalProperties: false,
    properties: { type: { type: 'string', minLength: 1, description: words.type }, ...properties, ...words.extra },
  };
  const fields =
    Object.keys(words.extra).length === 0 ? configured : ([...configured, ['tokenType', 'token_type', 'text']] as const);
  const path = (name: string): string => `sys/${folder}/${name}`;
  const route = (name: string): string => (kind === 'AuthMethod' ? `auth/${name}` : name);
  return {
    kind,
    description: words.description,
    spec,
    mountField: null,
    mountKind: null,
    nameRule: 'mountPath',
    reservedNames: reservedMounts[kind === 'SecretEngine' ? 'secret' : 'auth'],
    // A kv mount keeps its version: its data has another form in the other one.
    replaceOn: ['/type', '/options/version'],
    importId: kind === 'SecretEngine' ? 'the path of the mount' : 'the path of the method, without auth/',
    normalize: (sent) => normalize(sent, spec),
    mount: (sent) => {
      const { type, options } = normalize(sent, spec);
      return { type: String(type), options: options as Record<string, string> };
    },
    reads: (resource) => [{ operation: 'read', path: path(resource.name) }],
    read: ([reply]) => readMount(reply ?? null, fields, spec),
    write: (change, resource) => writeMount(change, resource, path, fields),
    remove: (resource) => [{ operation: 'delete', path: path(resource.name), data: {} }],
    ...(kind === 'SecretEngine' ? { impact: impactOfEngine } : {}),
    move: (from, to) => [{ operation: 'write', path: 'sys/remount', data: { from: route(from.name), to: route(to.name) } }],
  };
}

type Fields = readonly (readonly [ours: string, theirs: string, type: 'duration' | 'text' | 'set'])[];

function normalizeMembers(sent: JsonObject, schema: SpecSchema): Record<string, Json> {
  const spec: Record<string, Json> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const value = sent[name] ?? property.default;
    if (value === undefined) continue;
    if (property.properties !== undefined) spec[name] = normalizeMembers(isJsonObject(value) ? value : {}, property);
    else if (property.format === 'duration') spec[name] = shortDuration(parseDuration(value) ?? 0);
    else if (property.type === 'array') spec[name] = [...new Set(value as readonly string[])].sort();
    else spec[name] = value;
  }
  return spec;
}

function normalize(sent: JsonObject, schema: SpecSchema): JsonObject {
  const spec = normalizeMembers(sent, schema);
  // An option without a value is none: tuning takes it away.
  const options = Object.entries(spec.options as JsonObject).filter(([, value]) => value !== '');
  spec.options = Object.fromEntries(options);
  const versioned = /^kv-v([12])$/.exec(String(spec.type))?.[1];
  if (versioned !== undefined) {
    spec.type = 'kv';
    spec.options = { version: versioned, ...spec.options };
  } else if (spec.type === 'kv' && !Object.hasOwn(spec.options, 'version')) {
    spec.options = { ...spec.options, version: '1' };
  }
  return spec;
}

function readMount(reply: JsonObject | null, fields: Fields, schema: SpecSchema): LiveObject | null {
  if (reply === null) return null;
  const config = isJsonObject(reply.config) ? reply.config : {};
  const spec: Record<string, Json> = {
    type: reply.type ?? '',
    description: reply.description ?? '',
    options: reply.options ?? {},
  };
  for (const [ours, theirs, type] of fields) {
    const value = config[theirs];
    if (type === 'duration') spec[ours] = shortDuration(typeof value === 'number' ? value : 0);
    else if (value !== undefined) spec[ours] = value;
  }
  const shown = config.user_lockout_config;
  if (isJsonObject(shown)) {
    spec.userLockout = Object.fromEntries(
      lockout.map(([ours, , name]) => {
        const value = shown[name] ?? null;
        return [ours, typeof value === 'number' && ours !== 'threshold' ? shortDuration(value) : value];
      }),
    );
  }
  return { spec: normalize(spec, schema), mark: null };
}

function writeMount(change: LensChange, resource: ResourceName, path: (name: string) => string, fields: Fields): LensRequest[] {
  const { before, after } = change;
  const config: Record<string, Json> = {};
  for (const [ours, theirs] of fields) {
    if (before === null || JSON.stringify(before.spec[ours]) !== JSON.stringify(after[ours])) config[theirs] = after[ours] ?? '';
  }
  const { userLockout } = after;
  // Many types have none, and none is what is not told.
  const known = before === null ? normalizeMembers({}, lockoutSchema) : before.spec.userLockout;
  if (isJsonObject(userLockout) && canonicalJson(userLockout) !== canonicalJson(known)) {
    config.user_lockout_config = Object.fromEntries(lockout.map(([ours, name]) => [name, userLockout[ours] ?? null]));
  }
  if (before === null) {
    const { type = '', description = '', options = {} } = after;
    return [{ operation: 'write', path: path(resource.name), data: { type, description, options, config } }];
  }
  const data: Record<string, Json> = { ...config };
  if (before.spec.description !== after.description) data.description = after.description ?? '';
  if (canonicalJson(before.spec.options) !== canonicalJson(after.options)) data.options = tunedOptions(before.spec, after);
  return [{ operation: 'write', path: `${path(resource.name)}/tune`, data }];
}

/** All that are wanted, and the others emptied: tuning keeps an option that it is not told of. */
function tunedOptions({ options: before = {} }: JsonObject, { options: after = {} }: JsonObject): JsonObject {
  const gone = Object.keys(before as JsonObject).map((name) => [name, ''] as const);
  return { ...Object.fromEntries(gone), ...(after as JsonObject) };
}
