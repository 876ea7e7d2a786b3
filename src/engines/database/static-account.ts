import type { View } from '../../barrier/view.ts';
import { badRequest } from '../../protocol/request-error.ts';
import type { Connection } from './connection-record.ts';
import type { Subject } from './rotation-index.ts';
import type { RotationTimes } from './rotation-times.ts';
import { beginRotation, type Beginning, type Rotation } from './rotation.ts';

/**
 * A user that exists, whose password is changed at times. Below a mount's storage:
 * - `static-role/<name>`                  the record
 * - `static-credential/<name>`            its password
 * - `static-user/<connection>/<user>`     whose user it is, the user's name in base64url
 */
export interface StaticRole {
  readonly connection: string;
  /** Never changed. */
  readonly username: string;
  readonly times: RotationTimes;
  /** Empty: what the plug-in does by itself. */
  readonly rotation: readonly string[];
  /** '': that of the connection. */
  readonly passwordPolicy: string;
  /** Its user changes its own password: the connection's user is not asked. */
  readonly selfManaged: boolean;
  readonly skipImport: boolean;
}

/** What changes with each rotation. Times in milliseconds since the epoch. */
export interface StaticCredential {
  /** Null: nobody has told it, and it was never changed. */
  readonly password: string | null;
  /** Null: never. */
  readonly rotatedAt: number | null;
  /** When it is due to be changed next. */
  readonly next: number;
  /** Why it was not when it was due; null: it was. Holds no secret. */
  readonly error: string | null;
}

export const subjectOf = (name: string): Subject => ({ kind: 'role', name });

export async function staticRoleNamed(storage: View, name: string): Promise<StaticRole | null> {
  return storage.getJson<StaticRole>(`static-role/${name}`);
}

export async function staticCredentialOf(storage: View, name: string): Promise<StaticCredential | null> {
  return storage.getJson<StaticCredential>(`static-credential/${name}`);
}

export async function putStaticCredential(storage: View, name: string, credential: StaticCredential): Promise<void> {
  await storage.putJson(`static-credential/${name}`, credential);
}

export async function putStaticRole(storage: View, name: string, role: StaticRole): Promise<void> {
  await storage.putJson(`static-role/${name}`, role);
}

/** What waits of it in the index is the caller's. */
export async function forgetStaticRole(storage: View, name: string, role: StaticRole): Promise<void> {
  for (const path of [`static-role/${name}`, `static-credential/${name}`]) await storage.delete(path);
  if ((await claimOf(storage, role))?.role === name) await storage.delete(userPath(role));
}

/** Who changes the password of a user. */
interface Claim {
  readonly role: string;
  /** Who did before, and may have been there when the claim was made. Absent: nobody. */
  readonly from?: string;
}

const claimOf = (storage: View, role: StaticRole): Promise<Claim | null> => storage.getJson<Claim>(userPath(role));

/** From now on it is this role that changes the password of its user: `hasUserAlone` says whether that holds. */
export async function claimUser(storage: View, before: StaticRole | null, role: StaticRole, name: string): Promise<void> {
  const owner = (await claimOf(storage, role))?.role ?? name;
  if (before !== null) await storage.delete(userPath(before));
  await storage.putJson(userPath(role), { role: name, ...(owner === name ? {} : { from: owner }) } satisfies Claim);
}

/**
 * Of one user of one connection only one role changes the password: another would hold one that does not work. Throws
 * RequestError 400.
 */
export async function hasUserAlone(storage: View, name: string): Promise<void> {
  const role = await staticRoleNamed(storage, name);
  const { from } = (role === null ? null : await claimOf(storage, role)) ?? {};
  const other = from === undefined ? null : await staticRoleNamed(storage, from);
  if (role === null || other === null || userPath(other) !== userPath(role)) return;
  throw badRequest(`the password of "${role.username}" is changed by the static role "${from}" already`);
}

/** The folder of the users of a connection whose passwords are changed. */
export const staticUsersOf = (connection: string): string => `static-user/${connection}/`;

const userPath = ({ connection, username }: StaticRole): string =>
  `${staticUsersOf(connection)}${Buffer.from(username).toString('base64url')}`;

/** Writes down that the password of a role is to be changed at once. */
export async function beginRoleRotation(
  beginning: Beginning,
  name: string,
  role: StaticRole,
  connection: Connection | null,
  when: { readonly waitsAt: number | null; readonly until: number | null },
): Promise<Rotation> {
  return beginRotation(beginning, {
    subject: subjectOf(name),
    connection: role.connection,
    username: role.username,
    policy: role.passwordPolicy || (connection?.passwordPolicy ?? ''),
    ...when,
  });
}
