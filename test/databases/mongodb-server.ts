import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { MongoStandIn } from './mongo-stand-in/mongo-stand-in.ts';
import type { Login, TestDatabase } from './test-database.ts';
import { readServerAddress, type ServerAddress } from './server-address.ts';
import { Way } from './way.ts';

/** What runs, or stands, behind it. */
type Backing = Pick<TestDatabase, 'port' | 'username' | 'password' | 'kill' | 'run' | 'stop'>;

/**
 * MongoDB: the one that `MONGODB_URL` names (`mongodb://user:password@host:port`, without TLS; the user has the role
 * root), else a `mongod` of its own where one is on the PATH, else a stand-in, which is no MongoDB and of which it says
 * so on the console.
 */
export class MongodbServer implements TestDatabase {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly #backing: Backing;
  readonly #root: MongoClient;
  #first: readonly string[] = [];

  private constructor(backing: Backing) {
    ({ port: this.port, username: this.username, password: this.password } = backing);
    this.#backing = backing;
    this.#root = this.#client(backing.username, backing.password);
  }

  static async start(): Promise<MongodbServer> {
    const server = new MongodbServer(await backing());
    server.#first = await server.#names();
    return server;
  }

  url(port = this.port): string {
    return `mongodb://{{username}}:{{password}}@127.0.0.1:${port}/admin?directConnection=true&serverSelectionTimeoutMS=1000`;
  }

  async users(): Promise<readonly string[]> {
    return (await this.#names()).filter((name) => !this.#first.includes(name));
  }

  async login(username: string, password: string): Promise<Login> {
    const client = this.#client(username, password);
    try {
      const { authInfo } = await client.db('admin').command({ connectionStatus: 1 });
      const { authenticatedUsers } = authInfo as { readonly authenticatedUsers: readonly { readonly user: string }[] };
      return new MongoLogin(authenticatedUsers[0]?.user ?? '', client);
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  async removeUser(name: string): Promise<void> {
    await this.#root.db('admin').command({ dropUser: name });
  }

  async kill(how?: 'orderly' | 'crash'): Promise<void> {
    await this.#backing.kill(how);
  }

  async run(): Promise<void> {
    await this.#backing.run();
  }

  async stop(): Promise<void> {
    await this.#root.close();
    await this.#backing.stop();
  }

  #client(username: string, password: string): MongoClient {
    const options = { auth: { username, password }, directConnection: true, serverSelectionTimeoutMS: 5000, maxPoolSize: 1 };
    return new MongoClient(`mongodb://127.0.0.1:${this.port}/admin`, options);
  }

  async #names(): Promise<readonly string[]> {
    const { users } = await this.#root.db('admin').command({ usersInfo: { forAllDBs: true } });
    return (users as readonly { readonly user: string }[]).map(({ user }) => user).sort();
  }
}

class MongoLogin implements Login {
  readonly user: string;
  readonly #client: MongoClient;

  constructor(user: string, client: MongoClient) {
    this.user = user;
    this.#client = client;
  }

  /** MongoDB ends no connection of a user that is dropped: it takes the user from it. */
  get ended(): Promise<void> {
    return this.#losesItsUser();
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #losesItsUser(): Promise<void> {
    try {
      for (;;) {
        await this.#client.db('admin').command({ usersInfo: this.user });
        await setImmediate();
      }
    } catch {
      await this.close();
    }
  }
}

async function backing(): Promise<Backing> {
  const url = process.env['MONGODB_URL'] ?? '';
  if (url !== '') return given(readServerAddress(url, 27_017));
  if (spawnSync('mongod', ['--version']).status === 0) return Mongod.start();
  console.log('MongoDB: no MONGODB_URL and no mongod on the PATH. What follows runs on a stand-in, which is no MongoDB.');
  return MongoStandIn.start();
}

/** A server that runs already: where a test ends it, the way to it is closed. */
async function given({ host, port, username, password }: ServerAddress): Promise<Backing> {
  const way = await Way.to(port, host);
  return {
    port: way.port,
    username,
    password,
    kill: () => way.close(),
    run: () => way.open(),
    stop: () => way.close(),
  };
}

/** The `mongod` on the PATH, with data that are thrown away. */
class Mongod implements Backing {
  readonly username = 'root';
  readonly password = 'root-password';
  readonly #folder = mkdtempSync(join(tmpdir(), 'secretctl-mongod-'));
  #process: ChildProcess | null = null;
  port = 0;

  static async start(): Promise<Mongod> {
    const server = new Mongod();
    await server.run();
    const client = new MongoClient(`mongodb://127.0.0.1:${server.port}/?directConnection=true`);
    await client.db('admin').command({ createUser: server.username, pwd: server.password, roles: ['root'] });
    await client.close();
    return server;
  }

  async run(): Promise<void> {
    const words = ['--dbpath', this.#folder, '--bind_ip', '127.0.0.1', '--port', String(this.port), '--auth', '--nounixsocket'];
    const child = spawn('mongod', words, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#process = child;
    this.port = await new Promise<number>((resolve, reject) => {
      createInterface(child.stdout).on('line', (line) => {
        const port = /"Waiting for connections".*"port":(\d+)/.exec(line)?.[1];
        if (port !== undefined) resolve(Number(port));
      });
      child.once('exit', (code) => reject(new Error(`mongod ended with ${code}`)));
    });
  }

  async kill(how: 'orderly' | 'crash' = 'orderly'): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(how === 'crash' ? 'SIGKILL' : 'SIGINT');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill('crash');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
