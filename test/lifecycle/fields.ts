import type { Json, JsonObject } from '../../src/base/json.ts';

/** What an object is, as far as its fields go: a kind, and for some which sort of mount it lives in. */
export type Type =
  | 'Policy'
  | 'PasswordPolicy'
  | 'engine'
  | 'database'
  | 'method'
  | 'secret1'
  | 'secret2'
  | 'approle'
  | 'token'
  | 'AuditDevice'
  | 'DatabaseConnection'
  | 'DatabaseRole'
  | 'LeaseCountQuota';

/**
 * One readable field, as this test understands it: a table of its own, so that what a plan should list is not worked
 * out by the code that makes plans. A value is in its normal form: durations as seconds, sets sorted.
 */
export interface Field {
  /** The way to it in a spec: `match.tokenBoundCidrs`. */
  readonly name: string;
  readonly unset: Json;
  /** What it is set to, besides `unset`. */
  readonly choices: readonly Json[];
  /** The member of the API's body. */
  readonly member: string;
  /** One of the ways to write the value in YAML. */
  spell(value: Json, how: number): Json;
  /** The value in what the API shows. */
  fromApi(shown: Json | undefined): Json;
  /** The value as the API takes it. */
  toApi(value: Json): Json;
  /** The type of a variable that could hold it; null: none. */
  readonly variable: string | null;
}

type Form = Pick<Field, 'spell' | 'fromApi' | 'toApi' | 'variable'>;

const same = (value: Json): Json => value;

function plain(variable: 'string' | 'number' | 'bool', unset: Json): Form {
  return { spell: same, fromApi: (shown) => shown ?? unset, toApi: same, variable };
}

const duration: Form = {
  spell: (value, how) => {
    const seconds = Number(value);
    const spellings = [
      `${seconds}s`,
      `${seconds / 60}m`,
      `${Math.floor(seconds / 3600)}h${(seconds % 3600) / 60}m`,
      `${seconds}`,
    ];
    return spellings[how % spellings.length] ?? '';
  },
  fromApi: (shown) => (typeof shown === 'string' ? secondsOf(shown) : (shown ?? 0)),
  toApi: (value) => `${String(value)}s`,
  variable: 'duration',
};

/** The seconds of `1h0m0s`. */
function secondsOf(text: string): number {
  const sizes: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };
  return [...text.matchAll(/(\d+)([hms])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (sizes[unit ?? ''] ?? 0), 0);
}

const set: Form = {
  spell: (value, how) => {
    const items = [...(value as readonly Json[])];
    return [...items.slice(how % (items.length + 1)), ...items.slice(0, how % (items.length + 1))];
  },
  fromApi: (shown) => [...((shown ?? []) as readonly string[])].sort(),
  toApi: same,
  variable: 'list',
};

const moment: Form = {
  spell: (value, how) => (how % 2 === 0 ? value : String(value).replace('T00:00:00Z', '')),
  fromApi: (shown) => shown ?? '',
  toApi: same,
  variable: 'string',
};

const map: Form = { spell: same, fromApi: (shown) => shown ?? {}, toApi: same, variable: null };

const field = (name: string, member: string, form: Form, unset: Json, ...choices: readonly Json[]): Field => ({
  name,
  member,
  unset,
  choices,
  ...form,
});
const text = (name: string, member: string, ...choices: string[]) => field(name, member, plain('string', ''), '', ...choices);
const count = (name: string, member: string, ...choices: number[]) => field(name, member, plain('number', 0), 0, ...choices);
const flag = (name: string, member: string, unset: boolean) => field(name, member, plain('bool', unset), unset, !unset);
const seconds = (name: string, member: string, ...choices: number[]) => field(name, member, duration, 0, ...choices);
const list = (name: string, member: string, ...choices: (readonly string[])[]) => field(name, member, set, [], ...choices);
const word = (name: string, member: string, unset: string, ...choices: string[]) =>
  field(name, member, plain('string', unset), unset, ...choices);

const addresses = [['10.0.0.0/8'], ['10.0.0.0/8', '192.168.7.1'], ['2001:db8:0:0:0:0:0:0/32']] as const;
const expiry = field('expires', 'expires', moment, '', '2026-01-02T00:00:00Z', '2027-01-31T00:00:00Z');

/** The text and the rules of policies are not members of a body: by-hand.ts writes them, observe.ts reads them. */
const inText = (name: string, unset: Json, ...choices: readonly Json[]) => field(name, '', map, unset, ...choices);

const mount = [
  text('description', 'description', 'for the team', 'costs ${5} — "quoted": ünïcode'),
  field('options', 'options', map, {}),
  seconds('defaultLeaseTtl', 'default_lease_ttl', 1800, 3600),
  seconds('maxLeaseTtl', 'max_lease_ttl', 7200, 90_000),
  word('listingVisibility', 'listing_visibility', '', 'unauth', 'hidden'),
  list('auditNonHmacRequestKeys', 'audit_non_hmac_request_keys', ['name'], ['kind', 'name']),
  list('auditNonHmacResponseKeys', 'audit_non_hmac_response_keys', ['name']),
];

const builtInCharsets: Json = [
  { charset: '-', minChars: 1 },
  { charset: '0123456789', minChars: 1 },
  { charset: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', minChars: 1 },
  { charset: 'abcdefghijklmnopqrstuvwxyz', minChars: 1 },
];

const database = 'postgresql://{{username}}:{{password}}@127.0.0.1:1/';
const creation = [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`];

export const fieldsOf: Readonly<Record<Type, readonly Field[]>> = {
  Policy: [inText('rules', [])],
  PasswordPolicy: [
    { ...inText('length', 20, 12, 31), variable: 'number' },
    inText(
      'rules',
      builtInCharsets,
      [{ charset: '0123456789abcdef', minChars: 0 }],
      [
        { charset: '!$%', minChars: 2 },
        { charset: 'abc', minChars: 1 },
      ],
    ),
  ],
  engine: mount,
  database: mount.filter(({ name }) => name !== 'options'),
  method: [
    ...mount.map((one) => (one.name === 'options' ? { ...one, fromApi: (shown: Json | undefined) => shown ?? {} } : one)),
    word('tokenType', 'token_type', 'default-service', 'default-batch', 'service'),
  ],
  secret1: [],
  secret2: [
    field('customMetadata', 'custom_metadata', map, {}, { owner: 'team a' }, { owner: 'team b', 'ti er': '1' }),
    count('maxVersions', 'max_versions', 3, 5),
    flag('casRequired', 'cas_required', false),
    seconds('deleteVersionAfter', 'delete_version_after', 7200, 86_400),
  ],
  approle: [
    list('policies', 'token_policies', ['default']),
    flag('noDefaultPolicy', 'token_no_default_policy', false),
    seconds('ttl', 'token_ttl', 600, 3600),
    seconds('maxTtl', 'token_max_ttl', 7200, 86_400),
    seconds('explicitMaxTtl', 'token_explicit_max_ttl', 86_400),
    seconds('period', 'token_period', 1200),
    count('numUses', 'token_num_uses', 1, 7),
    word('tokenType', 'token_type', 'default', 'service'),
    list('match.secretIdBoundCidrs', 'secret_id_bound_cidrs', ...addresses),
    list('match.tokenBoundCidrs', 'token_bound_cidrs', ...addresses),
    count('secretIdNumUses', 'secret_id_num_uses', 1, 40),
    seconds('secretIdTtl', 'secret_id_ttl', 600, 86_400),
    flag('localSecretIds', 'local_secret_ids', false),
    expiry,
  ],
  token: [
    list('policies', 'allowed_policies', ['default']),
    list('allowedPoliciesGlob', 'allowed_policies_glob', ['team-*'], ['*-read', 'team-*']),
    list('disallowedPolicies', 'disallowed_policies', ['admin']),
    flag('orphan', 'orphan', false),
    flag('renewable', 'renewable', true),
    seconds('period', 'token_period', 1200),
    seconds('explicitMaxTtl', 'token_explicit_max_ttl', 3600, 86_400),
    count('numUses', 'token_num_uses', 3),
    word('tokenType', 'token_type', 'default-service', 'default-batch', 'service'),
    text('pathSuffix', 'path_suffix', 'v1', 'v2'),
    list('match.tokenBoundCidrs', 'token_bound_cidrs', ...addresses),
    expiry,
  ],
  DatabaseConnection: [
    word('connectionUrl', 'connection_url', `${database}app`, `${database}other`, `${database}app?application_name=a%20b`),
    word('username', 'username', 'admin', 'owner "of" all'),
    field('allowedRoles', 'allowed_roles', set, ['*'], ['d*', 'other'], ['d0', 'd1', 'd2']),
    text('usernameTemplate', 'username_template', 'v-{{.RoleName}}-{{random 20}}', '{{uuid}}'),
    field('rootRotationStatements', 'root_rotation_statements', map, [], [`ALTER USER "{{name}}" PASSWORD '{{password}}'`]),
    field('pool.maxOpen', 'max_open_connections', plain('number', 4), 4, 1, 16),
    field('pool.maxIdle', 'max_idle_connections', plain('number', 0), 0, 2, -1),
    seconds('pool.maxLifetime', 'max_connection_lifetime', 600, 90_000),
  ],
  DatabaseRole: [
    word('connection', 'db_name', 'c0'),
    field('creationStatements', 'creation_statements', map, creation, [...creation, 'GRANT "a b" TO "{{name}}"']),
    field('revocationStatements', 'revocation_statements', map, [], ['DROP ROLE "{{name}}"'], ['SELECT 1;', 'SELECT $x$;$x$']),
    field('rollbackStatements', 'rollback_statements', map, [], ['DROP ROLE "{{name}}"']),
    field('renewStatements', 'renew_statements', map, [], [`ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'`]),
    seconds('defaultTtl', 'default_ttl', 600, 3600),
    seconds('maxTtl', 'max_ttl', 7200, 86_400),
    word('ownedObjects', 'owned_objects', 'keep', 'drop', 'reassign'),
    flag('terminateSessions', 'terminate_sessions', false),
  ],
  LeaseCountQuota: [field('maxLeases', 'max_leases', plain('number', 100), 100, 60, 5000)],
  AuditDevice: [text('description', 'description', 'kept for a year', 'kept for ever')],
};

/** The fields of an object by name, what is not set with its default. */
export type Values = Readonly<Record<string, Json>>;

export function withDefaults(type: Type, values: Values): Values {
  return Object.fromEntries(fieldsOf[type].map(({ name, unset }) => [name, values[name] ?? unset]));
}

/** A spec with a value at `match.tokenBoundCidrs`. */
export function withField(spec: JsonObject, name: string, value: Json): JsonObject {
  const [first = '', ...rest] = name.split('.');
  if (rest.length === 0) return { ...spec, [first]: value };
  return { ...spec, [first]: withField((spec[first] ?? {}) as JsonObject, rest.join('.'), value) };
}
