import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import type { TestDatabase } from '../../databases/test-database.ts';
import { world, type World } from '../../world.ts';

/** What a kind of database needs for passwords that change. */
export interface RotationDialect {
  readonly name: string;
  readonly plugin: string;
  start(): Promise<TestDatabase>;
  /** Creation statements of a user that can log in. */
  readonly creation: readonly string[];
  /** Of one that may change its own password; null: nobody may. */
  readonly ownCreation: readonly string[] | null;
  /** Of one that makes and removes users, and changes passwords. */
  readonly rootCreation: readonly string[];
}

interface Credential {
  readonly username: string;
  readonly password: string;
}

/** What every kind of database does with passwords that change, through the API of a whole system, with a real server. */
export function rotationConformance(dialect: RotationDialect): void {
  let server: TestDatabase;
  let at: World;

  beforeAll(async () => {
    server = await dialect.start();
  });
  afterAll(() => server.stop());

  async function place(creation: readonly string[]): Promise<Credential> {
    at = await world({ time: Date.now() });
    at.system.reconciler.start();
    await at.write('sys/mounts/database', { type: 'database' });
    await connect('main', server);
    return made('main', creation);
  }

  const connect = (name: string, { username, password }: Credential) =>
    at.write(`database/config/${name}`, {
      plugin_name: dialect.plugin,
      connection_url: server.url(),
      username,
      password,
      allowed_roles: '*',
    });

  /** A user of the database, made by a connection. */
  async function made(connection: string, creation: readonly string[]): Promise<Credential> {
    const name = `of-${connection}`;
    await at.write(`database/roles/${name}`, {
      db_name: connection,
      creation_statements: [...creation],
      default_ttl: '8h',
      max_ttl: '8h',
    });
    return (await at.read(`database/creds/${name}`)).data as unknown as Credential;
  }

  async function logsIn({ username, password }: Credential): Promise<boolean> {
    try {
      await (await server.login(username, password)).close();
      return true;
    } catch {
      return false;
    }
  }

  async function settle(): Promise<boolean> {
    const clean = await at.system.tidy(at.clock.now() + 10_000);
    at.system.reconciler.start();
    return clean;
  }

  const present = async (): Promise<Credential> => (await at.read('database/static-creds/app')).data as unknown as Credential;

  async function follows(user: Credential, role: JsonObject): Promise<void> {
    await at.write('database/static-roles/app', { username: user.username, db_name: 'main', rotation_period: '1h', ...role });
    const first = await present();
    expect([await logsIn(user), await logsIn(first)]).toEqual([false, true]);
    at.clock.time += 3_600_000;
    expect(await settle()).toBe(true);
    const second = await present();
    expect([await logsIn(first), await logsIn(second)]).toEqual([false, true]);
    await server.kill();
    at.clock.time += 3_600_000;
    expect(await settle()).toBe(false);
    await at.system.close();
    await at.crash();
    await server.run();
    expect(await logsIn(second)).toBe(true);
    at.clock.time += 600_000;
    expect(await settle()).toBe(true);
    expect([await logsIn(second), await logsIn(await present())]).toEqual([false, true]);
  }

  afterEach(async () => {
    for (const prefix of ['database/creds/of-second', 'database']) {
      await at.write(`sys/leases/revoke-prefix/${prefix}`);
      await settle();
    }
    await at.system.close();
    expect(await server.users()).toEqual([]);
  });

  describe(`a password of a user of ${dialect.name}`, () => {
    it('is changed by the connection, and after the server was down', async () => {
      await follows(await place(dialect.creation), {});
    });

    const { ownCreation } = dialect;
    if (ownCreation !== null) {
      it('is changed by the user itself, and after the server was down', async () => {
        const user = await place(ownCreation);
        await follows(user, { self_managed_password: user.password });
      });
    }
  });

  describe(`the password of a connection to ${dialect.name}`, () => {
    it('is changed while users are made, of which none fails', async () => {
      const root = await place(dialect.rootCreation);
      await connect('second', root);
      await made('second', dialect.creation);
      const makings = Array.from({ length: 12 }, () => at.read('database/creds/of-second'));
      const results = await Promise.allSettled([...makings, at.write('database/rotate-root/second')]);
      expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
      expect(await logsIn(root)).toBe(false);
      await at.write('database/reset/second');
      expect(await logsIn(await made('second', dialect.creation))).toBe(true);
    });

    it('works no more after it was deleted: its users are removed as soon as one of its name lets in', async () => {
      const root = await place(dialect.rootCreation);
      await connect('second', root);
      const { username } = await made('second', dialect.creation);
      await at.write('database/reset/second');
      await at.delete('database/config/second');
      await connect('third', root);
      await at.write('database/rotate-root/third');
      const revoked = at.write('sys/leases/revoke-prefix/database/creds/of-second', { sync: true });
      await expect(revoked).rejects.toThrow('the connection "second" was deleted, and its password does not work any more');
      expect(await server.users()).toContain(username);
      await connect('second', server);
      await at.write('sys/leases/revoke-prefix/database/creds/of-second', { sync: true });
      expect(await server.users()).not.toContain(username);
    });
  });
}
