import { instantText } from '../../base/instant.ts';
import type { JsonObject } from '../../base/json.ts';
import { randomUuid } from '../../base/random.ts';
import type { View } from '../../barrier/view.ts';
import { listFolder } from '../../core/list-folder.ts';
import type { Background } from '../../core/mount-jobs.ts';
import type { Route, RouteContext, Verification } from '../../core/mount-type.ts';
import { SharedFailure } from '../../core/verification.ts';
import { readFields, type Fields } from '../../protocol/field.ts';
import { pageFields } from '../../protocol/page.ts';
import { noContent, type Reply } from '../../protocol/reply.ts';
import { badRequest, notFound } from '../../protocol/request-error.ts';
import { inTrial } from './trial-session.ts';
import { connectionNamed, putConnection, type Connection } from './connection-record.ts';
import { checkStatements, fieldsOf, pluginOf } from './connection-session.ts';
import { isUsed, retire } from './connection-use.ts';
import { toKeepPassword } from './password-loss.ts';
import { shownUrl } from './plugins/connection-url.ts';
import { databasePlugins } from './plugins/index.ts';
import { staticUsersOf } from './static-account.ts';
import { beginningOf, beginRotation, forgetRotation, rotationOf } from './rotation.ts';
import type { Subject } from './rotation-index.ts';
import type { DatabaseSessions } from './sessions.ts';
import { checkRandomness, parseUsernameTemplate } from './username-template.ts';

const sharedFields = {
  plugin_name: { type: 'string', description: `The kind of database: ${databasePlugins.map(({ name }) => name).join(', ')}.` },
  plugin_version: { type: 'string', description: 'Accepted for compatibility: every kind has one version here.' },
  verify_connection: {
    type: 'bool',
    description: 'Connect before it is written, and refuse what does not work. True unless told.',
  },
  allowed_roles: { type: 'strings', description: 'The roles that may use it, with `*` for any characters; none unless told.' },
  root_rotation_statements: {
    type: 'texts',
    description: 'How the password of its user is changed, in place of the usual way.',
  },
  password_policy: { type: 'string', description: 'The password policy by which passwords are made.' },
  connection_url: { type: 'string', description: 'Where it is, with {{username}} and {{password}} where these belong.' },
  username: { type: 'string', description: 'The user by whom others are made.' },
  password: { type: 'string', description: 'Its password. Nobody reads it back.' },
  keep_rotated: {
    type: 'bool',
    description: 'Keep a password that rotate-root has set, in place of the one that is sent: so documents never overwrite it.',
  },
  self_managed: {
    type: 'bool',
    description: 'It has no user of its own: the users of its static roles log in to change their own passwords.',
  },
  lose_password: {
    type: 'bool',
    description: 'Let a document have it deleted, or give it another user, although nobody else knows its password.',
  },
  username_template: { type: 'string', description: 'How the names of users are made.' },
  max_open_connections: { type: 'int', description: 'How many connections are open at most; 4 unless told.' },
  max_idle_connections: { type: 'int', description: 'How many stay open while nobody uses them; 0: all, negative: none.' },
  max_connection_lifetime: { type: 'duration', description: 'How long a connection is used at most; 0: without limit.' },
  disable_escaping: { type: 'bool', description: 'Accepted for compatibility: what is filled in is always escaped.' },
} as const satisfies Fields;

const deleteFields = {
  keep_rotated: {
    type: 'bool',
    description: 'Refuse to, where nobody else knows its password, unless it has lose_password: so no document loses one.',
    default: false,
  },
} as const satisfies Fields;

/** Where secret values stand in a body. */
const secretMembers = ['password', ...databasePlugins.flatMap(({ secretFields }) => secretFields)].map((name) => `/${name}`);

const fields: Fields = databasePlugins.reduce<Fields>((all, plugin) => ({ ...all, ...plugin.fields }), sharedFields);

/** `background` null: they are only described. */
export function connectionRoutes(sessions: DatabaseSessions, background: Background | null): readonly Route[] {
  return [
    {
      path: 'config',
      summary: 'The connections of this mount.',
      operations: {
        list: {
          summary: 'Lists their names.',
          fields: pageFields,
          handle: (context) => listFolder(context, context.storage, 'connection'),
        },
      },
    },
    {
      path: 'config/:name',
      summary: 'A connection: how a database is reached, and the roles that may use it.',
      exists: async (context) => (await connectionNamed(context.storage, nameOf(context))) !== null,
      operations: {
        read: {
          summary: 'Reads it, without its secrets.',
          forPlans: true,
          handle: async (context) => ({ data: shown(await existing(context)) }),
        },
        write: {
          summary: 'Makes or changes it; what is not sent stays as it is.',
          fields,
          configures: true,
          shown: ['plugin_name', 'username', 'allowed_roles'],
          valuesOf: { kind: 'DatabaseConnection', name: 'name', within: secretMembers },
          verify: { when: 'always', see },
          handle: write,
          // A password that somebody told may be what a rotation waits for.
          settle(_, reply) {
            background?.wake();
            return Promise.resolve(reply);
          },
        },
        delete: {
          summary: 'Deletes it. Leases that stand are ended with it all the same.',
          fields: deleteFields,
          configures: true,
          handle: remove,
        },
      },
    },
    {
      path: 'config/:name/leases',
      summary: 'The leases of users that were made by a connection.',
      operations: {
        read: {
          summary: 'Counts them and its static roles, to ten thousand at most, and says whether nobody else knows its password.',
          forPlans: true,
          handle: async (context) => {
            const connection = await existing(context);
            const count = async (folder: string): Promise<number> =>
              (await context.storage.scan(folder, { limit: 10_000 })).length;
            const leases = await count(`used-by/${connection.uid}/`);
            const staticRoles = await count(staticUsersOf(connection.name));
            return {
              data: { leases, static_roles: staticRoles, secret_password: await secretPassword(context.storage, connection) },
            };
          },
        },
      },
    },
    {
      path: 'reset/:name',
      summary: 'The connections that are open.',
      operations: {
        write: {
          summary: 'Closes them, so that the next use makes new ones.',
          prepare: async (context) => {
            const { uid } = await existing(context);
            return () => Promise.resolve(sessions.reset(uid));
          },
          handle: () => Promise.resolve(noContent),
        },
      },
    },
  ];
}

const nameOf = (context: RouteContext): string => context.params['name'] ?? '';

async function existing(context: RouteContext): Promise<Connection> {
  const connection = await connectionNamed(context.storage, nameOf(context));
  if (connection === null) throw notFound();
  return connection;
}

function shown(connection: Connection): JsonObject {
  const { secretFields } = pluginOf(connection);
  const details = Object.entries(connection.details).filter(([name]) => !secretFields.includes(name));
  return {
    plugin_name: connection.plugin,
    plugin_version: '',
    allowed_roles: connection.allowedRoles,
    connection_details: {
      ...Object.fromEntries(details),
      connection_url: shownUrl(connection.url),
      username: connection.username,
      ...(connection.usernameTemplate === '' ? {} : { username_template: connection.usernameTemplate }),
      max_open_connections: connection.maxOpen,
      max_idle_connections: connection.maxIdle,
      max_connection_lifetime: `${connection.maxLifetime}s`,
    },
    password_policy: connection.passwordPolicy,
    root_credentials_rotate_statements: connection.rootRotation,
    verify_connection: connection.verify,
    ...(connection.selfManaged === true ? { self_managed: true } : {}),
    ...(connection.losePassword === true ? { lose_password: true } : {}),
  };
}

/** What a connection becomes by what was sent. Throws RequestError 400 for what none can be. */
function changed(before: Connection | null, context: RouteContext): Connection {
  const body = readFields(sharedFields, context.data);
  const plugin = pluginOf({ plugin: body.plugin_name ?? before?.plugin ?? '' });
  if (before !== null && before.plugin !== plugin.name) {
    throw badRequest(`"${before.name}" is a connection of ${before.plugin}, which cannot become another: delete it first`);
  }
  const username = body.username ?? before?.username ?? '';
  const kept = body.keep_rotated === true && before !== null && before.rotatedAt !== null && before.username === username;
  const sent = Object.entries(readFields(plugin.fields, context.data)).filter(([name]) => context.data[name] !== undefined);
  const connection: Connection = {
    uid: before?.uid ?? randomUuid(context.random),
    version: randomUuid(context.random),
    name: nameOf(context),
    plugin: plugin.name,
    url: body.connection_url ?? before?.url ?? '',
    username,
    password: kept ? before.password : (body.password ?? before?.password ?? ''),
    rotatedAt: kept || body.password === undefined ? (before?.rotatedAt ?? null) : null,
    details: { ...before?.details, ...(Object.fromEntries(sent) as JsonObject) },
    allowedRoles: body.allowed_roles ?? before?.allowedRoles ?? [],
    rootRotation: body.root_rotation_statements ?? before?.rootRotation ?? [],
    passwordPolicy: body.password_policy ?? before?.passwordPolicy ?? '',
    usernameTemplate: body.username_template ?? before?.usernameTemplate ?? '',
    maxOpen: body.max_open_connections ?? before?.maxOpen ?? 4,
    maxIdle: body.max_idle_connections ?? before?.maxIdle ?? 0,
    maxLifetime: body.max_connection_lifetime ?? before?.maxLifetime ?? 0,
    verify: body.verify_connection ?? before?.verify ?? true,
    selfManaged: body.self_managed ?? before?.selfManaged ?? false,
    losePassword: body.lose_password ?? before?.losePassword ?? false,
  };
  if (connection.url === '') throw badRequest('connection_url is missing');
  if (connection.maxOpen < 1 || connection.maxOpen > 256) throw badRequest('max_open_connections must be from 1 to 256');
  if (connection.maxLifetime < 0) throw badRequest('max_connection_lifetime cannot be negative');
  if (connection.usernameTemplate !== '') {
    checkRandomness(parseUsernameTemplate(connection.usernameTemplate), { DisplayName: '', RoleName: '' }, context.now);
  }
  plugin.check(fieldsOf(connection));
  checkStatements(plugin, { rootRotation: connection.rootRotation });
  return connection;
}

/** Connects with what is planned: what does not work is not written. */
async function see(context: RouteContext): Promise<Verification | null> {
  const planned = await existing(context);
  if (!planned.verify || planned.selfManaged === true) return null;
  return async (signal) => {
    const says = (reason: string): string => `error creating database object: error verifying connection: ${reason}`;
    try {
      await inTrial(planned, (session) => session.verify(signal), { isOwn: true, says });
    } catch (error) {
      throw error instanceof SharedFailure ? error : badRequest(says((error as Error).message));
    }
  };
}

async function write(context: RouteContext): Promise<Reply> {
  const { storage } = context;
  const before = await connectionNamed(storage, nameOf(context));
  const connection = changed(before, context);
  const { name, username, password, passwordPolicy: policy } = connection;
  const subject: Subject = { kind: 'root', name };
  const rotation = await rotationOf(storage, subject);
  if (rotation !== null) {
    if (rotation.username !== username) {
      throw badRequest(
        `the password of "${rotation.username}" is being changed, see rotations: wait for that before you name another user`,
      );
    }
    // Whoever tells the password that holds wants what is under way to go on.
    const wanted = { subject, connection: name, username, policy, waitsAt: null, until: null };
    if (password !== before?.password) await beginRotation(beginningOf(context), wanted);
  }
  // With another user it has another password, whatever was sent.
  if (readFields(sharedFields, context.data).keep_rotated === true && before !== null && before.username !== username)
    await keepPassword(storage, before);
  await putConnection(storage, connection);
  const warnings: string[] = [];
  if (shownUrl(connection.url) !== connection.url) {
    warnings.push('connection_url holds a password: put {{username}} and {{password}} there, so that it can be rotated');
  }
  if (rotation !== null && context.data['password'] !== undefined && context.data['password'] === password) {
    warnings.push(
      `the password of "${username}" is being changed since ${instantText(rotation.begunAt)}, and that goes on from the one that was sent: nobody but the store will know the new one`,
    );
  }
  if (connection.rotatedAt !== null && context.data['password'] !== undefined && context.data['password'] !== password) {
    warnings.push(`the password of "${name}" was rotated, so the one that was sent is not used`);
  }
  return warnings.length === 0 ? noContent : { warnings };
}

async function remove(context: RouteContext): Promise<Reply> {
  const { storage } = context;
  const connection = await connectionNamed(storage, nameOf(context));
  if (connection === null) return noContent;
  if (readFields(deleteFields, context.data).keep_rotated) await keepPassword(storage, connection);
  const subject: Subject = { kind: 'root', name: connection.name };
  const rotation = await rotationOf(storage, subject);
  if (rotation !== null) {
    if (await isUsed(storage, connection.uid)) {
      throw badRequest(
        `the password of "${rotation.username}" is being changed, see rotations, and leases need it to be ended: wait for that, or revoke them first`,
      );
    }
    await forgetRotation(storage, subject, rotation);
  }
  await retire(storage, connection);
  return noContent;
}

/** Whose password nobody but us knows, since when (null: it is being changed) and whether it may be lost; null: somebody does. */
async function secretPassword(storage: View, connection: Connection): Promise<JsonObject | null> {
  const { name, username, rotatedAt, losePassword: losable = false } = connection;
  if (rotatedAt === null && (await rotationOf(storage, { kind: 'root', name })) === null) return null;
  return { username, since: rotatedAt === null ? null : instantText(rotatedAt), losable };
}

/** Throws RequestError 400 where the only copy of a password would be lost, and nobody has said that it may be. */
async function keepPassword(storage: View, connection: Connection): Promise<void> {
  const secret = await secretPassword(storage, connection);
  if (secret === null || secret['losable'] === true) return;
  throw badRequest(
    `nobody but this store knows the password of "${connection.username}", which was rotated, and it would be lost: ${toKeepPassword}`,
  );
}
