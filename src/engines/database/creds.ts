import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '../../base/json.ts';
import type { View } from '../../barrier/view.ts';
import type { Issue, IssuedLease, LeaseHandler } from '../../core/lease.ts';
import type { Background } from '../../core/mount-jobs.ts';
import type { Route, RouteContext } from '../../core/mount-type.ts';
import { badRequest, RequestError } from '../../protocol/request-error.ts';
import { allows, connectionNamed, checkMakesUsers, notAllowed, type Connection } from './connection-record.ts';
import { inSessionOf, nameNow, noteUse, noteUseEnded, waysTo } from './connection-use.ts';
import { checkStatements, fieldsOf, inSession, pluginOf } from './connection-session.ts';
import type { RevocationOptions, RevokedUser } from './plugins/plugin.ts';
import { isRefusal } from './plugins/statement-failure.ts';
import { leaseTimes, roleNamed, type DatabaseRole } from './role.ts';
import type { DatabaseSessions } from './sessions.ts';
import { checkRandomness, parseUsernameTemplate } from './username-template.ts';

/** What a lease of a user holds: all that it takes to remove that user, as it was when it was made. */
interface UserLease {
  readonly username: string;
  /** Where it is, where the plug-in says that. */
  readonly place?: string;
  readonly role: string;
  readonly connection: string;
  readonly uid: string;
  /** See DatabasePlugin.destination. Absent: nobody noted it. */
  readonly destination?: string;
  readonly revocation: readonly string[];
  readonly rollback: readonly string[];
  readonly options: RevocationOptions;
}

const kind = 'user';
/** The database forgets a user by itself so many milliseconds after its lease: what then fails is not us. */
const grace = 5000;

export function credsRoute(sessions: DatabaseSessions, background: Background | null): Route {
  return {
    path: 'creds/:name',
    summary: 'A user of a role, made for whoever asks.',
    operations: {
      read: {
        summary: 'Makes a user, and gives its name and password with a lease.',
        issue: (context) => issueUser(sessions, background, context),
        handle: () => Promise.reject(badRequest('it gives a lease, so it is asked for alone')),
      },
    },
  };
}

async function issueUser(sessions: DatabaseSessions, background: Background | null, context: RouteContext): Promise<Issue> {
  const name = context.params['name'] ?? '';
  const role = await roleNamed(context.storage, name);
  if (role === null) throw badRequest(`unknown role: ${name}`);
  const connection = await connectionNamed(context.storage, role.connection);
  if (connection === null) throw badRequest(`failed to find entry for connection with name: "${role.connection}"`);
  if (!allows(connection, name)) throw notAllowed(connection, name);
  checkMakesUsers(connection);
  // It may have been written before its connection.
  checkStatements(pluginOf(connection), role);
  const username = newUsername(connection, name, context);
  const password = await context.services.generatePassword(context, connection.passwordPolicy || null);
  const place = pluginOf(connection).placeOf?.(role);
  const lease: UserLease = {
    username,
    ...(place === undefined ? {} : { place }),
    role: name,
    connection: connection.name,
    uid: connection.uid,
    destination: pluginOf(connection).destination(fieldsOf(connection)),
    revocation: role.revocation,
    rollback: role.rollback,
    options: role.options,
  };
  return {
    lease: {
      kind,
      target: connection.uid,
      data: lease as unknown as JsonObject,
      ...leaseTimes(role, context.mount),
      renewable: true,
    },
    begun: (issued) => noteUse(context.storage, connection.uid, issued.id),
    make(_, expiresAt, signal) {
      const { creation, rollback } = role;
      const user = { name: username, password, expiration: expiresAt + grace, creation, rollback };
      // Its password may be another by now.
      const read = (storage: View): Promise<readonly Connection[]> => waysTo(storage, lease);
      return inSession(
        sessions,
        () => background?.read(context.mount.id, read) ?? Promise.resolve([connection]),
        (session) => session.create(user, signal),
      );
    },
    reply: { data: { username, password } },
  };
}

/** Throws RequestError 400 where the template makes a name that no user can have. */
function newUsername(connection: Connection, role: string, { caller, random, now }: RouteContext): string {
  const plugin = pluginOf(connection);
  const template = parseUsernameTemplate(connection.usernameTemplate || plugin.usernameTemplate);
  const parts = { DisplayName: caller?.displayName ?? '', RoleName: role };
  const name = template(parts, random, now);
  if (name === '' || name.length > plugin.longestUsername || /\p{Cc}/u.test(name) || !name.isWellFormed()) {
    throw badRequest(
      `username_template makes names that no user can have: they have 1 to ${plugin.longestUsername} printable characters`,
    );
  }
  checkRandomness(template, parts, now);
  return name;
}

/** Does its connection lead to the database in which its user was made? In another, that one is not there, and not removed. */
async function leadsThere(storage: View, { destination, ...lease }: UserLease): Promise<boolean> {
  const ways = destination === undefined ? [] : await waysTo(storage, lease);
  return ways.every((way) => pluginOf(way).destination(fieldsOf(way)) === destination);
}

function elsewhere({ username, connection }: UserLease): RequestError {
  return new RequestError(
    500,
    `the connection "${connection}" leads to another database than when the user was made, and there is no "${username}": ` +
      'remove it where it was made and end its lease with "lease revoke -prefix -force", or have the connection lead there again',
  );
}

/** How a user is removed. */
type Removal = Pick<RevokedUser, 'revocation' | 'options'>;

function removalBy(
  { revocation, rollback, options }: Pick<DatabaseRole, 'revocation' | 'rollback' | 'options'>,
  pending: boolean,
): Removal {
  return { revocation: pending && rollback.length > 0 ? rollback : revocation, options };
}

function bothRefused(role: string, own: RequestError, present: RequestError): RequestError {
  return new RequestError(
    present.status,
    `as the role "${role}" said when the user was made: ${own.message}; as it says now: ${present.message}`,
    { cause: own },
  );
}

/**
 * A user is removed as its role said when it was made. Where the database refuses that, it is as the role says now: so who
 * corrects the role has its users removed, too.
 */
export function userLeases(sessions: DatabaseSessions): LeaseHandler {
  const dataOf = ({ data }: IssuedLease): UserLease => data as unknown as UserLease;
  return {
    async revoke(lease, mount, signal) {
      const data = dataOf(lease);
      const { username: name, place } = data;
      const { pending } = lease;
      const end = async (removal: Removal): Promise<void> => {
        const user = { name, place, pending, ...removal };
        const wasThere = await inSessionOf(sessions, mount, data, (session) => session.revoke(user, signal));
        // Of what never was given out it may be that it was not made.
        if (!wasThere && !pending && !(await mount.read((storage) => leadsThere(storage, data)))) throw elsewhere(data);
      };
      const own = removalBy(data, pending);
      try {
        await end(own);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        const [role, connection] = await mount.read(async (storage) => [
          await roleNamed(storage, data.role),
          await nameNow(storage, data),
        ]);
        const present = role?.connection === connection ? removalBy(role, pending) : own;
        if (isDeepStrictEqual(present, own)) throw error;
        await end(present).catch((again: unknown) => {
          if (!isRefusal(again)) throw again;
          throw bothRefused(data.role, error as RequestError, again as RequestError);
        });
      }
    },
    place: (lease) => `connection "${dataOf(lease).connection}"`,
    describe(lease) {
      const { username, place, connection } = dataOf(lease);
      return `user "${username}"${place === undefined ? '' : ` in "${place}"`} of the connection "${connection}"`;
    },
    ended: (lease, storage) => noteUseEnded(storage, dataOf(lease).uid, lease.id),
    async renewal(lease, storage, mount) {
      const { role: name } = dataOf(lease);
      const role = await roleNamed(storage, name);
      if (role === null) throw badRequest(`error during renew: could not find role with name "${name}"`);
      return leaseTimes(role, mount);
    },
    async renew(lease, expiresAt, mount, signal) {
      const { username, role: name } = dataOf(lease);
      const role = await mount.read((storage) => roleNamed(storage, name));
      const user = { name: username, expiration: expiresAt + grace, renewal: role?.renewal ?? [] };
      await inSessionOf(sessions, mount, dataOf(lease), (session) => session.renew(user, signal));
    },
  };
}
