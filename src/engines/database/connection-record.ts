import type { JsonObject } from '../../base/json.ts';
import type { View } from '../../barrier/view.ts';
import { badRequest, type RequestError } from '../../protocol/request-error.ts';

/**
 * How a database is reached, and what roles may use it. Below a mount's storage:
 * - `connection/<name>`   the record
 * - `retired/<uid>`       the record of one that was deleted while leases of it stood
 * - `used-by/<uid>/…`     one for each lease
 * - `renamed/<uid>`       the name that it has now, where leases may say another
 */
export interface Connection {
  /** A UUID: leases hang on it, not on the name. */
  readonly uid: string;
  /** Drawn anew at each write: what is held open of an older one is closed. */
  readonly version: string;
  readonly name: string;
  readonly plugin: string;
  readonly url: string;
  readonly username: string;
  /** Nobody reads it back. */
  readonly password: string;
  /** When its password was last rotated: from then on nobody but us knows it. Milliseconds since the epoch; null: never. */
  readonly rotatedAt: number | null;
  /** The plug-in's own fields that were sent, the secret ones too. */
  readonly details: JsonObject;
  readonly allowedRoles: readonly string[];
  readonly rootRotation: readonly string[];
  readonly passwordPolicy: string;
  /** '': the plug-in's. */
  readonly usernameTemplate: string;
  readonly maxOpen: number;
  /** 0: as many as may be open. */
  readonly maxIdle: number;
  /** Seconds; 0: without limit. */
  readonly maxLifetime: number;
  readonly verify: boolean;
  /** It has no user of its own: those of its static roles log in to change their own passwords. Absent: false. */
  readonly selfManaged?: boolean;
  /** A document may have it deleted although nobody but us knows its password. Absent: false. */
  readonly losePassword?: boolean;
}

export async function connectionNamed(storage: View, name: string): Promise<Connection | null> {
  return storage.getJson<Connection>(`connection/${name}`);
}

export async function putConnection(storage: View, connection: Connection): Promise<void> {
  await storage.putJson(`connection/${connection.name}`, connection);
}

/** Throws RequestError 400 for a connection that cannot make users. */
export function checkMakesUsers({ name, selfManaged }: Connection): void {
  if (selfManaged === true) throw badRequest(`the connection "${name}" is self_managed: it has no user who could make others`);
}

/** May a role use a connection? Its `allowed_roles` are names, with `*` for any characters. */
export function allows({ allowedRoles }: Pick<Connection, 'allowedRoles'>, role: string): boolean {
  return allowedRoles.some((pattern) => {
    if (!pattern.includes('*')) return pattern === role;
    const [first = '', ...rest] = pattern.split('*');
    const last = rest.pop() ?? '';
    if (!role.startsWith(first) || !role.endsWith(last) || role.length < first.length + last.length) return false;
    let from = first.length;
    for (const part of rest) {
      const at = role.indexOf(part, from);
      if (at === -1 || at + part.length > role.length - last.length) return false;
      from = at + part.length;
    }
    return true;
  });
}

/** What a role is told that its connection does not allow. */
export function notAllowed({ name }: Pick<Connection, 'name'>, role: string): RequestError {
  return badRequest(`"${role}" is not an allowed role of the connection "${name}": add it to its allowed_roles`);
}
