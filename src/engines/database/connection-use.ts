import type { View } from '../../barrier/view.ts';
import { TargetUnavailable, type MountAccess } from '../../core/lease.ts';
import type { RequestError } from '../../protocol/request-error.ts';
import { badRequest } from '../../protocol/request-error.ts';
import { connectionNamed, type Connection } from './connection-record.ts';
import { fieldsOf, inSession, pluginOf, waysIn } from './connection-session.ts';
import { LoginRefused, type DatabaseSession } from './plugins/plugin.ts';
import type { DatabaseSessions } from './sessions.ts';

/** The connection on which a lease hangs. */
interface Used {
  readonly connection: string;
  readonly uid: string;
}

/** What there is of it. */
interface Found {
  /** The one that has its name now; null: none. */
  readonly present: Connection | null;
  /** As it was when it was deleted; null: it is `present`. */
  readonly retired: Connection | null;
}

/** The name that it has, or had last: leases know the one of their time. */
export async function nameNow(storage: View, { connection, uid }: Used): Promise<string> {
  return (await storage.getJson<{ readonly name: string }>(renamedPath(uid)))?.name ?? connection;
}

/** Throws RequestError 400 where nothing is left of it. */
async function connectionOf(storage: View, used: Used): Promise<Found> {
  const { uid } = used;
  const name = await nameNow(storage, used);
  const present = await connectionNamed(storage, name);
  if (present?.uid === uid) return { present, retired: null };
  const retired = await storage.getJson<Connection>(`retired/${uid}`);
  if (retired === null) throw badRequest(`the connection "${name}" is gone`);
  return { present, retired };
}

/**
 * Does a connection lead to the database of another, with a user of its own? In any other database a user of that one is
 * not there, which would count as removed.
 */
function servesFor(present: Connection, retired: Connection): boolean {
  const plugin = pluginOf(retired);
  if (present.selfManaged === true || pluginOf(present) !== plugin) return false;
  return plugin.destination(fieldsOf(present)) === plugin.destination(fieldsOf(retired));
}

/**
 * The ways into the database of a lease, as `waysIn` gives them. For a deleted connection, the one that was declared since
 * under its name serves first, where it leads to the same database: what somebody does about a password that holds no more
 * is done to that one. Throws as `connectionOf`.
 */
export async function waysTo(storage: View, used: Used): Promise<readonly Connection[]> {
  const { present, retired } = await connectionOf(storage, used);
  const live = present !== null && (retired === null || servesFor(present, retired)) ? await waysIn(storage, present) : [];
  return retired === null ? live : [...live, retired];
}

/** Works in the database of a lease, as `inSession` does; what fails because its connection is gone says what to do. */
export async function inSessionOf<T>(
  sessions: DatabaseSessions,
  mount: MountAccess,
  used: Used,
  work: (session: DatabaseSession) => Promise<T>,
): Promise<T> {
  try {
    return await inSession(sessions, () => mount.read((storage) => waysTo(storage, used)), work);
  } catch (error) {
    if (!(error instanceof LoginRefused || error instanceof TargetUnavailable)) throw error;
    const found = await mount.read((storage) => connectionOf(storage, used));
    const advice = adviceOn(error, found, mount.deleting === true);
    if (advice === null) throw error;
    const Kind = error instanceof LoginRefused ? LoginRefused : TargetUnavailable;
    throw new Kind(error.status, `${advice} (${error.message})`, { cause: error });
  }
}

const byForce = 'end its leases with "lease revoke -prefix -force", which leaves their users in the database';

/** What a person can do who has deleted more than can be done without; null: nothing is deleted. */
function adviceOn(error: RequestError, { present, retired }: Found, deleting: boolean): string | null {
  if (!deleting && retired === null) return null;
  const of = `the connection "${(retired ?? present)?.name ?? ''}"`;
  const elsewhere = retired !== null && present !== null && !servesFor(present, retired);
  const another = elsewhere ? '; the one that has its name now leads to another database, so it is not used' : '';
  if (error instanceof TargetUnavailable) {
    const what = deleting ? `the mount of ${of} was disabled` : `${of} was deleted`;
    return `${what}, and its database does not answer where it was${another}: if it never will again, ${byForce}`;
  }
  if (deleting) {
    return `the mount of ${of} was disabled, and its password does not work any more: set it in the database to what it was, or ${byForce}`;
  }
  if (retired !== null && present !== null && !elsewhere) {
    return `${of} was deleted, and neither its password nor that of the one declared since works: correct that one, or ${byForce}`;
  }
  const again = elsewhere ? 'delete that one until it is done, declare the old one' : 'declare it';
  return `${of} was deleted, and its password does not work any more${another}: ${again} again with a password that works, or ${byForce}`;
}

/** A lease that needs a connection to be ended: as long as there is one, a deleted connection is kept for it. */
export async function noteUse(storage: View, uid: string, leaseId: string): Promise<void> {
  await storage.putJson(`used-by/${uid}/${leaseId}`, {});
}

export async function noteUseEnded(storage: View, uid: string, leaseId: string): Promise<void> {
  await storage.delete(`used-by/${uid}/${leaseId}`);
  if ((await storage.get(`retired/${uid}`)) === null) return;
  if (await isUsed(storage, uid)) return;
  await storage.delete(`retired/${uid}`);
  await storage.delete(renamedPath(uid));
}

/** Are there leases of it? */
export async function isUsed(storage: View, uid: string): Promise<boolean> {
  return (await storage.scan(`used-by/${uid}/`, { limit: 1 })).length > 0;
}

/** It has another name from now on than what its leases say. */
export async function noteRenamed(storage: View, uid: string, name: string): Promise<void> {
  await storage.putJson(renamedPath(uid), { name });
}

/** It is deleted: what it was is kept for its leases, if there are any. */
export async function retire(storage: View, connection: Connection): Promise<void> {
  const { name, uid } = connection;
  await storage.delete(`connection/${name}`);
  if (await isUsed(storage, uid)) await storage.putJson(`retired/${uid}`, connection);
  else await storage.delete(renamedPath(uid));
}

const renamedPath = (uid: string): string => `renamed/${uid}`;
