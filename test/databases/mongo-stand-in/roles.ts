// Part of a stand-in for MongoDB (see mongo-stand-in.ts): no MongoDB. The roles are those of its manual, "Built-In Roles".

export interface RoleName {
  readonly role: string;
  readonly db: string;
}

/** What a role allows: actions on its own database, on every database, or on the whole server. */
interface Grants {
  readonly own?: readonly string[];
  readonly any?: readonly string[];
  readonly cluster?: readonly string[];
}

const read = ['find', 'listCollections'];
const readWrite = [...read, 'insert', 'update', 'remove'];
const userAdmin = [
  'createUser',
  'dropUser',
  'grantRole',
  'revokeRole',
  'changePassword',
  'changeCustomData',
  'viewUser',
  'viewRole',
];
const monitor = ['inprog', 'serverStatus'];
const host = ['killop', 'killAnySession'];

/** Those that every database has. */
const ofEveryDatabase: Readonly<Record<string, Grants>> = {
  read: { own: read },
  readWrite: { own: readWrite },
  dbAdmin: { own: ['collStats', 'listCollections'] },
  userAdmin: { own: userAdmin },
  dbOwner: { own: [...readWrite, ...userAdmin] },
};

/** Those that only `admin` has. */
const ofAdmin: Readonly<Record<string, Grants>> = {
  readAnyDatabase: { any: read },
  readWriteAnyDatabase: { any: readWrite },
  userAdminAnyDatabase: { any: userAdmin },
  dbAdminAnyDatabase: { any: ['collStats', 'listCollections'] },
  clusterMonitor: { cluster: monitor },
  hostManager: { cluster: host },
  clusterManager: {},
  clusterAdmin: { cluster: [...monitor, ...host] },
  backup: { any: ['find'] },
  restore: { any: ['insert', ...userAdmin] },
  root: { any: [...readWrite, ...userAdmin], cluster: [...monitor, ...host] },
};

function grantsOf({ role, db }: RoleName): Grants | null {
  if (Object.hasOwn(ofEveryDatabase, role)) return ofEveryDatabase[role] ?? null;
  return db === 'admin' && Object.hasOwn(ofAdmin, role) ? (ofAdmin[role] ?? null) : null;
}

export const exists = (role: RoleName): boolean => grantsOf(role) !== null;

/** May who has these roles do this on a database? */
export function mayOn(roles: readonly RoleName[], action: string, db: string): boolean {
  return roles.some((role) => {
    const { own = [], any = [] } = grantsOf(role) ?? {};
    return any.includes(action) || (role.db === db && own.includes(action));
  });
}

/** May who has these roles do this to the server as a whole? */
export function mayAnywhere(roles: readonly RoleName[], action: string): boolean {
  return roles.some((role) => (grantsOf(role)?.cluster ?? []).includes(action));
}
