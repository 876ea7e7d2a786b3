// Part of a stand-in for MongoDB (see mongo-stand-in.ts): no MongoDB. What each command takes, refuses and asks of the
// roles of whoever sends it is that of the manual, "Database Commands"; what is not here is refused as unknown.
import { BSON, type Document } from 'mongodb';
import { Refusal } from './refusal.ts';
import { exists, mayAnywhere, mayOn, type RoleName } from './roles.ts';
import { Conversation, mechanisms } from './scram.ts';
import { rolesIn, told, type User, type Users } from './users.ts';

/** One connection of a client. */
export interface Session {
  readonly id: number;
  /** Of the certificate that the client showed, as RFC 2253 writes it; null: none. */
  readonly subject: string | null;
  who: Pick<User, 'user' | 'db' | 'id'> | null;
  conversation: { readonly scram: Conversation; readonly db: string; readonly skipsEmpty: boolean; proven: boolean } | null;
}

/** A command under way. */
export interface Operation {
  readonly opid: number;
  readonly session: Session;
  readonly command: Document;
  readonly db: string;
  /** Has it end with an error as soon as it looks. */
  interrupt(): void;
}

export interface State {
  readonly users: Users;
  readonly collections: Map<string, Document[]>;
  readonly operations: Map<number, Operation>;
}

interface Call {
  readonly state: State;
  readonly session: Session;
  readonly db: string;
  readonly name: string;
  readonly command: Document;
  /** Who sends it, with the roles of now; throws Refusal: nobody who is known. */
  readonly caller: () => User;
  /** Throws Refusal where the caller may not do this on a database. */
  readonly need: (action: string, db: string) => void;
}

type Handler = (call: Call) => Document | Promise<Document>;

/** Answers a command. Throws Refusal. */
export async function run(state: State, session: Session, command: Document): Promise<Document> {
  const name = Object.keys(command).find((key) => key !== '$db') ?? '';
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  if (handler === undefined) throw new Refusal('CommandNotFound', `no such command: '${name}'`);
  const db = String(command['$db'] ?? 'test');
  const caller = (): User => {
    const { who } = session;
    const found = who === null ? null : state.users.find(who.user, who.db);
    if (found !== null && found.id === who?.id) return found;
    throw new Refusal('Unauthorized', `Command ${name} requires authentication`);
  };
  const need = (action: string, on: string): void => {
    if (!mayOn(caller().roles, action, on)) throw notAllowed(db, name);
  };
  return { ...(await handler({ state, session, db, name, command, caller, need })), ok: 1 };
}

const notAllowed = (db: string, name: string): Refusal =>
  new Refusal('Unauthorized', `not authorized on ${db} to execute command { ${name}: … }`);

const generic = ['$db', 'lsid', '$clusterTime', '$readPreference', 'writeConcern', 'comment', 'maxTimeMS', 'readConcern'];

/** Throws Refusal for fields that a command does not have. */
function only({ command, name }: Call, fields: readonly string[]): void {
  const unknown = Object.keys(command).find((key) => ![name, ...fields, ...generic].includes(key));
  if (unknown !== undefined) throw new Refusal('IDLUnknownField', `BSON field '${name}.${unknown}' is an unknown field.`);
}

const target = ({ command, name }: Call): string => String(command[name]);

const handlers: Readonly<Record<string, Handler>> = {
  hello: (call) => hello(call),
  isMaster: (call) => hello(call),
  ismaster: (call) => hello(call),
  ping: () => ({}),
  buildInfo: () => ({
    version: '7.0.0',
    versionArray: [7, 0, 0, 0],
    modules: [],
    standIn: 'no MongoDB, but a stand-in for tests',
  }),
  endSessions: () => ({}),
  saslStart,
  saslContinue,
  authenticate,
  logout({ session }) {
    session.who = null;
    return {};
  },
  connectionStatus({ session, caller }) {
    const user = session.who === null ? null : caller();
    return {
      authInfo: {
        authenticatedUsers: user === null ? [] : [{ user: user.user, db: user.db }],
        authenticatedUserRoles: user?.roles ?? [],
      },
    };
  },

  async createUser(call) {
    only(call, ['pwd', 'customData', 'roles', 'mechanisms', 'authenticationRestrictions', 'digestPassword']);
    const { state, db, command, need } = call;
    need('createUser', db);
    for (const role of rolesIn(command['roles'], db)) need('grantRole', role.db);
    await state.users.create(target(call), db, command);
    return {};
  },
  async updateUser(call) {
    only(call, ['pwd', 'customData', 'roles', 'mechanisms', 'authenticationRestrictions', 'digestPassword']);
    const { state, db, command, need } = call;
    if (command['pwd'] !== undefined) need('changePassword', db);
    if (command['customData'] !== undefined) need('changeCustomData', db);
    if (command['roles'] !== undefined) {
      need('revokeRole', db);
      for (const role of rolesIn(command['roles'], db)) need('grantRole', role.db);
    }
    await state.users.update(target(call), db, command);
    return {};
  },
  dropUser(call) {
    only(call, []);
    call.need('dropUser', call.db);
    call.state.users.drop(target(call), call.db);
    return {};
  },
  grantRolesToUser(call) {
    only(call, ['roles']);
    const roles = rolesIn(call.command['roles'], call.db);
    for (const role of roles) call.need('grantRole', role.db);
    call.state.users.grant(target(call), call.db, roles);
    return {};
  },
  revokeRolesFromUser(call) {
    only(call, ['roles']);
    const roles = rolesIn(call.command['roles'], call.db);
    for (const role of roles) call.need('revokeRole', role.db);
    call.state.users.revoke(target(call), call.db, roles);
    return {};
  },
  usersInfo,
  rolesInfo,

  aggregate(call) {
    const [first = {}, ...rest] = (call.command['pipeline'] ?? []) as Document[];
    if (call.command['aggregate'] !== 1 || first['$currentOp'] === undefined) {
      throw new Refusal('Location40324', `Unrecognized pipeline stage name: '${Object.keys(first)[0] ?? ''}'`);
    }
    if (call.db !== 'admin') throw new Refusal('BadValue', '$currentOp must be run against the admin database');
    const every = (first['$currentOp'] as Document)['allUsers'] === true;
    const firstBatch = rest.reduce<readonly Document[]>(
      (found, stage) => {
        if (stage['$match'] === undefined) throw new Refusal('Location40324', 'only $match may follow here');
        return found.filter((each) => matches(each, stage['$match'] as Document));
      },
      operationsSeen(call, every),
    );
    return { cursor: { id: BSON.Long.ZERO, ns: 'admin.$cmd.aggregate', firstBatch } };
  },
  currentOp: (call) => ({ inprog: operationsSeen(call, call.command['$ownOps'] !== true) }),
  killOp(call) {
    const operation = call.state.operations.get(Number(call.command['op']));
    const own = operation !== undefined && sameUser(operation.session.who, call.caller());
    if (!own && !mayAnywhere(call.caller().roles, 'killop')) throw notAllowed(call.db, call.name);
    operation?.interrupt();
    return { info: 'attempting to kill op' };
  },
  killAllSessions(call) {
    const wanted = (call.command['killAllSessions'] ?? []) as readonly Pick<User, 'user' | 'db'>[];
    const own = wanted.length > 0 && wanted.every((each) => sameUser(each, call.caller()));
    if (!own && !mayAnywhere(call.caller().roles, 'killAnySession')) throw notAllowed(call.db, call.name);
    for (const operation of call.state.operations.values()) {
      const inSession = operation.command['lsid'] !== undefined;
      if (inSession && (wanted.length === 0 || wanted.some((each) => sameUser(operation.session.who, each))))
        operation.interrupt();
    }
    return {};
  },

  find(call) {
    call.need('find', call.db);
    const found = collection(call).filter((each) => matches(each, (call.command['filter'] ?? {}) as Document));
    return { cursor: { id: BSON.Long.ZERO, ns: `${call.db}.${target(call)}`, firstBatch: found } };
  },
  insert(call) {
    call.need('insert', call.db);
    const documents = call.command['documents'] as Document[];
    collection(call).push(...documents);
    return { n: documents.length };
  },
  delete(call) {
    call.need('remove', call.db);
    const held = collection(call);
    const kept = (call.command['deletes'] as readonly Document[]).reduce<readonly Document[]>(
      (left, { q }) => left.filter((each) => !matches(each, q as Document)),
      held,
    );
    const n = held.length - kept.length;
    call.state.collections.set(`${call.db}.${target(call)}`, [...kept]);
    return { n };
  },
};

function hello(call: Call): Document {
  const { command, state, session } = call;
  const [db = '', user = ''] = /^([^.]+)\.(.*)$/s.exec(String(command['saslSupportedMechs'] ?? ''))?.slice(1) ?? [];
  const known = state.users.find(user, db);
  const begun = command['speculativeAuthenticate'] as Document | undefined;
  return {
    helloOk: true,
    ismaster: true,
    isWritablePrimary: true,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    connectionId: session.id,
    minWireVersion: 0,
    maxWireVersion: 21,
    readOnly: false,
    ...(known === null ? {} : { saslSupportedMechs: Object.keys(known.verifiers) }),
    ...(begun === undefined ? {} : speculation(call, begun)),
  };
}

/** What a client tries along with its hello: where it fails, nothing is said of it. */
function speculation(call: Call, begun: Document): Document {
  const inner: Call = { ...call, db: String(begun['db'] ?? 'admin'), command: begun };
  try {
    return { speculativeAuthenticate: begun['authenticate'] === undefined ? saslStart(inner) : authenticate(inner) };
  } catch (error) {
    if (error instanceof Refusal) return {};
    throw error;
  }
}

function saslStart({ state, session, db, command }: Call): Document {
  const mechanism = mechanisms.find((each) => each === command['mechanism']);
  if (mechanism === undefined) throw new Refusal('AuthenticationFailed', 'Authentication failed.');
  session.who = null;
  const scram = new Conversation(mechanism, text(command['payload']), (user) => state.users.find(user, db)?.verifiers ?? null);
  const skipsEmpty = (command['options'] as Document | undefined)?.['skipEmptyExchange'] === true;
  session.conversation = { scram, db, skipsEmpty, proven: false };
  return { conversationId: 1, done: false, payload: new BSON.Binary(Buffer.from(scram.first)) };
}

function saslContinue({ state, session, command }: Call): Document {
  const { conversation } = session;
  if (conversation === null) throw new Refusal('AuthenticationFailed', 'No SASL session state found');
  if (conversation.proven) {
    session.conversation = null;
    return { conversationId: 1, done: true, payload: new BSON.Binary(Buffer.alloc(0)) };
  }
  session.conversation = null;
  const last = conversation.scram.finish(text(command['payload']));
  session.who = state.users.existing(conversation.scram.username, conversation.db);
  if (!conversation.skipsEmpty) session.conversation = { ...conversation, proven: true };
  return { conversationId: 1, done: conversation.skipsEmpty, payload: new BSON.Binary(Buffer.from(last)) };
}

const text = (payload: unknown): string =>
  payload instanceof BSON.Binary ? Buffer.from(payload.buffer).toString('utf8') : String(payload);

/** MONGODB-X509: the subject of the certificate is a user of `$external`. */
function authenticate({ state, session, command }: Call): Document {
  const user = session.subject === null ? null : state.users.find(session.subject, '$external');
  const named = command['user'] as string | undefined;
  if (command['mechanism'] !== 'MONGODB-X509' || user === null || (named !== undefined && named !== user.user)) {
    throw new Refusal('AuthenticationFailed', 'Authentication failed.');
  }
  session.who = user;
  return { dbname: '$external', user: user.user };
}

function usersInfo(call: Call): Document {
  only(call, ['filter', 'showCredentials', 'showCustomData', 'showPrivileges', 'showAuthenticationRestrictions']);
  const { state, db, command, caller } = call;
  const asked = command['usersInfo'] as unknown;
  const named = (each: unknown): readonly User[] => {
    const { user, db: of } = typeof each === 'string' ? { user: each, db } : (each as Pick<User, 'user' | 'db'>);
    const own = sameUser({ user, db: of }, caller());
    if (!own) call.need('viewUser', of);
    const found = state.users.find(user, of);
    return found === null ? [] : [found];
  };
  let users: readonly User[];
  if (asked === 1) {
    call.need('viewUser', db);
    users = state.users.all.filter((each) => each.db === db);
  } else if ((asked as Document)['forAllDBs'] === true) {
    if (!mayOn(caller().roles, 'viewUser', '')) throw notAllowed(db, call.name);
    users = state.users.all;
  } else users = (Array.isArray(asked) ? asked : [asked]).flatMap(named);
  const filter = (command['filter'] ?? {}) as Document;
  return { users: users.map(told).filter((each) => matches(each, filter)) };
}

function rolesInfo(call: Call): Document {
  only(call, ['showPrivileges', 'showBuiltinRoles', 'showAuthenticationRestrictions']);
  const asked = call.command['rolesInfo'] as unknown;
  const wanted = (Array.isArray(asked) ? asked : [asked]).map((each: unknown): RoleName =>
    typeof each === 'string' ? { role: each, db: call.db } : (each as RoleName),
  );
  const { roles } = call.caller();
  for (const { role, db } of wanted) {
    const own = roles.some((each) => each.role === role && each.db === db);
    if (!own) call.need('viewRole', db);
  }
  return { roles: wanted.filter(exists).map((role) => ({ ...role, isBuiltin: true, roles: [], inheritedRoles: [] })) };
}

/** What runs now: everything for who may see that, else what the caller runs. */
function operationsSeen({ state, caller, db, name }: Call, every: boolean): readonly Document[] {
  if (every && !mayAnywhere(caller().roles, 'inprog')) throw notAllowed(db, name);
  return [...state.operations.values()]
    .filter(({ session }) => every || sameUser(session.who, caller()))
    .map(({ opid, session, command, db: of }) => ({
      type: 'op',
      op: 'command',
      active: true,
      opid,
      ns: `${of}.$cmd`,
      connectionId: session.id,
      effectiveUsers: session.who === null ? [] : [{ user: session.who.user, db: session.who.db }],
      command: { ...command, pwd: command['pwd'] === undefined ? undefined : 'xxx' },
    }));
}

const sameUser = (a: Pick<User, 'user' | 'db'> | null, b: Pick<User, 'user' | 'db'>): boolean =>
  a?.user === b.user && a.db === b.db;

function collection(call: Call): Document[] {
  const name = `${call.db}.${target(call)}`;
  const held = call.state.collections.get(name) ?? [];
  call.state.collections.set(name, held);
  return held;
}

/** A filter of equalities, whose names may be paths with dots. */
function matches(document: Document, filter: Document): boolean {
  return Object.entries(filter).every(([path, wanted]) => {
    const value = path.split('.').reduce<unknown>((at, key) => (at as Document | undefined)?.[key], document);
    return BSON.EJSON.stringify({ value }) === BSON.EJSON.stringify({ value: wanted as unknown });
  });
}
