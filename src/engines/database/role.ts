import type { JsonObject } from '../../base/json.ts';
import { randomText } from '../../base/random.ts';
import type { View } from '../../barrier/view.ts';
import { listFolder } from '../../core/list-folder.ts';
import { systemLeaseTtl, type Mount, type Route, type RouteContext, type Verification } from '../../core/mount-type.ts';
import { readFields, type Fields } from '../../protocol/field.ts';
import { pageFields } from '../../protocol/page.ts';
import { noContent, type Reply } from '../../protocol/reply.ts';
import { badRequest, notFound } from '../../protocol/request-error.ts';
import { checkMakesUsers, connectionNamed } from './connection-record.ts';
import { checkStatements, pluginOf } from './connection-session.ts';
import { inTrial } from './trial-session.ts';
import type { RevocationOptions } from './plugins/plugin.ts';

/** What users are made for those who ask for this role. Below `role/<name>` of a mount's storage. */
export interface DatabaseRole {
  readonly connection: string;
  readonly creation: readonly string[];
  readonly revocation: readonly string[];
  readonly rollback: readonly string[];
  readonly renewal: readonly string[];
  /** Seconds; 0: as the mount has it. */
  readonly defaultTtl: number;
  readonly maxTtl: number;
  readonly options: RevocationOptions;
}

export const ownedObjects = ['keep', 'drop', 'reassign'] as const;

const fields = {
  db_name: { type: 'string', description: 'The connection.' },
  creation_statements: { type: 'texts', description: 'What makes a user: {{name}}, {{password}}, {{expiration}}.' },
  revocation_statements: { type: 'texts', description: 'What removes one, in place of the usual way.' },
  rollback_statements: { type: 'texts', description: 'What undoes the making of one that failed half way.' },
  renew_statements: { type: 'texts', description: 'What lets one live longer, in place of the usual way.' },
  default_ttl: { type: 'duration', description: 'How long a user lives unless its lease is renewed.' },
  max_ttl: { type: 'duration', description: 'And how long at most.' },
  credential_type: { type: 'string', description: 'How users prove who they are: `password`.' },
  credential_config: { type: 'stringMap', description: 'For a password: `password_policy`, in place of that of the connection.' },
  owned_objects: {
    type: 'string',
    description: 'What becomes of what a user owns: `keep` (it is not removed then), `drop` or `reassign`.',
  },
  reassign_to: { type: 'string', description: 'To whom it is given; the user of the connection unless told.' },
  terminate_sessions: { type: 'bool', description: 'End the sessions of a user that is removed.' },
} as const satisfies Fields;

export const roleRoutes: readonly Route[] = [
  {
    path: 'roles',
    summary: 'The roles of this mount.',
    operations: {
      list: {
        summary: 'Lists their names.',
        fields: pageFields,
        handle: (context) => listFolder(context, context.storage, 'role'),
      },
    },
  },
  {
    path: 'roles/:name',
    summary: 'A role: what users are made, and for how long.',
    exists: async (context) => (await roleNamed(context.storage, nameOf(context))) !== null,
    operations: {
      read: {
        summary: 'Reads it.',
        forPlans: true,
        handle: async (context) => {
          const role = await roleNamed(context.storage, nameOf(context));
          if (role === null) throw notFound();
          return { data: shown(role) };
        },
      },
      write: {
        summary: 'Makes or changes it; what is not sent stays as it is.',
        fields,
        configures: true,
        verify: { when: 'apply', see },
        holds: hasNameAlone,
        handle: write,
      },
      delete: {
        summary: 'Deletes it. Leases that stand live on until their time.',
        configures: true,
        handle: async (context) => {
          await context.storage.delete(`role/${nameOf(context)}`);
          return noContent;
        },
      },
    },
  },
];

const nameOf = (context: RouteContext): string => context.params['name'] ?? '';

/** Throws RequestError 400 where a role and a static role have one name. */
export async function hasNameAlone(context: RouteContext): Promise<void> {
  const paths = ['role', 'static-role'].map((folder) => `${folder}/${nameOf(context)}`);
  for (const path of paths) if ((await context.storage.get(path)) === null) return;
  throw badRequest('Role and Static Role names must be unique');
}

export async function roleNamed(storage: View, name: string): Promise<DatabaseRole | null> {
  return storage.getJson<DatabaseRole>(`role/${name}`);
}

/** How long a lease of a role lives, and at most, in seconds: what neither it nor the mount limits, the system does. */
export function leaseTimes(role: DatabaseRole, { config }: Mount): { readonly ttl: number; readonly maxTtl: number } {
  const most = config.maxLeaseTtl || systemLeaseTtl;
  const maxTtl = role.maxTtl === 0 ? most : Math.min(role.maxTtl, most);
  return { ttl: Math.min(role.defaultTtl || config.defaultLeaseTtl || systemLeaseTtl, maxTtl), maxTtl };
}

function shown(role: DatabaseRole): JsonObject {
  return {
    db_name: role.connection,
    creation_statements: role.creation,
    revocation_statements: role.revocation,
    rollback_statements: role.rollback,
    renew_statements: role.renewal,
    default_ttl: role.defaultTtl,
    max_ttl: role.maxTtl,
    credential_type: 'password',
    owned_objects: role.options.ownedObjects,
    reassign_to: role.options.reassignTo,
    terminate_sessions: role.options.terminateSessions,
  };
}

async function write(context: RouteContext): Promise<Reply> {
  const before = await roleNamed(context.storage, nameOf(context));
  const body = readFields(fields, context.data);
  const connection = body.db_name ?? before?.connection ?? '';
  if (connection === '') throw badRequest('database name is required');
  if (body.credential_type !== undefined && body.credential_type !== 'password') {
    throw badRequest(`credential_type is "${body.credential_type}"; only "password" is offered`);
  }
  const owned = body.owned_objects ?? before?.options.ownedObjects ?? 'keep';
  const known = ownedObjects.find((each) => each === owned);
  if (known === undefined) throw badRequest(`owned_objects is "${owned}", where one of ${ownedObjects.join(', ')} is wanted`);
  const role: DatabaseRole = {
    connection,
    creation: body.creation_statements ?? before?.creation ?? [],
    revocation: body.revocation_statements ?? before?.revocation ?? [],
    rollback: body.rollback_statements ?? before?.rollback ?? [],
    renewal: body.renew_statements ?? before?.renewal ?? [],
    defaultTtl: body.default_ttl ?? before?.defaultTtl ?? 0,
    maxTtl: body.max_ttl ?? before?.maxTtl ?? 0,
    options: {
      ownedObjects: known,
      reassignTo: body.reassign_to ?? before?.options.reassignTo ?? '',
      terminateSessions: body.terminate_sessions ?? before?.options.terminateSessions ?? false,
    },
  };
  if (role.defaultTtl < 0 || role.maxTtl < 0) throw badRequest('a TTL cannot be negative');
  if (role.maxTtl > 0 && role.defaultTtl > role.maxTtl) throw badRequest('default_ttl cannot be greater than max_ttl');
  const by = await connectionNamed(context.storage, connection);
  if (by !== null) checkStatements(pluginOf(by), role);
  await context.storage.putJson(`role/${nameOf(context)}`, role);
  return noContent;
}

/** Makes a user of the role, renews and removes it, and takes all of it back, where the database can do that. */
async function see(context: RouteContext): Promise<Verification | null> {
  const role = await roleNamed(context.storage, nameOf(context));
  if (role === null) return null;
  const connection = await connectionNamed(context.storage, role.connection);
  if (connection === null) throw badRequest(`there is no connection "${role.connection}" at ${context.mount.path}/config`);
  if (!connection.verify) return null;
  const user = {
    name: `secretctl-check-${randomText(context.random, 16)}`,
    password: randomText(context.random, 20),
    expiration: context.now + 60_000,
    creation: role.creation,
    rollback: role.rollback,
    renewal: role.renewal,
    revocation: role.revocation,
    options: role.options,
  };
  return async (signal, warn) => {
    checkMakesUsers(connection);
    pluginOf(connection).placeOf?.(role);
    await inTrial(connection, async (session) => {
      for (const text of await session.tryRole(user, signal)) warn(text);
    });
  };
}
