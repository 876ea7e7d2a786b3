import type { Json } from '../../base/json.ts';
import { durationForm, type MappedField, mappedProperties, plainForm, setForm } from '../../kinds/field-map.ts';
import type { SpecSchema } from '../../kinds/kind.ts';
import { valueSourceSchema } from '../../kinds/value-source.ts';
import type { Field } from '../../protocol/field.ts';
import { databasePlugins } from './plugins/index.ts';
import type { DatabasePlugin } from './plugins/plugin.ts';
import { durationField, plainField, statementsField } from './spec-fields.ts';

// The fields of a DatabaseConnection: those that every connection has, and those that the plug-ins bring.

const shared: readonly MappedField[] = [
  {
    at: ['plugin'],
    member: 'plugin_name',
    form: { normal: (value) => (typeof value === 'string' ? shortName(value) : null), wanted: 'a kind of database' },
    schema: { type: 'string', enum: databasePlugins.map(({ name }) => shortName(name)), description: 'The kind of database.' },
  },
  plainField(['connectionUrl'], 'connection_url', {
    type: 'string',
    minLength: 1,
    maxLength: 2048,
    examples: ['postgresql://{{username}}:{{password}}@db.example.com:5432/app'],
    description: 'Where it is, with {{username}} and {{password}} where these belong.',
    'x-hidden': true,
  }),
  plainField(['username'], 'username', {
    type: 'string',
    default: '',
    maxLength: 256,
    description: 'The user by whom others are made.',
  }),
  {
    at: ['allowedRoles'],
    member: 'allowed_roles',
    form: setForm,
    schema: {
      type: 'array',
      uniqueItems: true,
      default: [],
      items: { type: 'string', pattern: '^[A-Za-z0-9._@*-]{1,128}$', description: 'The name of a role, or a pattern of names.' },
      description: 'The roles that may use it; in patterns `*` stands for any characters.',
    },
  },
  plainField(['usernameTemplate'], 'username_template', {
    type: 'string',
    default: '',
    maxLength: 1024,
    description: 'How the names of users are made; empty: as is usual for the kind of database.',
  }),
  plainField(['passwordPolicy'], 'password_policy', {
    type: 'string',
    default: '',
    description: 'The PasswordPolicy by which passwords are made; empty: 20 letters, digits and hyphens.',
    'x-reference': 'PasswordPolicy',
  }),
  statementsField(
    'rootRotationStatements',
    'root_rotation_statements',
    'How the password of its user is changed, in place of the usual way.',
  ),
  plainField(['pool', 'maxOpen'], 'max_open_connections', {
    type: 'integer',
    minimum: 1,
    maximum: 256,
    default: 4,
    description: 'How many connections are open at most.',
  }),
  plainField(['pool', 'maxIdle'], 'max_idle_connections', {
    type: 'integer',
    minimum: -1,
    maximum: 256,
    default: 0,
    description: 'How many stay open while nobody uses them; 0: all, -1: none.',
  }),
  durationField(
    ['pool', 'maxLifetime'],
    'max_connection_lifetime',
    'How long a connection is used at most; `0s`: without limit.',
  ),
  plainField(['selfManaged'], 'self_managed', {
    type: 'boolean',
    default: false,
    description:
      'It has no user of its own: those of its static roles, which say `selfManaged` too, log in to change their own passwords.',
  }),
  plainField(['losePassword'], 'lose_password', {
    type: 'boolean',
    default: false,
    description:
      'Let the connection be deleted or replaced, or have another user, although its password was rotated, so that nobody else knows it: it is lost then. To be applied before, as a change of its own.',
  }),
  plainField(['verify'], 'verify_connection', {
    type: 'boolean',
    default: true,
    description: 'Before an apply commits, connect with what is planned, and try the statements of the roles that use it.',
  }),
];

/** A secret field, and which member of the API's body it is. */
export interface SecretField {
  readonly at: MappedField['at'];
  readonly member: string;
  readonly description: string;
}

const password: SecretField = {
  at: ['password'],
  member: 'password',
  description:
    'The first password of its user, written again only when its source changes, and never over one that was rotated: rotate it right after the first apply, and nobody knows it.',
};

/** The fields of the documents of one kind of database. */
interface Lens {
  readonly fields: readonly MappedField[];
  readonly secrets: readonly SecretField[];
}

const common: Lens = { fields: shared, secrets: [password] };
export const allLenses: ReadonlyMap<string, Lens> = new Map(
  databasePlugins.map((plugin) => [shortName(plugin.name), lensOf(plugin)]),
);

const groups = {
  tls: 'How the connection is encrypted, and who proves what to whom.',
  pool: 'The connections that are kept open.',
};

/** `postgresql`, for `postgresql-database-plugin`. */
export function shortName(plugin: string): string {
  return plugin.replace(/-database-plugin$/, '');
}

/** The plug-in that the documents call so; null: there is none. */
export function databasePlugin(short: Json | undefined): DatabasePlugin | null {
  return databasePlugins.find(({ name }) => shortName(name) === short) ?? null;
}

/** Of an unknown kind of database: what every connection has. */
export function lensFor(plugin: Json | undefined): Lens {
  return allLenses.get(String(plugin)) ?? common;
}

/** What every connection has, and what those of this kind of database have besides. */
function lensOf({ fields, secretFields }: DatabasePlugin): Lens {
  const all = Object.entries(fields).map(([member, field]) => ({ member, field, at: placeOf(member) }));
  return {
    fields: [
      ...shared,
      ...all.filter(({ member }) => !secretFields.includes(member)).map(({ member, field, at }) => mapped(at, member, field)),
    ],
    secrets: [
      password,
      ...all
        .filter(({ member }) => secretFields.includes(member))
        .map(({ member, field, at }) => ({ at, member, description: field.description })),
    ],
  };
}

/** Where a field of a plug-in stands in a spec: `tls_ca` is `tls.ca`, `auth_source` is `authSource`. */
function placeOf(member: string): MappedField['at'] {
  const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  if (member === 'private_key') return ['tls', 'privateKey'];
  return member.startsWith('tls_') ? ['tls', camel(member.slice('tls_'.length))] : [camel(member)];
}

function mapped(at: MappedField['at'], member: string, { type, description, default: preset }: Field): MappedField {
  const schemas: Partial<Record<Field['type'], SpecSchema>> = {
    string: { type: 'string', default: preset ?? '' },
    bool: { type: 'boolean', default: preset ?? false },
    int: { type: 'integer', default: preset ?? 0 },
    duration: { type: 'string', format: 'duration', default: preset ?? '0s' },
    strings: { type: 'array', items: { type: 'string', description: 'One of them.' }, default: preset ?? [] },
  };
  const schema = schemas[type];
  if (schema === undefined) throw new TypeError(`no document can have a field of type ${type}`);
  return { at, member, form: type === 'duration' ? durationForm : plainForm, schema: { ...schema, description } };
}

/** A field that only some kinds of database have: which of them, by what it is said to be there. */
interface Particular {
  readonly at: MappedField['at'];
  readonly schema: SpecSchema;
  readonly plugins: Map<string, string[]>;
}

/** The fields of all kinds of database in one schema; which of them one has is for `check` to say. */
export function connectionProperties(): Readonly<Record<string, SpecSchema>> {
  const all: Record<string, SpecSchema> = { ...mappedProperties(shared, groups), password: secretSchema(password) };
  for (const { at, schema, plugins } of particulars()) {
    const description = [...plugins].map(([text, names]) => `${text} (${names.join(', ')})`).join(' ');
    const [name, inner] = at;
    if (inner === undefined) all[name] = { ...schema, description };
    else {
      const group: SpecSchema = all[name] ?? {
        type: 'object',
        default: {},
        additionalProperties: false,
        description: groups[name as keyof typeof groups],
      };
      all[name] = { ...group, properties: { ...group.properties, [inner]: { ...schema, description } } };
    }
  }
  return all;
}

function particulars(): Iterable<Particular> {
  const found = new Map<string, Particular>();
  for (const [plugin, { fields, secrets }] of allLenses) {
    const own = [
      ...fields.filter(({ at }) => !shared.some((field) => field.at === at)),
      ...secrets.filter((secret) => secret !== password).map((secret) => ({ at: secret.at, schema: secretSchema(secret) })),
    ];
    for (const { at, schema } of own) {
      const place = at.join('.');
      const known = found.get(place) ?? { at, schema, plugins: new Map<string, string[]>() };
      const { description = '' } = schema;
      known.plugins.set(description, [...(known.plugins.get(description) ?? []), plugin]);
      found.set(place, known);
    }
  }
  return found.values();
}

function secretSchema({ description }: SecretField): SpecSchema {
  return valueSourceSchema(description);
}

/** `postgresql-database-plugin`, for `postgresql`. */
export function fullName(short: string): string {
  return databasePlugins.find(({ name }) => shortName(name) === short)?.name ?? short;
}
