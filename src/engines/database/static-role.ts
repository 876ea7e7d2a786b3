import { instantText } from '../../base/instant.ts';
import type { JsonObject } from '../../base/json.ts';
import { randomText } from '../../base/random.ts';
import type { View } from '../../barrier/view.ts';
import { listFolder } from '../../core/list-folder.ts';
import type { Background } from '../../core/mount-jobs.ts';
import type { Route, RouteContext, Verification } from '../../core/mount-type.ts';
import { SharedFailure } from '../../core/verification.ts';
import { readFields, type Body, type Fields } from '../../protocol/field.ts';
import { pageFields } from '../../protocol/page.ts';
import { noContent, type Reply } from '../../protocol/reply.ts';
import { badRequest, notFound, RequestError } from '../../protocol/request-error.ts';
import { allows, connectionNamed, notAllowed, type Connection } from './connection-record.ts';
import { checkStatements, pluginOf } from './connection-session.ts';
import { hasNameAlone } from './role.ts';
import { inTrial } from './trial-session.ts';
import type { DatabaseSession } from './plugins/plugin.ts';
import { beginningOf, forgetRotation, rotationOf, shownRotation } from './rotation.ts';
import { forgetDue, noteDue } from './rotation-index.ts';
import { rotationEnd, stillUnderWay } from './rotation-end.ts';
import { changedTimes, nextRotation, rotationTimesFields, shownTimes } from './rotation-times.ts';
import {
  beginRoleRotation,
  claimUser,
  forgetStaticRole,
  hasUserAlone,
  putStaticCredential,
  putStaticRole,
  staticCredentialOf,
  staticRoleNamed,
  subjectOf,
  type StaticRole,
} from './static-account.ts';

const fields = {
  db_name: { type: 'string', description: 'The connection.' },
  username: { type: 'string', description: 'The user, who exists. It cannot be changed.' },
  ...rotationTimesFields,
  rotation_statements: {
    type: 'texts',
    description: 'What sets a password, in place of the usual way: {{name}}, {{password}}.',
  },
  skip_import_rotation: {
    type: 'bool',
    description: 'Leave the password as it is until the first time that is due. False unless told: it is changed at once.',
  },
  self_managed: {
    type: 'bool',
    description: 'The user logs in to change its own password, of which the present one must be sent.',
  },
  password: { type: 'string', description: 'The present password of the user. Nobody reads it back here.' },
  self_managed_password: { type: 'string', description: 'The same, of a self-managed user.' },
  credential_type: { type: 'string', description: 'How the user proves who it is: `password`.' },
  credential_config: { type: 'stringMap', description: 'For a password: `password_policy`, in place of that of the connection.' },
} as const satisfies Fields;

/** `background` null: they are only described. */
export function staticRoleRoutes(background: Background | null): readonly Route[] {
  return [
    {
      path: 'static-roles',
      summary: 'The static roles of this mount.',
      operations: {
        list: {
          summary: 'Lists their names.',
          fields: pageFields,
          handle: (context) => listFolder(context, context.storage, 'static-role'),
        },
      },
    },
    {
      path: 'static-roles/:name',
      summary: 'A static role: a user that exists, and when its password is changed.',
      exists: async (context) => (await staticRoleNamed(context.storage, nameOf(context))) !== null,
      operations: {
        read: {
          summary: 'Reads it, and how its rotation stands.',
          handle: async (context) => ({ data: { ...shown(await existing(context)), ...(await shownState(context)) } }),
        },
        write: {
          summary: 'Makes or changes it; what is not sent stays as it is.',
          fields,
          configures: true,
          shown: ['db_name', 'username'],
          valuesOf: { kind: 'DatabaseStaticRole', name: 'name', within: ['/password', '/self_managed_password'] },
          verify: { when: 'always', see },
          async holds(context) {
            await hasNameAlone(context);
            await hasUserAlone(context.storage, nameOf(context));
          },
          handle: write,
          settle: (context, reply) => settled(background, context, reply),
        },
        delete: {
          summary: 'Deletes it. The user stays, with the password that it has.',
          configures: true,
          handle: remove,
        },
      },
    },
    {
      path: 'static-roles/:name/config',
      summary: 'What is configured of a static role.',
      operations: {
        read: {
          summary: 'Reads it, without what rotations change.',
          forPlans: true,
          handle: async (context) => ({ data: shown(await existing(context)) }),
        },
      },
    },
  ];
}

/** The longest name of a user that a key of the store can hold, whatever its characters. */
const longestName = 128;

const nameOf = (context: RouteContext): string => context.params['name'] ?? '';

async function existing(context: RouteContext): Promise<StaticRole> {
  const role = await staticRoleNamed(context.storage, nameOf(context));
  if (role === null) throw notFound();
  return role;
}

function shown(role: StaticRole): JsonObject {
  return {
    db_name: role.connection,
    username: role.username,
    ...shownTimes(role.times),
    rotation_statements: role.rotation,
    skip_import_rotation: role.skipImport,
    self_managed: role.selfManaged,
    credential_type: 'password',
    ...(role.passwordPolicy === '' ? {} : { credential_config: { password_policy: role.passwordPolicy } }),
  };
}

async function shownState(context: RouteContext): Promise<JsonObject> {
  const credential = await staticCredentialOf(context.storage, nameOf(context));
  const rotation = await rotationOf(context.storage, subjectOf(nameOf(context)));
  const { rotatedAt = null, next = 0, error = null } = credential ?? {};
  return {
    ...(rotatedAt === null ? {} : { last_vault_rotation: instantText(rotatedAt) }),
    next_vault_rotation: instantText(next),
    rotation: shownRotation(rotation, error),
  };
}

async function write(context: RouteContext): Promise<Reply> {
  const { storage, now } = context;
  const name = nameOf(context);
  const before = await staticRoleNamed(storage, name);
  const body = readFields(fields, context.data);
  const wanted = changed(before, body);
  const connection = await connectionFor(storage, wanted, name);
  const role = connection.selfManaged === true ? { ...wanted, selfManaged: true } : wanted;
  checkStatements(pluginOf(connection), { rotation: role.rotation });
  const rotation = await rotationOf(storage, subjectOf(name));
  if (rotation !== null && rotation.connection !== role.connection) {
    throw badRequest(`the password of "${role.username}" is being changed by connection "${rotation.connection}": wait for that`);
  }
  const told = body.self_managed_password ?? body.password;
  const credential = await staticCredentialOf(storage, name);
  const password = told ?? credential?.password ?? null;
  if (role.selfManaged && password === null) {
    throw badRequest(`"${role.username}" changes its own password, so its present one must be sent as \`password\``);
  }
  await claimUser(storage, before, role, name);
  await putStaticRole(storage, name, role);

  const { rotatedAt = null } = credential ?? {};
  const next = nextRotation(role.times, 'period' in role.times ? (rotatedAt ?? now) : now);
  await putStaticCredential(storage, name, { password, rotatedAt, next, error: null });
  // Somebody who corrects a role wants to see it work; who makes one, that its password is nobody else's any more. In another
  // database its user has another password.
  const isElsewhere = before !== null && before.connection !== role.connection;
  const atOnce = rotation !== null || isElsewhere || (before === null && !role.skipImport);
  if (rotation === null && before !== null && credential !== null) {
    await forgetDue(storage, before.connection, credential.next, subjectOf(name));
  }
  if (!atOnce) {
    await noteDue(storage, role.connection, next, subjectOf(name));
    return noContent;
  }
  await beginRoleRotation(beginningOf(context), name, role, connection, { waitsAt: null, until: null });
  const what = `change the password of "${role.username}"`;
  return { ...noContent, outside: [{ what, mount: context.mount.id, key: `role/${name}` }] };
}

/**
 * Is the database there, and the user in it, can its password be set, and does it let one in whose present password is
 * told?
 */
async function see(context: RouteContext): Promise<Verification | null> {
  const { storage } = context;
  const { connection: from, username, selfManaged, skipImport, rotation: statements, passwordPolicy } = await existing(context);
  const connection = await connectionNamed(storage, from);
  const { password, self_managed_password: own } = readFields(fields, context.data);
  const told = own ?? password;
  if (connection?.verify !== true) return null;
  const rotation = await rotationOf(storage, subjectOf(nameOf(context)));
  // Nobody has told us the password with which it logs in now.
  if (told === undefined && selfManaged) return null;
  const credential = await staticCredentialOf(storage, nameOf(context));
  const isNew = told !== undefined || rotation?.begunAt === context.now || (skipImport && credential?.rotatedAt === null);
  const user = {
    name: username,
    password: await passwordToTry(context, passwordPolicy || connection.passwordPolicy),
    rotation: statements,
  };
  const login = selfManaged ? { login: { username, password: told ?? '' } } : {};
  return async (signal) => {
    const work = async (session: DatabaseSession): Promise<void> => {
      if (told !== undefined && !(await session.letsIn(username, told, signal))) {
        throw badRequest(`password: the database does not let "${username}" in with the password that was sent`);
      }
      await session.tryPassword(user, signal);
    };
    try {
      await inTrial(connection, work, login);
    } catch (error) {
      // A role that is there may be changed while its database is down.
      if (isNew || !(error instanceof SharedFailure)) throw error;
    }
  };
}

/** One that the database would take. A policy that is not there any more is for the rotation to tell. */
async function passwordToTry(context: RouteContext, policy: string): Promise<string> {
  try {
    return await context.services.generatePassword(context, policy || null);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return randomText(context.random, 20);
  }
}

/** Waits for what the write has begun. */
async function settled(background: Background | null, context: RouteContext, reply: Reply): Promise<Reply> {
  const end = await rotationEnd(background, context.mount.id, subjectOf(nameOf(context)));
  if (end === 'changed') return reply;
  if (end === 'waiting') return stillUnderWay;
  throw new RequestError(
    500,
    `the static role "${nameOf(context)}" is written, but its password could not be changed yet: ${end.problem}. It is tried again in the background; correct the role, or delete it`,
  );
}

/** What a role becomes by what was sent. Throws RequestError 400 for what none can be. */
function changed(before: StaticRole | null, body: Body<typeof fields>): StaticRole {
  const connection = body.db_name ?? before?.connection ?? '';
  if (connection === '') throw badRequest('database name is a required field');
  const username = body.username ?? before?.username ?? '';
  if (username === '') throw badRequest('username is a required field to create a static account');
  if (before !== null && username !== before.username) throw badRequest('cannot update static account username');
  if (username.length > longestName || /\p{Cc}/u.test(username) || !username.isWellFormed()) {
    throw badRequest(`a username has at most ${longestName} printable characters`);
  }
  if (body.credential_type !== undefined && body.credential_type !== 'password') {
    throw badRequest(`credential_type is "${body.credential_type}"; only "password" is offered`);
  }
  const config = body.credential_config;
  const foreign = Object.keys(config ?? {}).find((name) => name !== 'password_policy');
  if (foreign !== undefined) throw badRequest(`credential_config has no "${foreign}": for a password it has password_policy`);
  return {
    connection,
    username,
    times: changedTimes(before?.times ?? null, body),
    rotation: body.rotation_statements ?? before?.rotation ?? [],
    passwordPolicy: config === undefined ? (before?.passwordPolicy ?? '') : (config['password_policy'] ?? ''),
    selfManaged: body.self_managed ?? (body.self_managed_password === undefined ? (before?.selfManaged ?? false) : true),
    skipImport: body.skip_import_rotation ?? before?.skipImport ?? false,
  };
}

/** The connection of a role. Throws RequestError 400 where there is none that it may use. */
async function connectionFor(storage: View, role: StaticRole, name: string): Promise<Connection> {
  const connection = await connectionNamed(storage, role.connection);
  if (connection === null) throw badRequest(`failed to find entry for connection with name: "${role.connection}"`);
  if (!allows(connection, name)) throw notAllowed(connection, name);
  if (connection.username === role.username) {
    throw badRequest(
      `"${role.username}" is the user of the connection "${role.connection}": its password is changed at rotate-root/${role.connection}`,
    );
  }
  if ((role.selfManaged || connection.selfManaged === true) && !/\{\{\s*username\s*\}\}/.test(connection.url)) {
    throw badRequest(
      `the connection_url of "${role.connection}" names a user, where {{username}} is wanted for users who log in`,
    );
  }
  return connection;
}

async function remove(context: RouteContext): Promise<Reply> {
  const { storage } = context;
  const name = nameOf(context);
  const role = await staticRoleNamed(storage, name);
  if (role === null) return noContent;
  const credential = await staticCredentialOf(storage, name);
  const rotation = await rotationOf(storage, subjectOf(name));
  if (rotation !== null) await forgetRotation(storage, subjectOf(name), rotation);
  else if (credential !== null) await forgetDue(storage, role.connection, credential.next, subjectOf(name));
  await forgetStaticRole(storage, name, role);
  return noContent;
}
