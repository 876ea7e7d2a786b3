import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import type { Document } from 'mongodb';
import { run, type Operation, type Session, type State } from './commands.ts';
import { Refusal } from './refusal.ts';
import { told, Users } from './users.ts';
import { answer, MessageReader, type Incoming } from './wire.ts';

/**
 * A stand-in for MongoDB, and no MongoDB: a server on a free port that speaks its wire protocol (OP_MSG) with real
 * SCRAM-SHA-1 and SCRAM-SHA-256, and does with users, roles and operations what the MongoDB manual says of these
 * commands. Data are kept in memory, and only as much as tests need to see who may do what.
 */
export class MongoStandIn {
  readonly username = 'root';
  readonly password = 'root-password';
  readonly #tls: StandInTls | null;
  readonly #state: State = { users: new Users(), collections: new Map(), operations: new Map() };
  readonly #sockets = new Set<Socket>();
  readonly #behaviours = new Map<string, Behaviour>();
  #server: Server | null = null;
  #port = 0;
  #ids = 0;

  private constructor(tls: StandInTls | null) {
    this.#tls = tls;
  }

  /** It knows one user, who may do everything. */
  static async start({ tls = null }: { readonly tls?: StandInTls | null } = {}): Promise<MongoStandIn> {
    const server = new MongoStandIn(tls);
    await server.addUser(server.username, 'admin', { pwd: server.password, roles: ['root'] });
    await server.run();
    return server;
  }

  /** Starts it again after `kill`, at the same port, with what it knew. */
  async run(): Promise<void> {
    const server =
      this.#tls === null
        ? createServer((socket) => this.#accept(socket))
        : createTlsServer({ ...this.#tls, requestCert: true, rejectUnauthorized: false }, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  get port(): number {
    return this.#port;
  }

  /** Where a connection of the engine goes. */
  url(database = 'admin'): string {
    return `mongodb://{{username}}:{{password}}@127.0.0.1:${this.#port}/${database}`;
  }

  /** Makes a user without being asked by a client: the fields are those of `createUser`. */
  async addUser(name: string, db: string, fields: Document): Promise<void> {
    await this.#state.users.create(name, db, fields);
  }

  /** What `usersInfo` tells of all users whose names begin like this. */
  users(prefix = 'v-'): readonly Document[] {
    return this.#state.users.all.filter(({ user }) => user.startsWith(prefix)).map(told);
  }

  /** Refuses connections from now on, and ends those that are open. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    const closed = new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    // Where both ends are in this process, the other one sees it within a few turns of it.
    for (let turns = 0; turns < 10; turns++) await setImmediate();
  }

  async stop(): Promise<void> {
    this.#behaviours.clear();
    await this.kill();
  }

  /**
   * The next command of this name does not end by itself: it goes on, and is seen among the operations, until it is
   * released or interrupted. What it does is done when it is released, also where the client is gone by then.
   */
  hold(command: string): HeldCommand {
    let release: () => void = () => undefined;
    let arrive: (command: Document) => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const arrived = new Promise<Document>((resolve) => (arrive = resolve));
    this.#behaviours.set(command, { before: (came): Promise<void> => (arrive(came), released), cutAfter: false });
    return { arrived, release };
  }

  /** The next command of this name ends its connection, before it has done anything or right after. */
  cut(command: string, when: 'before' | 'after'): void {
    this.#behaviours.set(command, {
      before: when === 'after' ? (): Promise<void> => Promise.resolve() : null,
      cutAfter: when === 'after',
    });
  }

  #accept(socket: Socket): void {
    // It came just before nobody listened any more.
    if (this.#server === null) return void socket.destroy();
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    const session: Session = { id: ++this.#ids, subject: subjectOf(socket), who: null, conversation: null };
    const reader = new MessageReader();
    let turn = Promise.resolve();
    socket.on('data', (data) => {
      try {
        for (const message of reader.take(data)) turn = turn.then(() => this.#serve(socket, session, message));
      } catch {
        socket.destroy();
      }
    });
  }

  async #serve(socket: Socket, session: Session, message: Incoming): Promise<void> {
    const command = message.body;
    const name = Object.keys(command).find((key) => key !== '$db') ?? '';
    const behaviour = this.#behaviours.get(name);
    this.#behaviours.delete(name);
    if (behaviour?.before === null) return void socket.destroy();
    const reply = await this.#outcome(session, command, behaviour);
    if (behaviour?.cutAfter === true) return void socket.destroy();
    if (!message.oneWay && !socket.destroyed) socket.write(answer(message, ++this.#ids, reply));
  }

  async #outcome(session: Session, command: Document, behaviour: Behaviour | undefined): Promise<Document> {
    const opid = ++this.#ids;
    let interrupt: () => void = () => undefined;
    const interrupted = new Promise<true>((resolve) => (interrupt = () => resolve(true)));
    const operation: Operation = { opid, session, command, db: String(command['$db'] ?? ''), interrupt };
    this.#state.operations.set(opid, operation);
    try {
      if ((await Promise.race([interrupted, behaviour?.before?.(command)])) === true) {
        throw new Refusal('Interrupted', 'operation was interrupted');
      }
      return await run(this.#state, session, command);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { ok: 0, errmsg: error.message, code: error.code, codeName: error.codeName };
    } finally {
      this.#state.operations.delete(opid);
    }
  }
}

/** PEM. */
interface StandInTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

interface HeldCommand {
  /** The command, when it has come. */
  readonly arrived: Promise<Document>;
  release(): void;
}

interface Behaviour {
  /** Null: the connection ends in place of the command. */
  readonly before: ((command: Document) => Promise<void>) | null;
  readonly cutAfter: boolean;
}

/** The subject of a client's certificate as RFC 2253 has it, the last part first; null: it showed none that holds. */
function subjectOf(socket: Socket): string | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  const { subject } = socket.getPeerCertificate();
  const parts = Object.entries(subject).map(([name, value]) => `${name}=${String(value)}`);
  return parts.reverse().join(',');
}
