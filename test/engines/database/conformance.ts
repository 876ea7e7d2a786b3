import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { TargetUnavailable } from '../../../src/core/lease.ts';
import { pluginNamed } from '../../../src/engines/database/plugins/index.ts';
import type { ConnectionFields, DatabaseSession } from '../../../src/engines/database/plugins/plugin.ts';
import type { Reply } from '../../../src/protocol/reply.ts';
import { apply, creation as creationOf } from '../../core/changes.ts';
import type { Login, TestDatabase } from '../../databases/test-database.ts';
import { Way } from '../../databases/way.ts';
import { world, type World } from '../../world.ts';

/** What a kind of database calls things: the statements of its roles, and the words in which it refuses. */
export interface Dialect<D extends TestDatabase> {
  readonly name: string;
  readonly plugin: string;
  start(): Promise<D>;
  /** Creation statements of a user that can log in. */
  readonly creation: readonly string[];
  readonly refusals: {
    /** Of a wrong password of the connection. */
    readonly password: RegExp;
    /** Of one connection too many; null: there is no limit that a test can reach. */
    readonly room: RegExp | null;
  };
  /** Creation statements of which the first makes the user and a later one fails, if there can be several. */
  readonly failing: { readonly creation: readonly string[]; readonly refusal: RegExp };
  /** Creation statements that a check finds to be none before anything is made, as it does where others are like these. */
  readonly nonsense: {
    readonly creation: readonly string[];
    /** The same of all others. */
    readonly others: readonly string[];
    readonly refusal: RegExp;
  };
  /** Statements for revocation that are good, and leave the user. */
  readonly useless: readonly string[];
  /** Characters that could end a name or a text, in at most 20 characters. */
  readonly hostileNames: readonly string[];
  /** Something with a hostile name, to which creation statements give a right. */
  readonly hostileSpaces: readonly {
    readonly name: string;
    prepare(server: D): Promise<void>;
    readonly creation: readonly string[];
    clean(server: D): Promise<void>;
  }[];
  /** Creation statements that make the user and then take a minute, and whether they are being worked on. */
  readonly slow: { readonly creation: readonly string[]; underWay(server: D): Promise<boolean> } | null;
  /** Rollback statements for `failing`, and whether they were run, which is also undone. */
  readonly rollback: { readonly statements: readonly string[]; ran(server: D): Promise<boolean> } | null;
  /** Revocation statements. */
  readonly removal: {
    readonly statements: readonly string[];
    /** They leave the user, without a login. */
    readonly ofLogin: readonly string[];
    /** They do something, then fail until the repair. */
    readonly failing: { readonly statements: readonly string[]; repair(server: D): Promise<void> };
  } | null;
  /** Until when the database itself lets a user in, in milliseconds since the epoch; null: it knows no such time. */
  readonly expiry: ((server: D, name: string) => Promise<number>) | null;
  /** Can sessions of a user that is removed be ended? */
  readonly endsSessions: boolean;
}

interface Credential {
  readonly leaseId: string;
  readonly username: string;
  readonly password: string;
}

const hour = 3_600_000;

/** What every kind of database does, through the API of a whole system, with a real server. */
export function conformance<D extends TestDatabase>(dialect: Dialect<D>): void {
  const { creation } = dialect;
  let server: D;
  let at: World;

  beforeAll(async () => {
    server = await dialect.start();
  });
  afterAll(() => server.stop());

  // Whatever happened: no user without a lease, no lease without a user.
  afterEach(async () => {
    await at.write('sys/leases/revoke-prefix/database').catch(() => undefined);
    await recovered();
    await at.system.close();
    expect([leaseKeys(), await server.users()]).toEqual([[], []]);
  });

  const connection = (): JsonObject => ({
    plugin_name: dialect.plugin,
    connection_url: server.url(),
    username: server.username,
    password: server.password,
    allowed_roles: '*',
  });

  async function mounted(): Promise<void> {
    at = await world({ time: Date.now() });
    at.system.reconciler.start();
    await at.write('sys/mounts/database', { type: 'database' });
  }

  async function place(role: JsonObject = {}, more: JsonObject = {}): Promise<void> {
    await mounted();
    await at.write('database/config/main', { ...connection(), ...more });
    await makeRole('app', role);
  }

  const makeRole = (name: string, role: JsonObject = {}): Promise<Reply> =>
    at.write(`database/roles/${name}`, {
      db_name: 'main',
      creation_statements: creation,
      default_ttl: '1h',
      max_ttl: '4h',
      ...role,
    });

  async function credential(role = 'app'): Promise<Credential> {
    const { data, leaseId } = await at.read(`database/creds/${role}`);
    const { username, password } = data as { username: string; password: string };
    return { leaseId: leaseId ?? '', username, password };
  }

  const renew = (leaseId: string, increment = ''): Promise<Reply> =>
    at.write('sys/leases/renew', { lease_id: leaseId, ...(increment === '' ? {} : { increment }) });

  /** The status with which it is revoked at once. */
  const revoke = (leaseId: string): Promise<number> => at.status('write', 'sys/leases/revoke', { lease_id: leaseId, sync: true });

  /** Has the background do what is due. True: nothing of it failed. */
  const settle = (): Promise<boolean> => at.system.tidy(at.clock.now() + 10_000);

  /** Lets the waits after failures pass, and has what is due done then. */
  async function recovered(): Promise<void> {
    at.clock.time += hour / 3;
    await settle();
    at.clock.time += hour / 3;
    expect(await settle()).toBe(true);
  }

  const leaseKeys = (): readonly string[] => [...at.medium.entries.keys()].filter((key) => key.startsWith('core/lease/'));

  async function loggedIn({ username, password }: Credential): Promise<string> {
    const login = await server.login(username, password);
    await login.close();
    return login.user;
  }

  const isOut = (user: Credential): Promise<unknown> => expect(loggedIn(user)).rejects.toThrow();

  describe(`a connection to ${dialect.name}`, () => {
    it('is tried before it is written, and read back without its password', async () => {
      await mounted();
      await at.write('database/config/main', connection());
      const { data } = await at.read('database/config/main');
      expect(data).toMatchObject({
        plugin_name: dialect.plugin,
        allowed_roles: ['*'],
        connection_details: { username: server.username, connection_url: server.url() },
      });
      expect(JSON.stringify(data)).not.toContain(server.password);
      expect((await at.list('database/config')).data).toMatchObject({ keys: ['main'] });
      await at.delete('database/config/main');
      expect(await at.status('read', 'database/config/main')).toBe(404);
    });

    it('with a wrong password is refused with the words of the database, which quote it not, and is not written', async () => {
      await mounted();
      const { status, message } = await refused(
        at.write('database/config/main', { ...connection(), password: 'wr0ng-p4ssword' }),
      );
      expect([status, message]).toEqual([400, expect.stringMatching(/^error creating database object: error verifying/)]);
      expect(message).toMatch(dialect.refusals.password);
      expect(message).not.toContain('wr0ng-p4ssword');
      expect(await at.status('read', 'database/config/main')).toBe(404);
    });

    it('to a server that does not answer is refused, and written where it is not to be tried', async () => {
      await mounted();
      const way = await Way.to(server.port);
      await way.close();
      const nowhere = { ...connection(), connection_url: server.url(way.port) };
      const { status, message } = await refused(at.write('database/config/main', nowhere));
      expect([status, message]).toEqual([400, expect.stringContaining('error verifying connection: ')]);
      expect(message).not.toContain(server.password);
      expect(await at.status('read', 'database/config/main')).toBe(404);
      await at.write('database/config/main', { ...nowhere, verify_connection: false });
      expect((await at.read('database/config/main')).data).toMatchObject({ verify_connection: false });
    });

    it('that cannot be one is refused', async () => {
      await mounted();
      for (const url of ['', 'nonsense', `${server.url()}{{nothing}}`, 'gopher://{{username}}:{{password}}@127.0.0.1/']) {
        expect(await at.status('write', 'database/config/main', { ...connection(), connection_url: url })).toBe(400);
      }
    });

    it('is used by the roles that it allows', async () => {
      await place({}, { allowed_roles: 'app,team-*' });
      await makeRole('team-a');
      await makeRole('other');
      expect(await loggedIn(await credential('team-a'))).toMatch(/team-a/);
      expect(await refused(at.read('database/creds/other'))).toMatchObject({
        message: '"other" is not an allowed role of the connection "main": add it to its allowed_roles',
      });
      await at.write('database/config/main', { allowed_roles: '' });
      expect(await at.status('read', 'database/creds/app')).toBe(400);
      await at.write('database/config/main', { allowed_roles: 'app' });
      expect(await at.status('read', 'database/creds/app')).toBe(200);
    });
  });

  describe(`a role of ${dialect.name}`, () => {
    it('is made, changed, listed and deleted', async () => {
      await place();
      await at.write('database/roles/app', { max_ttl: '2h' });
      expect((await at.read('database/roles/app')).data).toMatchObject({
        db_name: 'main',
        creation_statements: creation,
        default_ttl: 3600,
        max_ttl: 7200,
      });
      expect((await at.list('database/roles')).data).toMatchObject({ keys: ['app'] });
      await at.delete('database/roles/app');
      expect(await at.status('read', 'database/roles/app')).toBe(404);
      expect(await at.status('read', 'database/creds/app')).toBe(400);
    });

    it('is tried with the connection that is planned beside it, and neither is written where it is nonsense', async () => {
      await mounted();
      const role = { db_name: 'main', creation_statements: dialect.nonsense.creation, default_ttl: '1h' };
      const changes = (over: JsonObject = {}) => [
        creationOf('DatabaseConnection', 'main', 'database/config/main', connection()),
        creationOf('DatabaseRole', 'app', 'database/roles/app', { ...role, ...over }),
      ];
      const refusal = await refused(apply(at, changes()));
      expect([refusal.status, refusal.message]).toEqual([400, expect.stringMatching(dialect.nonsense.refusal)]);
      expect(await at.status('read', 'database/config/main')).toBe(404);
      await apply(at, changes({ creation_statements: creation }));
      expect(await server.users()).toEqual([]);
      expect(await loggedIn(await credential())).toMatch(/^v-/);
    });

    it.each(['revocation_statements', 'rollback_statements', 'renew_statements'])(
      'is not written by an apply whose %s are nonsense, and no user is left of the trial',
      async (field) => {
        await place();
        const role = { db_name: 'main', creation_statements: creation, [field]: dialect.nonsense.others };
        await at.delete('database/roles/app');
        const checked = await refused(apply(at, [creationOf('DatabaseRole', 'app', 'database/roles/app', role)]));
        expect([checked.status, checked.message]).toEqual([400, expect.stringMatching(dialect.nonsense.refusal)]);
        expect(checked.message).toContain(field);
        expect(await at.status('read', 'database/roles/app')).toBe(404);
        expect(await server.users()).toEqual([]);
      },
    );
  });

  describe(`a user of ${dialect.name}`, () => {
    it('is made for whoever asks, logs in, lives on when renewed, and is gone when its lease is', async () => {
      await place();
      const reply = await at.read('database/creds/app');
      expect(reply).toMatchObject({
        leaseDuration: 3600,
        renewable: true,
        leaseId: expect.stringMatching(/^database\/creds\/app\/\w{24}$/) as string,
      });
      const user = { leaseId: reply.leaseId ?? '', ...(reply.data as unknown as { username: string; password: string }) };
      expect(user.username).toMatch(/^v-root-app-\w{8,20}(-\d*)?$/);
      expect(await loggedIn(user)).toBe(user.username);
      const grace = 5000;
      const expiry = () => dialect.expiry?.(server, user.username);
      const seconds = (time: number) => Math.floor(time / 1000) * 1000;
      if (dialect.expiry !== null) expect(await expiry()).toBe(seconds(at.clock.time + hour + grace));

      at.clock.time += 3000 * 1000;
      expect(await renew(user.leaseId, '1h')).toMatchObject({ leaseDuration: 3600 });
      if (dialect.expiry !== null) expect(await expiry()).toBe(seconds(at.clock.time + hour + grace));
      at.clock.time += 3599 * 1000;
      expect(await settle()).toBe(true);
      expect(await loggedIn(user)).toBe(user.username);
      at.clock.time += 2000;
      expect(await settle()).toBe(true);
      expect([leaseKeys(), await server.users()]).toEqual([[], []]);
      await isOut(user);
    });

    it('is gone when its lease is revoked, and no other with it', async () => {
      await place();
      const [one, two] = [await credential(), await credential()];
      expect(await revoke(one.leaseId)).toBe(204);
      expect(await server.users()).toEqual([two.username]);
      await isOut(one);
      expect(await loggedIn(two)).toBe(two.username);
    });

    if (dialect.endsSessions) {
      it('has its sessions ended when it is removed, where the role says so', async () => {
        await place({ terminate_sessions: true });
        const user = await credential();
        const session: Login = await server.login(user.username, user.password);
        expect(await revoke(user.leaseId)).toBe(204);
        await session.ended;
        await isOut(user);
      });
    }

    it('that somebody removed by hand is success', async () => {
      await place();
      const { leaseId, username } = await credential();
      await server.removeUser(username);
      expect(await revoke(leaseId)).toBe(204);
      expect(leaseKeys()).toEqual([]);
    });

    it('whose making fails half way is not left behind, and the refusal quotes no password', async () => {
      await place({ creation_statements: dialect.failing.creation });
      const { status, message } = await refused(at.read('database/creds/app'));
      expect([status, message]).toEqual([500, expect.stringMatching(/^creating the user: /)]);
      expect(message).toMatch(dialect.failing.refusal);
      expect(await settle()).toBe(true);
      expect([leaseKeys(), await server.users()]).toEqual([[], []]);
    });

    const { rollback, removal } = dialect;
    if (rollback !== null) {
      it('whose making fails half way is removed even where the rollback statements of its role do not', async () => {
        await place({ creation_statements: dialect.failing.creation, rollback_statements: rollback.statements });
        expect(await at.status('read', 'database/creds/app')).toBe(500);
        expect(await rollback.ran(server)).toBe(true);
        expect(await settle()).toBe(true);
        expect([leaseKeys(), await server.users()]).toEqual([[], []]);
      });
    }

    if (removal !== null) {
      it('is removed by the statements of its role; those that fail are tried again', async () => {
        await place({ revocation_statements: removal.statements });
        await makeRole('half', { revocation_statements: removal.failing.statements });
        const [whole, half] = [await credential(), await credential('half')];
        expect(await revoke(whole.leaseId)).toBe(204);
        await isOut(whole);
        expect(await refused(at.write('sys/leases/revoke', { lease_id: half.leaseId, sync: true }))).toMatchObject({
          status: 500,
          message: expect.stringContaining('revoking the user: ') as string,
        });
        expect(await server.users()).toEqual([half.username]);
        await isOut(half);
        await removal.failing.repair(server);
        await recovered();
        expect([leaseKeys(), await server.users()]).toEqual([[], []]);
      });

      it('who can log in after the statements of its role keeps its lease, until the role is corrected', async () => {
        await place({ revocation_statements: dialect.useless });
        const user = await credential();
        expect(await refused(at.write('sys/leases/revoke', { lease_id: user.leaseId, sync: true }))).toMatchObject({
          status: 500,
          message: expect.stringContaining(
            `revocation_statements left the user "${user.username}", who can still log in: drop it, or take its login away`,
          ) as string,
        });
        expect(leaseKeys()).not.toEqual([]);
        expect(await loggedIn(user)).toBe(user.username);
        await at.write('database/roles/app', { revocation_statements: removal.statements });
        expect(await revoke(user.leaseId)).toBe(204);
        await isOut(user);
        expect([leaseKeys(), await server.users()]).toEqual([[], []]);
      });

      it('who is there still but cannot log in any more has lost its lease', async () => {
        await place({ revocation_statements: removal.ofLogin });
        const user = await credential();
        expect(await revoke(user.leaseId)).toBe(204);
        await isOut(user);
        expect([leaseKeys(), await server.users()]).toEqual([[], [user.username]]);
        await server.removeUser(user.username);
      });

      it('whom rollback statements leave is removed all the same', async () => {
        await place({ creation_statements: dialect.failing.creation, rollback_statements: dialect.useless });
        expect(await at.status('read', 'database/creds/app')).toBe(500);
        expect(await settle()).toBe(true);
        expect([leaseKeys(), await server.users()]).toEqual([[], []]);
      });

      it('whom the statements of its time cannot remove is removed by those that its role has now', async () => {
        const { nonsense } = dialect;
        await place({ revocation_statements: nonsense.others });
        const [one, two, three] = [await credential(), await credential(), await credential()];
        const ending = () => refused(at.write('sys/leases/revoke', { lease_id: one.leaseId, sync: true }));
        const { status, message } = await ending();
        expect([status, message]).toEqual([500, expect.stringMatching(nonsense.refusal)]);
        expect(message).not.toContain('as it says now');

        // Corrected, but not well.
        await at.write('database/roles/app', { revocation_statements: ['SELECT nothing FROM nowhere_at_all'] });
        expect(await ending()).toMatchObject({
          status: 500,
          message: expect.stringMatching(
            /as the role "app" said when the user was made: .*; as it says now: revoking the user: ./,
          ) as string,
        });
        expect(await server.users()).toHaveLength(3);
        await at.write('database/roles/app', { revocation_statements: removal.statements });
        expect(await revoke(two.leaseId)).toBe(204);
        expect([...(await server.users())].sort()).toEqual([one.username, three.username].sort());

        // One that is gone says nothing.
        await at.delete('database/roles/app');
        expect((await ending()).message).toMatch(nonsense.refusal);
        await makeRole('app');
        expect(await revoke(three.leaseId)).toBe(204);
        await recovered();
        expect([leaseKeys(), await server.users()]).toEqual([[], []]);
      });
    }

    it.each(dialect.hostileNames)('is named %j, and that is one name', async (name) => {
      const template = (random: number) => `{{ printf "v-%s-%s" ${JSON.stringify(name)} (random ${random}) }}`;
      await place({}, { username_template: 'y-{{random 8}}' });
      const canary = await credential();
      await at.write('database/config/main', { username_template: template(8) });
      const user = await credential();
      expect(user.username).toBe(`v-${name}-${user.username.slice(-8)}`);
      expect(await loggedIn(user)).toBe(user.username);
      expect((await renew(user.leaseId)).leaseDuration).toBe(3600);
      expect(await revoke(user.leaseId)).toBe(204);
      expect(await server.users()).toEqual([canary.username]);
      expect(await loggedIn(canary)).toBe(canary.username);
    });

    it('whose name no user can have, or somebody else too, is not made', async () => {
      await place({}, { username_template: `${'v-'.repeat(500)}{{random 8}}` });
      expect(await refused(at.read('database/creds/app'))).toMatchObject({
        status: 400,
        message: expect.stringContaining('username_template makes names that no user can have') as string,
      });
      const refusal = { status: 400, message: expect.stringContaining('a user is removed by its name') as string };
      for (const username_template of ['v-app', 'v-{{.RoleName}}-{{unix_time}}', 'v-{{random 7}}']) {
        expect(await refused(at.write('database/config/main', { username_template }))).toMatchObject(refusal);
      }
      // For roles of short names only there is something random left.
      await at.write('database/config/main', { username_template: '{{ printf "v-%s-%s" .RoleName (random 8) | truncate 12 }}' });
      expect(await refused(at.read('database/creds/app'))).toMatchObject(refusal);
      expect(leaseKeys()).toEqual([]);
    });

    it('has a password of the policy of its connection, whatever characters these are', async () => {
      await place();
      const charset = `'"\`\\;$%{}-`;
      const policy = `length = 40\n${Array.from(charset, (each) => `rule "charset" { charset = ${JSON.stringify(each)} min-chars = 1 }`).join('\n')}`;
      await at.write('sys/policies/password/hostile', { policy });
      await at.write('database/config/main', { password_policy: 'hostile' });
      for (let tries = 0; tries < 4; tries++) {
        const user = await credential();
        expect(user.password).toMatch(/^['"`\\;$%{}-]{40}$/);
        expect(await loggedIn(user)).toBe(user.username);
      }
    });

    for (const space of dialect.hostileSpaces) {
      it(`that was given a right to ${space.name} is removed with it`, async () => {
        await space.prepare(server);
        await place({ creation_statements: space.creation });
        const user = await credential();
        expect(await loggedIn(user)).toBe(user.username);
        expect(await revoke(user.leaseId)).toBe(204);
        expect(await server.users()).toEqual([]);
        await space.clean(server);
      });
    }
  });

  describe(`${dialect.name} on a bad day`, () => {
    it('down at issue: refuses with the reason, and owes nothing when it is back', async () => {
      await place();
      await server.kill();
      const { status, message } = await refused(at.read('database/creds/app'));
      expect([status, message]).toEqual([500, expect.stringMatching(/^creating the user: ./)]);
      expect(message).not.toContain(server.password);
      expect(leaseKeys()).not.toEqual([]);
      await server.run();
      await recovered();
      expect([leaseKeys(), await server.users()]).toEqual([[], []]);
    });

    it('down at renew: the lease keeps the time that the database knows of', async () => {
      await place();
      const { leaseId, username } = await credential();
      const expiresAt = async () => (await at.write('sys/leases/lookup', { lease_id: leaseId })).data!['expire_time'];
      const before = await expiresAt();
      at.clock.time += 600_000;
      await server.kill();
      const renewal = await refused(renew(leaseId));
      if (dialect.expiry !== null) {
        expect([renewal.status, renewal.message]).toEqual([500, expect.stringContaining('renewing the user')]);
        expect(await expiresAt()).toBe(before);
      } else {
        // The database knows of no time, so there is nothing to tell it.
        expect(renewal.status).toBe(200);
        expect(await expiresAt()).not.toBe(before);
      }
      await server.run();
      at.clock.time += 2 * hour;
      await recovered();
      expect(await server.users()).not.toContain(username);
    });

    it('down at revoke: accepted, with sync a failure, and the user is gone soon after it is back', async () => {
      await place();
      const [one, two, three] = [await credential(), await credential(), await credential()];
      await server.kill();
      expect(await revoke(two.leaseId)).toBe(500);
      expect(await at.status('write', 'sys/leases/revoke', { lease_id: one.leaseId })).toBe(202);
      expect(await at.status('write', 'sys/leases/renew', { lease_id: one.leaseId })).toBe(400);
      // From the first failure on only one lease is tried with the database, and the others fail with it.
      expect(await refused(at.write('sys/leases/revoke', { lease_id: three.leaseId, sync: true }))).toMatchObject({
        status: 500,
        message: expect.stringContaining('it is not ended yet, and tried again: revoking the user: ') as string,
      });
      await server.run();
      await recovered();
      expect([leaseKeys(), await server.users()]).toEqual([[], []]);
    });

    it('down at the end of a mount: it stays until the last user is gone, and only then is what it held shredded', async () => {
      await place();
      await credential();
      const { uuid } = (await at.read('sys/mounts/database')).data!;
      const held = () => [...at.medium.entries.keys()].filter((key) => key.includes(String(uuid)));
      await server.kill();
      await at.delete('sys/mounts/database');
      expect(await at.status('read', 'database/creds/app')).toBe(404);
      expect(await settle()).toBe(false);
      expect(held().length).toBeGreaterThan(0);
      await server.run();
      await recovered();
      expect(await server.users()).toEqual([]);
      expect(held().filter((key) => !key.includes('shredded'))).toEqual([]);
    });

    it('restarted between two requests: the next one makes new connections', async () => {
      await place();
      const before = await credential();
      await server.kill('crash');
      await server.run();
      const after = await credential();
      expect(await loggedIn(after)).toBe(after.username);
      expect(await loggedIn(before)).toBe(before.username);
    });

    const { slow } = dialect;
    if (slow !== null) {
      it('crashed while it makes a user: refuses, and neither user nor lease is left', async () => {
        await place({ creation_statements: slow.creation });
        const request = refused(at.read('database/creds/app'));
        await until(() => slow.underWay(server));
        await server.kill('crash');
        expect((await request).status).toBe(500);
        await server.run();
        await recovered();
        expect([leaseKeys(), await server.users()]).toEqual([[], []]);
      });
    }

    if (slow !== null) {
      it('given up on while it still makes a user: that is ended, and the user removed', async () => {
        await mounted();
        const session = sessionOver(dialect.plugin, { ...server, url: server.url() });
        const time = new AbortController();
        const late = { name: 'v-late', password: 'l4te-secret', expiration: at.clock.time + hour, rollback: [] };
        const making = session.create({ ...late, creation: slow.creation }, time.signal);
        const refusal = expect(making).rejects.toThrow(/^creating the user: /);
        await until(() => slow.underWay(server));
        time.abort();
        await refusal;
        const options = { ownedObjects: 'keep', reassignTo: '', terminateSessions: false } as const;
        await session.revoke({ name: 'v-late', revocation: [], options, pending: true }, AbortSignal.timeout(20_000));
        await session.close();
        expect(await server.users()).toEqual([]);
        expect(await slow.underWay(server)).toBe(false);
      });
    }

    const { room } = dialect.refusals;
    if (room !== null) {
      it('without a connection to spare: refuses with its own words, and gives one when there is room again', async () => {
        await place();
        await at.write('database/reset/main');
        const taken: Login[] = [];
        for (;;) {
          const login = await server.login(server.username, server.password).catch(() => null);
          if (login === null) break;
          taken.push(login);
        }
        expect(await refused(at.read('database/creds/app'))).toMatchObject({
          status: 500,
          message: expect.stringMatching(room) as string,
        });
        await Promise.all(taken.map((login) => login.close()));
        await until(async () => (await at.status('read', 'database/creds/app')) === 200);
        expect(await settle()).toBe(true);
      });
    }

    it('that does not answer: every call ends within its time, and what it was asked for is taken back', async () => {
      await place();
      const { username } = await credential();
      const way = await Way.to(server.port);
      const session = sessionOver(dialect.plugin, { ...server, url: server.url(way.port) });
      const rest = { revocation: [], options: { ownedObjects: 'keep', reassignTo: '', terminateSessions: false } } as const;
      const made = { name: 'v-late', password: 'l4te-secret', expiration: at.clock.time + hour, creation, rollback: [] };
      const calls: readonly ((signal: AbortSignal) => Promise<unknown>)[] = [
        (signal) => session.verify(signal),
        (signal) => session.create(made, signal),
        (signal) => session.revoke({ name: 'v-late', pending: true, ...rest }, signal),
        (signal) => session.setPassword({ name: username, password: 'l4te-secret', rotation: [] }, signal),
        (signal) => session.letsIn(username, 'l4te-secret', signal),
      ];
      try {
        for (const call of calls) {
          way.unblock();
          await session.verify(AbortSignal.timeout(10_000));
          way.block();
          const refusal: unknown = await call(AbortSignal.timeout(100)).catch((error: unknown) => error);
          expect(refusal).toBeInstanceOf(TargetUnavailable);
          expect((refusal as Error).message).not.toMatch(/l4te-secret/);
          expect((refusal as Error).message).not.toContain(server.password);
        }
        way.unblock();
        await session.revoke({ name: 'v-late', pending: true, ...rest }, AbortSignal.timeout(10_000));
      } finally {
        await session.close();
        await way.close();
      }
      expect(await server.users()).toEqual([username]);
    });
  });

  describe(`what changes under leases of ${dialect.name}`, () => {
    it('a deleted connection still serves to end them', async () => {
      await place();
      const { leaseId } = await credential();
      await at.delete('database/config/main');
      expect(await at.status('read', 'database/creds/app')).toBe(400);
      expect(await revoke(leaseId)).toBe(204);
      expect([leaseKeys(), await server.users()]).toEqual([[], []]);
    });

    it('a connection that was made anew under its name does not take them over', async () => {
      await place();
      const { leaseId } = await credential();
      await at.delete('database/config/main');
      const way = await Way.to(server.port);
      await way.close();
      await at.write('database/config/main', {
        ...connection(),
        connection_url: server.url(way.port),
        verify_connection: false,
      });
      expect(await revoke(leaseId)).toBe(204);
      expect(await server.users()).toEqual([]);
    });

    it('a changed connection serves them as it is now', async () => {
      await place();
      const { leaseId } = await credential();
      const way = await Way.to(server.port);
      await at.write('database/config/main', { connection_url: server.url(way.port) });
      expect(await revoke(leaseId)).toBe(204);
      expect(await server.users()).toEqual([]);
      await at.write('database/config/main', { connection_url: server.url() });
      await way.close();
    });

    it('a changed role is what renewals go by; a user is removed as it was to be when it was made', async () => {
      await place();
      const { leaseId } = await credential();
      await at.write('database/roles/app', { default_ttl: '10m', max_ttl: '30m', revocation_statements: dialect.useless });
      expect(await renew(leaseId)).toMatchObject({ leaseDuration: 600 });
      at.clock.time += 500_000;
      expect(await renew(leaseId, '4h')).toMatchObject({ leaseDuration: 1300 });
      expect(await revoke(leaseId)).toBe(204);
      expect(await server.users()).toEqual([]);
    });

    it('a deleted role renews nothing, and its users are removed in time', async () => {
      await place();
      const { leaseId, username } = await credential();
      await at.delete('database/roles/app');
      expect(await refused(renew(leaseId))).toMatchObject({
        status: 400,
        message: expect.stringContaining('could not find role with name "app"') as string,
      });
      expect(await server.users()).toEqual([username]);
      at.clock.time += hour + 1000;
      expect(await settle()).toBe(true);
      expect(await server.users()).toEqual([]);
    });
  });

  describe(`the password of a user of ${dialect.name}`, () => {
    it('is set anew, whatever characters it has, and from then on only the new one lets in', async () => {
      await place();
      const user = await credential();
      const session = sessionOver(dialect.plugin, { ...server, url: server.url() });
      const signal = AbortSignal.timeout(20_000);
      try {
        expect(await session.letsIn(user.username, user.password, signal)).toBe(true);
        const password = `a'b"c\`d\\e;f$g{{name}}%`;
        await session.setPassword({ name: user.username, password, rotation: [] }, signal);
        expect(await session.letsIn(user.username, user.password, signal)).toBe(false);
        expect(await session.letsIn(user.username, password, signal)).toBe(true);
        expect(await loggedIn({ ...user, password })).toBe(user.username);
        expect(await session.letsIn('v-nobody', password, signal)).toBe(false);
        await expect(session.setPassword({ name: 'v-nobody', password, rotation: [] }, signal)).rejects.toThrow(
          /^setting the password of v-nobody: /,
        );
      } finally {
        await session.close();
      }
    });
  });
}

/** A session of the plug-in itself, for what the API of the system has no request for. */
function sessionOver(
  plugin: string,
  { url, username, password }: Pick<ConnectionFields, 'url' | 'username' | 'password'>,
): DatabaseSession {
  return pluginNamed(plugin)!.open({ url, username, password, details: {}, maxOpen: 2, maxIdle: 2, maxLifetime: 0 });
}

/** The refusal of a request. */
async function refused(request: Promise<unknown>): Promise<{ readonly status: number; readonly message: string }> {
  return request.then(
    () => ({ status: 200, message: '' }),
    (error: unknown) => error as { readonly status: number; readonly message: string },
  );
}

/** The tries of a test give way to what they wait for. */
async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await setImmediate();
}
