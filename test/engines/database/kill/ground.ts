import type { PostgresServer } from '../../../databases/postgres-server.ts';
import type { Answer } from '../../../server/server-process.ts';
import type { Operation, Round } from './operations.ts';
import { Victim } from './victim.ts';

/** A round in which the server was killed, or lived to the end. */
export interface Played {
  readonly killedAt: string | null;
  /** The step of the next server at which that was killed, too. */
  readonly killedAgainAt: string | null;
  readonly taken: readonly string[];
}

/** One operation, on a store of its own with a part of the database of its own: users and roles that begin with its name. */
export class Ground {
  readonly #operation: Operation;
  readonly #database: PostgresServer;
  readonly #victim = new Victim();
  #rounds = 0;

  private constructor(operation: Operation, database: PostgresServer) {
    this.#operation = operation;
    this.#database = database;
  }

  static async of(operation: Operation, database: PostgresServer): Promise<Ground> {
    const ground = new Ground(operation, database);
    await ground.#victim.begin();
    await ground.call('POST', 'sys/mounts/database', { type: 'database' });
    await ground.connection('main');
    await ground.role(ground.name('bystander'));
    await ground.call('GET', `database/creds/${ground.name('bystander')}`);
    return ground;
  }

  /** Kills the server at a step of the operation, the next one at a step of its start where told (0: not), and checks all. */
  async play(step: number, startStep = 0): Promise<Played> {
    const name = this.name(String(++this.#rounds));
    const round: Round = await this.#operation.prepare(this, name);
    // What was kept open of rounds before makes no difference.
    await this.call('POST', 'database/reset/main');
    const { answer, killedAt, taken } = await this.#victim.callUntil(
      step,
      round.request,
      round.carriedOut ?? (() => Promise.resolve(true)),
    );
    const killedAgainAt = killedAt === null ? null : await this.#restart(startStep);
    try {
      await this.#settled();
      await this.#agree();
      await round.check(answer);
    } catch (error) {
      const message = `${this.#operation.name}, killed at step ${step} (${killedAt ?? 'none'}), then at ${killedAgainAt ?? 'none'}`;
      throw new Error(`${message}: ${(error as Error).message}`, { cause: error });
    }
    for (const id of await this.#leases(name)) await this.call('PUT', 'sys/leases/revoke', { lease_id: id, sync: true });
    return { killedAt, killedAgainAt, taken };
  }

  call(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.#victim.call(method, path, body);
  }

  /** Whatever the answer is. */
  ask(method: string, path: string, body?: unknown, token?: string): Promise<Answer> {
    return this.#victim.ask(method, path, body, token);
  }

  /** A lease that stands; null: it does not. */
  async leaseOf(id: string): Promise<{ readonly expireTime: string } | null> {
    const { status, body } = await this.ask('PUT', 'sys/leases/lookup', { lease_id: id });
    if (status === 400) return null;
    const { expire_time } = (body?.['data'] ?? {}) as { expire_time?: string };
    if (status !== 200 || expire_time === undefined) throw new Error(`the look-up of a lease was answered with ${status}`);
    return { expireTime: expire_time };
  }

  /** What the database says to its superuser. */
  sql<T extends object>(text: string, values: readonly unknown[] = []): Promise<readonly T[]> {
    return this.#database.query<T & Record<string, unknown>>(text, { values });
  }

  async letsIn(user: string, password: string): Promise<boolean> {
    try {
      await this.#database.query('SELECT 1', { user, password });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === '28P01') return false;
      throw error;
    }
  }

  /** Until when the database takes a user, in milliseconds since the epoch; NaN: there is none. */
  async validUntil(user: string): Promise<number> {
    const rows = await this.sql<{ until: Date }>('SELECT rolvaliduntil AS until FROM pg_roles WHERE rolname = $1', [user]);
    return rows[0]?.until.getTime() ?? NaN;
  }

  end(): Promise<void> {
    return this.#victim.end();
  }

  /** The step at which the next server is killed while it makes up for the last; null: it lives. */
  async #restart(step: number): Promise<string | null> {
    const killedAt = step === 0 ? null : await this.#victim.restartUntil(step, () => this.#settled());
    if (step === 0 || killedAt !== null) await this.#victim.restart();
    return killedAt;
  }

  /** A name that no other operation uses. */
  name(part: string): string {
    return `${this.#operation.name}.${part}`;
  }

  /** Makes a role whose users are made over a connection. */
  async role(name: string, { connection = 'main', mount = 'database' } = {}): Promise<void> {
    await this.call('POST', `${mount}/roles/${name}`, {
      db_name: connection,
      creation_statements: [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`],
      default_ttl: '1h',
      max_ttl: '24h',
    });
  }

  /** Makes a connection over which users are made. */
  async connection(name: string, { mount = 'database', username = '', password = '' } = {}): Promise<void> {
    const superuser = { username: this.#database.username, password: this.#database.password };
    await this.call('POST', `${mount}/config/${name}`, {
      plugin_name: 'postgresql-database-plugin',
      connection_url: this.#database.url(),
      ...(username === '' ? superuser : { username, password }),
      allowed_roles: '*',
      username_template: '{{ printf "v-%s-%s" .RoleName (random 12) }}',
    });
  }

  /** Waits until every lease that there is stands and no password is being changed: whatever was half done is ended. */
  async #settled(): Promise<void> {
    for (const start = performance.now(); ;) {
      const leases = await this.#leases();
      const standing = await Promise.all(leases.map(async (id) => (await this.leaseOf(id)) !== null));
      const { body } = await this.call('GET', 'database/rotations');
      const { rotations } = body?.['data'] as { rotations: readonly object[] };
      if (standing.every(Boolean) && rotations.length === 0) return;
      if (performance.now() - start > longestSettling) {
        throw new Error(`not all of it is ended: ${leases.join(', ')} ${JSON.stringify(rotations)}`);
      }
    }
  }

  /** Has each lease a user, and each user a lease? A role has one user at most. */
  async #agree(): Promise<void> {
    const leases = (await this.#leases()).map((id) => id.split('/')[2] ?? '').sort();
    const like = 'SELECT rolname AS name FROM pg_roles WHERE starts_with(rolname, $1)';
    const users = await this.sql<{ name: string }>(like, [`v-${this.name('')}`]);
    const roles = users.map(({ name }) => /^v-(.*)-\w{12}$/.exec(name)?.[1] ?? '').sort();
    if (leases.join() !== roles.join()) {
      throw new Error(`there are leases of ${leases.join(', ')}, and users of ${roles.join(', ')}`);
    }
  }

  /** The ids of all leases that the store knows of, whatever their state. */
  async #leases(ofRole?: string): Promise<readonly string[]> {
    const below = async (folder: string): Promise<readonly string[]> => {
      const { body } = await this.call('GET', `sys/leases/lookup/${folder}?list=true`);
      const { keys = [] } = (body?.['data'] ?? {}) as { keys?: readonly string[] };
      return keys.map((key) => folder + key);
    };
    if (ofRole !== undefined) return below(`database/creds/${ofRole}/`);
    // Logins have leases, too.
    const mounts = (await below('')).filter((mount) => mount !== 'auth/');
    const folders = await Promise.all(mounts.map((mount) => below(`${mount}creds/`)));
    return (await Promise.all(folders.flat().map(below))).flat();
  }
}

/** Milliseconds: longer than a revocation that failed once waits for its next turn. */
const longestSettling = 30_000;
