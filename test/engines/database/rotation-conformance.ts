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
  /** What the database says to a user of `creation` who wants to set the password of another. */
  readonly mayNot: RegExp;
  /** Statements that are none. */
  readonly nonsense: readonly string[];
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

  describe(`a static role of ${dialect.name} that could not work`, () => {
    const refusal = async (role: JsonObject): Promise<string> => {
      const body = { db_name: 'main', rotation_period: '1h', ...role };
      const message = await at.write('database/static-roles/app', body).then(
        () => '',
        (error: unknown) => (error as Error).message,
      );
      expect(await at.status('read', 'database/static-roles/app')).toBe(404);
      return message;
    };

    it.each([false, true])('is not written where its user is not there, with skip_import_rotation %s too', async (skip) => {
      await place(dialect.creation);
      expect(await refusal({ username: 'v-nobody', skip_import_rotation: skip })).toBe(
        'username: there is no user "v-nobody" in the database',
      );
    });

    it('is not written where the user of the connection may not change the password, which stays as it is', async () => {
      const user = await place(dialect.creation);
      await connect('second', user);
      const other = (await at.read('database/creds/of-main')).data as unknown as Credential;
      expect(await refusal({ username: other.username, db_name: 'second' })).toMatch(dialect.mayNot);
      expect(await refusal({ username: other.username, skip_import_rotation: true, db_name: 'second' })).toMatch(dialect.mayNot);
      expect(await logsIn(other)).toBe(true);
    });

    it('is not written where its statements are none, and the password stays as it is', async () => {
      const user = await place(dialect.creation);
      const message = await refusal({ username: user.username, rotation_statements: dialect.nonsense });
      expect(message).toMatch(/rotation_statements/);
      expect(message).not.toContain(user.password);
      expect(await logsIn(user)).toBe(true);
    });

    it('is written where it could, and what was tried has not changed the password', async () => {
      const user = await place(dialect.creation);
      const role = { username: user.username, db_name: 'main', rotation_period: '1h', skip_import_rotation: true };
      await at.write('database/static-roles/app', role);
      expect(await logsIn(user)).toBe(true);
      await server.kill();
      await expect(at.write('database/static-roles/app', { rotation_period: '2h' })).rejects.toThrow();
      await server.run();
      await at.write('database/rotate-role/app');
      await server.kill();
      // By now it is known to work: its database may be down while something else of it is changed.
      await at.write('database/static-roles/app', { rotation_period: '3h' });
      await server.run();
      expect(await logsIn(await present())).toBe(true);
    });
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
