import { describe, expect, it } from 'vitest';
import { sweepLockouts } from '../../src/lockout/failures.ts';
import { approleWorld, login as approleLogin, roleId, secretId } from '../auth/approle/logging-in.ts';
import { login, password, userpassWorld } from '../auth/userpass/logging-in.ts';
import { refusal, seconds } from '../token/asking.ts';
import type { World } from '../world.ts';

const wrong = [400, 'invalid username or password'];
const locked = [403, 'permission denied'];
const minute = 60;

async function fail(w: World, times: number, name = 'bob'): Promise<void> {
  for (let count = 0; count < times; count++) expect(await refusal(login(w, name, 'wrong'))).toEqual(wrong);
}
const tune = (w: World, config: Readonly<Record<string, string | number | boolean>>) =>
  w.write('sys/auth/userpass/tune', { user_lockout_config: config });
const accessorOf = async (w: World, mount: string): Promise<string> =>
  String((await w.read(`sys/auth/${mount}`)).data?.['accessor']);
const records = (w: World): string[] => [...w.medium.entries.keys()].filter((key) => key.startsWith('core/lockout/'));

describe('a user who fails to log in five times', () => {
  it('is locked out for a quarter of an hour, also with the right password, and from every address', async () => {
    const w = await userpassWorld();
    for (const address of ['10.0.0.1', '10.0.0.2', '::1', '10.0.0.1', '11.1.1.1']) {
      expect(await refusal(login(w, 'bob', 'wrong', address))).toEqual(wrong);
    }
    seconds(w, 15 * minute - 1);
    expect(await refusal(login(w, 'bob', password, '10.0.0.3'))).toEqual(locked);
    expect(await refusal(login(w, 'bob', 'wrong'))).toEqual(locked);
    seconds(w, 1);
    expect((await login(w, 'bob', password)).auth?.policies).toEqual(['default']);
  });

  it('is locked out after a crash too', async () => {
    const w = await userpassWorld();
    await fail(w, 3);
    await w.crash();
    await fail(w, 2);
    await w.crash();
    expect(await refusal(login(w, 'bob', password))).toEqual(locked);
  });

  it('gets no more answers than that when all guesses come at once', async () => {
    const w = await userpassWorld();
    const guesses = Array.from({ length: 24 }, (_, at) => (at === 20 ? password : `guess ${at}`));
    const answers = await Promise.all(
      guesses.map((guess) =>
        refusal(login(w, 'bob', guess)).then(
          ([status]) => status,
          () => 200,
        ),
      ),
    );
    expect(answers.filter((status) => status === 400).length).toBeLessThanOrEqual(5);
    expect(answers.filter((status) => status === 403).length).toBeGreaterThanOrEqual(18);
  });

  it('is not told apart from one who does not exist', async () => {
    const w = await userpassWorld();
    const answers = async (name: string) => {
      const found: (readonly [number, string])[] = [];
      for (let count = 0; count < 7; count++) found.push(await refusal(login(w, name, 'wrong')));
      seconds(w, 15 * minute);
      for (let count = 0; count < 2; count++) found.push(await refusal(login(w, name, 'wrong')));
      return found;
    };
    const known = await answers('bob');
    expect(known.map(([status]) => status)).toEqual([400, 400, 400, 400, 400, 403, 403, 400, 400]);
    expect(await answers('nobody')).toEqual(known);
    expect(await answers('BOB')).toEqual(known);
  });

  it('is locked by their own failures only', async () => {
    const w = await userpassWorld();
    await w.write('auth/userpass/users/ann', { password, token_policies: ['default'] });
    await w.write('sys/auth/other', { type: 'userpass' });
    await w.write('auth/other/users/bob', { password, token_policies: ['default'] });
    await fail(w, 5);
    for (const name of ['BOB', 'Bob', 'nobody']) await fail(w, 5, name);
    expect((await login(w, 'ann', password)).auth?.policies).toEqual(['default']);
    expect((await w.write('auth/other/login/bob', { password }, null)).auth?.policies).toEqual(['default']);
    expect(await refusal(login(w, 'bob', password))).toEqual(locked);
  });
});

describe('failed logins', () => {
  it('are forgotten after a success, and after a quarter of an hour', async () => {
    const w = await userpassWorld();
    await fail(w, 4);
    await login(w, 'bob', password);
    await fail(w, 4);
    seconds(w, 15 * minute);
    await fail(w, 4);
    seconds(w, 15 * minute - 1);
    await fail(w, 1);
    expect(await refusal(login(w, 'bob', password))).toEqual(locked);
  });

  it('count where the password is what is wrong, and nowhere else', async () => {
    const w = await userpassWorld({ token_bound_cidrs: ['10.0.0.0/8'], expires: '2026-01-01T01:00:00Z' });
    for (let count = 0; count < 6; count++) {
      expect(await refusal(login(w, 'bob', ''))).toEqual([400, 'missing password']);
      expect(await refusal(login(w, 'bob', password, '11.0.0.1'))).toEqual(locked);
    }
    expect((await login(w, 'bob', password, '10.0.0.1')).auth?.policies).toEqual(['default']);
    seconds(w, 60 * minute);
    for (let count = 0; count < 6; count++) expect((await refusal(login(w, 'bob', password)))[1]).toContain('expired');
    expect(records(w)).toEqual([]);
  });

  it('leave one record for each user, and a bounded number for names that nobody has', async () => {
    const w = await userpassWorld();
    await tune(w, { lockout_threshold: 1000 });
    await fail(w, 1);
    const one = records(w).length;
    await fail(w, 10);
    expect(records(w)).toHaveLength(one);
    await fail(w, 3, 'nobody');
    expect(records(w)).toHaveLength(one + 1);
    expect(records(w).filter((key) => /\/unknown\/[^/]+\/[0-9a-f]{4}$/.test(key))).toHaveLength(1);
    // No name stands in a key.
    expect(records(w).join()).not.toMatch(/bob|nobody/);
  });

  it('are swept away once nothing depends on them', async () => {
    const w = await userpassWorld();
    await tune(w, { lockout_duration: '1h' });
    await fail(w, 5);
    await fail(w, 1, 'nobody');
    const sweep = (limit: number, after: string | null = null) =>
      w.store.transact((tx) => sweepLockouts(w.barrier.view(tx, 'core'), w.clock.time, limit, after));
    expect(await sweep(100)).toEqual({ removed: 0, next: null });
    seconds(w, 15 * minute);
    expect(await sweep(100)).toEqual({ removed: 1, next: null });
    expect(await refusal(login(w, 'bob', password))).toEqual(locked);
    seconds(w, 45 * minute);
    let removed = 0;
    for (let next: string | null = ''; next !== null;) {
      const run = await sweep(1, next === '' ? null : next);
      removed += run.removed;
      next = run.next;
    }
    expect(removed).toBe(1);
    expect(records(w)).toEqual(['core/lockout/key']);
    expect((await login(w, 'bob', password)).auth?.policies).toEqual(['default']);
  });
});

describe('the settings of an auth method', () => {
  it('say when its users are locked out', async () => {
    const w = await userpassWorld();
    expect((await w.read('sys/auth/userpass')).data?.['config']).not.toHaveProperty('user_lockout_config');
    await tune(w, { lockout_threshold: '2', lockout_duration: '10m', lockout_counter_reset_duration: '5m' });
    const shown = {
      user_lockout_threshold: 2,
      user_lockout_duration: 600,
      user_lockout_counter_reset_duration: 300,
      user_lockout_disable: false,
    };
    expect((await w.read('sys/auth/userpass/tune')).data).toMatchObject(shown);
    expect((await w.read('sys/auth/userpass')).data?.['config']).toMatchObject({ user_lockout_config: shown });
    await fail(w, 1);
    seconds(w, 5 * minute);
    await fail(w, 2);
    seconds(w, 10 * minute - 1);
    expect(await refusal(login(w, 'bob', password))).toEqual(locked);
    seconds(w, 1);
    await fail(w, 1);
    await tune(w, { lockout_duration: 'system', lockout_threshold: 0 });
    expect((await w.read('sys/auth/userpass/tune')).data).toMatchObject({
      user_lockout_threshold: 0,
      user_lockout_duration: 0,
      user_lockout_counter_reset_duration: 300,
    });
    await fail(w, 4);
    expect(await refusal(login(w, 'bob', password))).toEqual(locked);
  });

  it('can lock nobody out', async () => {
    const w = await userpassWorld();
    await fail(w, 5);
    await tune(w, { lockout_disable: true });
    await fail(w, 7);
    expect((await login(w, 'bob', password)).auth?.policies).toEqual(['default']);
    await tune(w, { lockout_disable: false });
    expect(await refusal(login(w, 'bob', password))).toEqual(locked);
  });

  it('may be given when it is enabled', async () => {
    const w = await userpassWorld();
    await w.write('sys/auth/strict', { type: 'userpass', config: { user_lockout_config: { lockout_threshold: 1 } } });
    for (const status of [400, 403])
      expect(await w.status('write', 'auth/strict/login/bob', { password: 'x' }, null)).toBe(status);
  });

  it.each([
    [{ lockout_threshold: -1 }, 'unable to parse user lockout threshold: it is not negative'],
    [{ lockout_threshold: 'many' }, 'field "lockout_threshold" must be a whole number'],
    [{ lockout_duration: 'long' }, 'field "duration" must be a duration such as "1h" or a number of seconds'],
    [{ lockout_counter_reset_duration: '-1m' }, 'lockout_counter_reset_duration is not negative'],
  ])('refuse %j', async (config, message) => {
    const w = await userpassWorld();
    expect(await refusal(tune(w, config))).toEqual([400, message]);
  });

  it('have no lockout where logins name no users', async () => {
    const w = await userpassWorld();
    await w.write('sys/mounts/kv', { type: 'kv' });
    expect(await refusal(w.write('sys/mounts/kv/tune', { user_lockout_config: { lockout_disable: true } }))).toEqual([
      400,
      'tuning of user lockout configuration for auth type "kv" not allowed',
    ]);
  });
});

describe('sys/locked-users', () => {
  it('shows who is locked out, by auth method, and lets them in again', async () => {
    const w = await userpassWorld();
    await w.write('auth/userpass/users/ann', { password, token_policies: ['default'] });
    await w.write('sys/auth/approle', { type: 'approle' });
    await w.write('auth/approle/role/r', { role_id: 'team/payments', token_policies: ['default'] });
    await fail(w, 5);
    await fail(w, 5, 'ann');
    await fail(w, 5, 'nobody');
    for (let count = 0; count < 5; count++) expect((await refusal(approleLogin(w, 'wrong')))[0]).toBe(400);
    const [userpass, approle] = [await accessorOf(w, 'userpass'), await accessorOf(w, 'approle')];
    const ofUserpass = { mount_accessor: userpass, counts: 2, alias_identifiers: ['ann', 'bob'] };
    const ofApprole = { mount_accessor: approle, counts: 1, alias_identifiers: ['team/payments'] };
    const root = { namespace_id: 'root', namespace_path: '' };
    expect((await w.read('sys/locked-users')).data).toEqual({
      by_namespace: [{ ...root, counts: 3, mount_accessors: [ofUserpass, ofApprole] }],
      total: 3,
    });
    expect((await w.read('sys/locked-users', { mount_accessor: approle })).data).toEqual({
      by_namespace: [{ ...root, counts: 1, mount_accessors: [ofApprole] }],
      total: 1,
    });
    for (const path of [
      `${userpass}/unlock/bob`,
      `${approle}/unlock/team/payments`,
      'no_such/unlock/bob',
      `${userpass}/unlock/x`,
    ]) {
      expect((await w.write(`sys/locked-users/${path}`)).status).toBe(204);
    }
    expect((await login(w, 'bob', password)).auth?.policies).toEqual(['default']);
    const { id } = await secretId(w);
    expect((await approleLogin(w, id)).auth?.metadata).toEqual({ role_name: 'r' });
    expect(await refusal(login(w, 'ann', password))).toEqual(locked);
    seconds(w, 15 * minute);
    expect((await w.read('sys/locked-users')).data).toEqual({
      by_namespace: [{ ...root, counts: 0, mount_accessors: [] }],
      total: 0,
    });
  });

  it('is for those whose policies name it', async () => {
    const w = await userpassWorld();
    const token = String((await login(w, 'bob', password)).auth?.client_token);
    expect(await w.status('read', 'sys/locked-users', {}, token)).toBe(403);
    expect(await w.status('write', `sys/locked-users/${await accessorOf(w, 'userpass')}/unlock/bob`, {}, token)).toBe(403);
  });
});

describe('an AppRole role', () => {
  it('is locked out after five wrong secret ids, whatever white space stands around the role id', async () => {
    const w = await approleWorld();
    const id = await roleId(w);
    const secret = (await secretId(w)).id;
    for (const role of [id, ` ${id}`, `${id}\n`, `\t${id} `, id]) {
      expect(await refusal(w.write('auth/approle/login', { role_id: role, secret_id: 'wrong' }, null))).toEqual([
        400,
        'invalid role or secret ID',
      ]);
    }
    expect(await refusal(approleLogin(w, secret))).toEqual(locked);
    for (let count = 0; count < 5; count++) await refusal(w.write('auth/approle/login', { role_id: 'unknown' }, null));
    expect(await refusal(w.write('auth/approle/login', { role_id: 'unknown' }, null))).toEqual(locked);
    seconds(w, 15 * minute);
    expect((await approleLogin(w, secret)).auth?.metadata).toEqual({ role_name: 'r' });
  });
});
