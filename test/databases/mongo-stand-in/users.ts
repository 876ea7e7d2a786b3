// Part of a stand-in for MongoDB (see mongo-stand-in.ts): no MongoDB.
import { BSON, type Document } from 'mongodb';
import { Refusal } from './refusal.ts';
import { exists, type RoleName } from './roles.ts';
import { mechanisms, verifiersOf, type Mechanism, type Verifiers } from './scram.ts';

export interface User {
  readonly user: string;
  readonly db: string;
  /** Another user of the same name is not the same. */
  readonly id: string;
  readonly userId: BSON.UUID;
  readonly roles: readonly RoleName[];
  readonly customData: Document | null;
  readonly verifiers: Verifiers;
}

/** A role as commands write it: its name, of the database of the command, or `{role, db}`. Throws Refusal. */
export function rolesIn(value: unknown, db: string): readonly RoleName[] {
  if (!Array.isArray(value)) throw new Refusal('TypeMismatch', 'roles must be an array');
  const roles = (value as readonly unknown[]).map((each): RoleName => {
    if (typeof each === 'string') return { role: each, db };
    const { role, db: of } = (each ?? {}) as Document;
    if (typeof role !== 'string') throw new Refusal('NoSuchKey', 'Missing expected field "role"');
    if (typeof of !== 'string') throw new Refusal('NoSuchKey', 'Missing expected field "db"');
    return { role, db: of };
  });
  for (const role of roles) if (!exists(role)) throw new Refusal('RoleNotFound', `Could not find role: ${role.role}@${role.db}`);
  return roles;
}

const sameRole = (a: RoleName) => (b: RoleName) => a.role === b.role && a.db === b.db;

/** The users of the server, who live as long as it does, also when it is down for a while. */
export class Users {
  readonly #users = new Map<string, User>();

  get all(): readonly User[] {
    return [...this.#users.values()];
  }

  find(user: string, db: string): User | null {
    return this.#users.get(`${db}.${user}`) ?? null;
  }

  async create(user: string, db: string, command: Document): Promise<void> {
    const external = db === '$external';
    const { pwd } = command as { readonly pwd?: unknown };
    if (user === '') throw new Refusal('BadValue', "User document needs 'user' field to be non-empty");
    if (external ? pwd !== undefined : typeof pwd !== 'string' || pwd === '') {
      throw new Refusal(
        'BadValue',
        "Must provide a 'pwd' field for all user documents, except those with '$external' as the user's source db",
      );
    }
    const roles = rolesIn(command['roles'], db);
    const verifiers = external ? {} : await verifiersOf(user, pwd as string, mechanismsIn(command));
    if (this.find(user, db) !== null) throw new Refusal('Location51003', `User "${user}@${db}" already exists`);
    const userId = new BSON.UUID();
    const customData = (command['customData'] as Document | undefined) ?? null;
    this.#users.set(`${db}.${user}`, { user, db, id: userId.toString(), userId, roles, customData, verifiers });
  }

  async update(user: string, db: string, command: Document): Promise<void> {
    const { pwd, roles, customData } = command as { pwd?: string; roles?: unknown; customData?: Document };
    if (pwd === undefined && roles === undefined && customData === undefined) {
      throw new Refusal('BadValue', 'Must specify at least one field to update in updateUser');
    }
    const verifiers = pwd === undefined ? null : await verifiersOf(user, pwd, mechanismsIn(command));
    const before = this.existing(user, db);
    this.#users.set(`${db}.${user}`, {
      ...before,
      ...(verifiers === null ? {} : { verifiers }),
      ...(roles === undefined ? {} : { roles: rolesIn(roles, db) }),
      ...(customData === undefined ? {} : { customData }),
    });
  }

  drop(user: string, db: string): void {
    this.existing(user, db);
    this.#users.delete(`${db}.${user}`);
  }

  grant(user: string, db: string, roles: readonly RoleName[]): void {
    const before = this.existing(user, db);
    const added = roles.filter((role) => !before.roles.some(sameRole(role)));
    this.#users.set(`${db}.${user}`, { ...before, roles: [...before.roles, ...added] });
  }

  revoke(user: string, db: string, roles: readonly RoleName[]): void {
    const before = this.existing(user, db);
    const left = before.roles.filter((role) => !roles.some(sameRole(role)));
    this.#users.set(`${db}.${user}`, { ...before, roles: left });
  }

  existing(user: string, db: string): User {
    const found = this.find(user, db);
    if (found === null) throw new Refusal('UserNotFound', `User '${user}@${db}' not found`);
    return found;
  }
}

function mechanismsIn(command: Document): readonly Mechanism[] {
  const wanted = (command['mechanisms'] as readonly string[] | undefined) ?? mechanisms;
  return wanted.map((each) => {
    const known = mechanisms.find((mechanism) => mechanism === each);
    if (known === undefined) throw new Refusal('BadValue', `Unknown auth mechanism '${each}'`);
    return known;
  });
}

/** A user as `usersInfo` tells of it. */
export function told({ user, db, userId, roles, customData, verifiers }: User): Document {
  return {
    _id: `${db}.${user}`,
    userId,
    user,
    db,
    ...(customData === null ? {} : { customData }),
    roles,
    mechanisms: db === '$external' ? ['external'] : Object.keys(verifiers),
  };
}
