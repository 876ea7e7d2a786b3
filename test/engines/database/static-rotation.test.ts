import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { mountedPostgres } from '../../databases/mounted-postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import type { World } from '../../world.ts';

let server: PostgresServer;
let users = 0;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

async function place(connection: JsonObject = {}): Promise<World> {
  const at = await mountedPostgres(server, { connection });
  at.system.reconciler.start();
  return at;
}

/** A user of the database, with the password `first`. */
async function newUser(): Promise<string> {
  const name = `static_${++users}`;
  await server.query(`CREATE ROLE ${name} LOGIN PASSWORD 'first'`);
  return name;
}

async function withRole(fields: JsonObject = {}, connection: JsonObject = {}): Promise<{ at: World; user: string }> {
  const at = await place(connection);
  const user = await newUser();
  await at.write('database/static-roles/app', { db_name: 'main', username: user, rotation_period: '1h', ...fields });
  return { at, user };
}

interface StaticCreds {
  readonly username: string;
  readonly password: string;
  readonly ttl: number;
  readonly last_vault_rotation: string | null;
}

const creds = async (at: World): Promise<StaticCreds> =>
  (await at.read('database/static-creds/app')).data as unknown as StaticCreds;
const state = async (at: World): Promise<JsonObject> => (await at.read('database/static-roles/app')).data!;
const settle = async (at: World): Promise<boolean> => {
  const clean = await at.system.tidy(at.clock.now() + 10_000);
  at.system.reconciler.start();
  return clean;
};

async function logsIn(user: string, password: string): Promise<boolean> {
  return server.query('SELECT 1', { user, password }).then(
    () => true,
    () => false,
  );
}

async function refused(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => '',
    (error: unknown) => `${(error as { status: number }).status} ${(error as Error).message}`,
  );
}

const journal = (at: World): readonly string[] => [...at.medium.entries.keys()].filter((key) => key.includes('/rotation/'));

describe('the password of a static role', () => {
  it('is changed when the role is made, when that is due, and when somebody asks', async () => {
    const { at, user } = await withRole();
    const first = await creds(at);
    expect(first).toMatchObject({ username: user, rotation_period: 3600, ttl: 3600 });
    expect([await logsIn(user, 'first'), await logsIn(user, first.password)]).toEqual([false, true]);

    at.clock.time += 3599_000;
    expect(await settle(at)).toBe(true);
    expect(await creds(at)).toMatchObject({ password: first.password, ttl: 1 });
    at.clock.time += 1000;
    expect(await settle(at)).toBe(true);
    const second = await creds(at);
    expect(second.password).not.toBe(first.password);
    expect([await logsIn(user, first.password), await logsIn(user, second.password)]).toEqual([false, true]);
    expect(second.last_vault_rotation).toBe(new Date(at.clock.time).toISOString().replace('.000Z', 'Z'));

    at.clock.time += 60_000;
    expect((await at.write('database/rotate-role/app')).status).toBe(204);
    const third = await creds(at);
    expect([third.ttl, await logsIn(user, second.password), await logsIn(user, third.password)]).toEqual([3600, false, true]);
    expect(journal(at)).toEqual([]);
    await at.system.close();
  });

  it('stays as it is with skip_import_rotation: it is given out where it was told, and refused where nobody knows it', async () => {
    const { at, user } = await withRole({ skip_import_rotation: true });
    expect(await logsIn(user, 'first')).toBe(true);
    expect(await refused(creds(at))).toMatch(/^400 the password of "static_\d+" is not known before it is changed/);
    await at.write('database/static-roles/app', { password: 'first' });
    expect(await creds(at)).toMatchObject({ password: 'first', last_vault_rotation: null });
    expect(await refused(at.write('database/static-roles/app', { password: 'wrong' }))).toMatch(
      /^400 password: the database does not let/,
    );
    at.clock.time += 3600_000;
    expect(await settle(at)).toBe(true);
    expect(await logsIn(user, (await creds(at)).password)).toBe(true);
    await at.system.close();
  });

  it('is changed by the user itself where that manages itself: the user of the connection has no part in it', async () => {
    const at = await place();
    const user = await newUser();
    const role = { db_name: 'main', username: user, rotation_period: '1h', self_managed_password: 'first' };
    await at.write('database/config/main', { username: 'nobody', password: 'x', verify_connection: false });
    await at.write('database/static-roles/app', role);
    const first = await creds(at);
    expect([await logsIn(user, 'first'), await logsIn(user, first.password)]).toEqual([false, true]);
    at.clock.time += 3600_000;
    expect(await settle(at)).toBe(true);
    expect(await logsIn(user, (await creds(at)).password)).toBe(true);
    await at.system.close();
  });

  it('is set by statements of the role, of which one that sets nothing is told apart', async () => {
    const { at, user } = await withRole({ rotation_statements: [`ALTER USER "{{username}}" WITH PASSWORD '{{password}}'`] });
    const { password } = await creds(at);
    expect(await logsIn(user, password)).toBe(true);
    const message = await refused(at.write('database/static-roles/app', { rotation_statements: [`SELECT '{{password}}'`] }));
    expect(message).toBe('');
    expect(await refused(at.write('database/rotate-role/app'))).toBe(
      '500 unable to finish rotating credentials; retries will continue in the background but it is also safe to retry manually: the password is still the old one: do the statements set {{password}}?',
    );
    expect(await creds(at)).toMatchObject({ password });
    expect(await state(at)).toMatchObject({ rotation: { state: 'pending', attempts: 1 } });
    await at.write('database/static-roles/app', { rotation_statements: [] });
    expect(await state(at)).toMatchObject({ rotation: { state: 'idle' } });
    expect(await logsIn(user, (await creds(at)).password)).toBe(true);
    await at.system.close();
  });

  it('that could not be changed is shown as failing until it was, or its role is deleted, whatever becomes of others', async () => {
    const { at } = await withRole();
    await at.write('database/static-roles/app', { credential_config: { password_policy: 'letters' } });
    await at.write('database/static-roles/other', { db_name: 'main', username: await newUser(), rotation_period: '2h' });
    const failing = (): unknown =>
      at.system.reconciler
        .status()
        .find(({ name }) => name === 'mount-jobs')
        ?.troubles.map(({ error }) => error);
    at.clock.time += 3600_000;
    await settle(at);
    expect(failing()).toEqual(['there is no password policy "letters"']);
    await at.write('database/rotate-role/other');
    await settle(at);
    expect(failing()).toEqual(['there is no password policy "letters"']);
    await at.delete('database/static-roles/app');
    at.clock.time += 600_000;
    await settle(at);
    expect(failing()).toEqual([]);
    await at.system.close();
  });

  it('is made by the policy of the connection, or by that of the role', async () => {
    const at = await place({ password_policy: 'digits' });
    for (const [name, charset, length] of [
      ['digits', '0123456789', 24],
      ['letters', 'abcdefghij', 30],
    ] as const) {
      await at.write(`sys/policies/password/${name}`, {
        policy: `length = ${length}\nrule "charset" { charset = "${charset}" }`,
      });
    }
    const user = await newUser();
    await at.write('database/static-roles/app', { db_name: 'main', username: user, rotation_period: '1h' });
    expect((await creds(at)).password).toMatch(/^\d{24}$/);
    await at.write('database/static-roles/app', { credential_config: { password_policy: 'letters' } });
    await at.write('database/rotate-role/app');
    expect((await creds(at)).password).toMatch(/^[a-j]{30}$/);
    await at.write('database/static-roles/app', { credential_config: { password_policy: 'gone' } });
    expect(await refused(at.write('database/rotate-role/app'))).toBe('400 there is no password policy "gone"');
    at.clock.time += 3600_000;
    expect(await settle(at)).toBe(false);
    expect(await state(at)).toMatchObject({ rotation: { state: 'idle', last_error: 'there is no password policy "gone"' } });
    await at.system.close();
  });

  it('stays as it is while no audit log can be written', async () => {
    const { at, user } = await withRole();
    const { password } = await creds(at);
    const append = at.sink.append.bind(at.sink);
    at.sink.append = () => Promise.reject(new Error('the disk is full'));
    at.clock.time += 3600_000;
    expect(await settle(at)).toBe(false);
    expect(await logsIn(user, password)).toBe(true);
    at.sink.append = append;
    at.clock.time += 600_000;
    await settle(at);
    at.clock.time += 600_000;
    await settle(at);
    const after = await creds(at);
    expect([after.password === password, await logsIn(user, after.password)]).toEqual([false, true]);
    await at.system.close();
  });

  it('is changed under the eyes of the audit log, which never sees it', async () => {
    const { at } = await withRole();
    const { password } = await creds(at);
    const facts = at.sink
      .entries()
      .flatMap(({ request }) => (request?.facts?.['event'] === 'password-rotation' ? [request.facts] : []));
    expect(facts).toEqual([
      { event: 'password-rotation', of: 'database/static-roles/app', outcome: 'begun' },
      { event: 'password-rotation', of: 'database/static-roles/app', outcome: 'changed' },
    ]);
    expect(at.sink.lines.join()).not.toContain(password);
    await at.system.close();
  });

  it('never stands in a log of the server', async () => {
    const { at, user } = await withRole();
    const [row] = await server.query<{ stored: string }>('SELECT rolpassword AS stored FROM pg_authid WHERE rolname = $1', {
      values: [user],
    });
    expect(row?.stored).toMatch(/^SCRAM-SHA-256\$4096:/);
    await at.system.close();
  });
});

describe('a database that is down', () => {
  it('refuses a new static role, of which nothing is kept', async () => {
    const at = await place();
    await server.kill();
    const role = { db_name: 'main', username: 'app_user', rotation_period: '1h' };
    expect(await refused(at.write('database/static-roles/app', role))).toMatch(/ECONNREFUSED/);
    expect(await at.status('read', 'database/static-roles/app')).toBe(404);
    expect(journal(at)).toEqual([]);
    await server.run();
    await at.system.close();
  });

  it('keeps a rotation waiting, over a crash too, and gets that password when it is back', async () => {
    const { at, user } = await withRole();
    const before = await creds(at);
    await server.kill();
    at.clock.time += 3600_000;
    expect(await settle(at)).toBe(false);
    expect(await refused(at.write('database/rotate-role/app'))).toMatch(
      /^500 unable to finish rotating credentials;.*ECONNREFUSED/,
    );
    expect(await creds(at)).toMatchObject({ password: before.password, ttl: 0 });
    expect(await state(at)).toMatchObject({
      rotation: { state: 'pending', last_error: expect.stringContaining('ECONNREFUSED') as string },
    });
    expect((await at.read('database/rotations')).data).toMatchObject({
      rotations: [{ of: 'static-roles/app', username: user, state: 'pending' }],
    });
    expect(journal(at)).toHaveLength(1);

    await at.system.close();
    await at.crash();
    await server.run();
    expect(await logsIn(user, before.password)).toBe(true);
    at.clock.time += 60_000;
    expect(await settle(at)).toBe(true);
    const after = await creds(at);
    expect([after.password === before.password, await logsIn(user, after.password)]).toEqual([false, true]);
    expect(journal(at)).toEqual([]);
    await at.system.close();
  });
});

describe('many static roles', () => {
  const count = 20;
  async function withMany(): Promise<{ at: World; names: readonly string[] }> {
    const at = await place();
    const names: string[] = [];
    for (let index = 0; index < count; index++) {
      const username = await newUser();
      await at.write(`database/static-roles/app-${index}`, { db_name: 'main', username, rotation_period: '1h' });
      names.push(`app-${index}`);
    }
    return { at, names };
  }
  const passwords = (at: World, names: readonly string[]): Promise<readonly StaticCreds[]> =>
    Promise.all(names.map(async (name) => (await at.read(`database/static-creds/${name}`)).data as unknown as StaticCreds));

  it('of one database are changed when they are due together, and few of them are tried while it is down', async () => {
    const { at, names } = await withMany();
    const before = await passwords(at, names);
    await server.kill();
    at.clock.time += 3600_000;
    expect(await settle(at)).toBe(false);
    const tried = (await at.read('database/rotations')).data!['rotations'] as readonly { readonly attempts: number }[];
    expect(tried.filter(({ attempts }) => attempts > 0).length).toBeLessThanOrEqual(4);

    await server.run();
    for (let round = 0; round < 4; round++) {
      at.clock.time += 600_000;
      await settle(at);
    }
    const after = await passwords(at, names);
    expect(after.filter(({ password }, index) => password === before[index]?.password)).toEqual([]);
    for (const { username, password } of after) expect(await logsIn(username, password)).toBe(true);
    expect(journal(at)).toEqual([]);
    await at.system.close();
  });
});

describe('a static role', () => {
  it('is changed while its database is down, and says so where its connection is gone', async () => {
    const { at } = await withRole();
    await server.kill();
    await at.write('database/static-roles/app', { rotation_period: '2h' });
    expect(await state(at)).toMatchObject({ rotation_period: 7200 });
    await server.run();
    await at.delete('database/config/main');
    expect(await refused(creds(at))).toBe('400 failed to find entry for connection with name: "main"');
    expect(await refused(at.write('database/rotate-role/app'))).toBe('400 failed to find entry for connection with name: "main"');
    at.clock.time += 7200_000;
    expect(await settle(at)).toBe(false);
    expect(await state(at)).toMatchObject({ rotation: { state: 'pending', last_error: 'there is no connection "main"' } });
    await at.delete('database/static-roles/app');
    expect(journal(at)).toEqual([]);
    await at.system.close();
  });

  it('needs no user of the connection where that is self_managed', async () => {
    const at = await place({ username: '', password: '', self_managed: true });
    const user = await newUser();
    const role = { db_name: 'main', username: user, rotation_period: '1h' };
    expect(await refused(at.write('database/static-roles/app', role))).toContain('its present one must be sent');
    await at.write('database/static-roles/app', { ...role, password: 'first' });
    const { password } = await creds(at);
    expect([await logsIn(user, 'first'), await logsIn(user, password)]).toEqual([false, true]);
    await at.write('database/roles/other', {
      db_name: 'main',
      creation_statements: [`CREATE ROLE "{{name}}" PASSWORD '{{password}}'`],
    });
    expect(await refused(at.read('database/creds/other'))).toContain('it has no user who could make others');
    await at.system.close();
  });
});

describe('a database that wants neither password', () => {
  it('needs a person: both are kept, the reason is shown, and what they set by hand goes on', async () => {
    const { at, user } = await withRole({ self_managed_password: 'first' });
    const before = await creds(at);
    await server.query(`ALTER ROLE ${user} PASSWORD 'by hand'`);
    expect(await refused(at.write('database/rotate-role/app'))).toMatch(
      /the database wants neither the old password nor the new one/,
    );
    expect(await state(at)).toMatchObject({ rotation: { state: 'needs-operator', attempts: 1 } });
    const reply = await at.read('database/static-creds/app');
    expect(reply.data).toMatchObject({ password: before.password });
    expect(reply.warnings?.[0]).toContain('nobody knows whether this password holds');

    at.clock.time += 25 * 3600_000;
    expect(await settle(at)).toBe(false);
    await at.write('database/static-roles/app', { password: 'by hand' });
    expect(await state(at)).toMatchObject({ rotation: { state: 'idle' } });
    expect(await logsIn(user, (await creds(at)).password)).toBe(true);
    await at.system.close();
  });
});

describe('a schedule with a window', () => {
  it('is kept where the database is back in time', async () => {
    const { at, user } = await withRole({ rotation_period: null, rotation_schedule: '0 3 * * *', rotation_window: '1h' });
    const before = await creds(at);
    await server.kill();
    at.clock.time += before.ttl * 1000 + 1000;
    expect(await settle(at)).toBe(false);
    await server.run();
    at.clock.time += 1800_000;
    expect(await settle(at)).toBe(true);
    const after = await creds(at);
    expect([after.password === before.password, await logsIn(user, after.password)]).toEqual([false, true]);
    await at.system.close();
  });

  it('waits for the next time where it is over, whether something was begun or not', async () => {
    const { at, user } = await withRole({ rotation_period: null, rotation_schedule: '0 3 * * *', rotation_window: '1h' });
    const before = await creds(at);
    at.clock.time += (before.ttl + 3601) * 1000;
    expect(await settle(at)).toBe(true);
    const late = await creds(at);
    expect(late).toMatchObject({ password: before.password });
    expect(late.ttl).toBeGreaterThan(22 * 3600);

    await server.kill();
    at.clock.time += late.ttl * 1000 + 1000;
    expect(await settle(at)).toBe(false);
    expect(journal(at)).toHaveLength(1);
    await server.run();
    at.clock.time += 7200_000;
    expect(await settle(at)).toBe(false);
    expect(journal(at)).toEqual([]);
    expect([(await creds(at)).password === before.password, await logsIn(user, before.password)]).toEqual([true, true]);

    at.clock.time += (await creds(at)).ttl * 1000 + 1000;
    expect(await settle(at)).toBe(true);
    const next = await creds(at);
    expect([next.password === before.password, await logsIn(user, next.password)]).toEqual([false, true]);
    await at.system.close();
  });
});
