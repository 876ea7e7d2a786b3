import { beforeEach, describe, expect, it } from 'vitest';
import { authOf, refusal, works } from '../../token/asking.ts';
import type { World } from '../../world.ts';
import { login, password, userpassWorld } from './logging-in.ts';

let w: World;
beforeEach(async () => {
  w = await userpassWorld();
});

const bob = 'auth/userpass/users/bob';
const unset = {
  token_policies: ['default'],
  token_ttl: 0,
  token_max_ttl: 0,
  token_explicit_max_ttl: 0,
  token_period: 0,
  token_num_uses: 0,
  token_bound_cidrs: [],
  token_strictly_bind_ip: false,
  token_no_default_policy: false,
  token_type: 'default',
};
// "secret" with cost 5; the second is of cost 4, the third says 13.
const bcrypt = '$2b$05$abcdefghijklmnopqrstuuTl3L2F0pB0o1Oq0d9j0vN3m6JmPyGHq';

describe('a user', () => {
  it('shows what tokens it gets, and nothing of its password', async () => {
    expect((await w.read(bob)).data).toEqual(unset);
    await w.write(bob, { token_ttl: '1h', token_bound_cidrs: '10.0.0.0/8', expires: '2027-01-31' });
    expect((await w.read(bob)).data).toEqual({
      ...unset,
      token_ttl: 3600,
      token_bound_cidrs: ['10.0.0.0/8'],
      expires: '2027-01-31T00:00:00Z',
    });
  });

  it('shows by older names what was last written by them', async () => {
    await w.write(bob, { policies: 'b,a', ttl: 60, max_ttl: '1h', bound_cidrs: ['10.0.0.0/8'] });
    const shown = {
      ...unset,
      token_policies: ['a', 'b'],
      token_ttl: 60,
      token_max_ttl: 3600,
      token_bound_cidrs: ['10.0.0.0/8'],
    };
    const older = { policies: ['a', 'b'], ttl: 60, max_ttl: 3600, bound_cidrs: ['10.0.0.0/8'] };
    expect((await w.read(bob)).data).toEqual({ ...shown, ...older });
    await w.write(bob, { token_ttl: 90, token_max_ttl: 180, max_ttl: 5 });
    expect((await w.read(bob)).data).toEqual({
      ...shown,
      token_ttl: 90,
      token_max_ttl: 180,
      policies: ['a', 'b'],
      max_ttl: 180,
      bound_cidrs: ['10.0.0.0/8'],
    });
  });

  it('is listed, deleted, and then not there', async () => {
    await w.write('auth/userpass/users/ann@example.com', { password: 'x' });
    expect((await w.list('auth/userpass/users')).data).toEqual({ keys: ['ann@example.com', 'bob'] });
    expect((await w.list('auth/userpass/users', { after: 'ann@example.com', limit: 1 })).data).toEqual({ keys: ['bob'] });
    for (const name of ['ann@example.com', 'bob', 'never']) {
      expect(await w.status('delete', `auth/userpass/users/${name}`)).toBe(204);
    }
    expect(await w.status('list', 'auth/userpass/users')).toBe(404);
    expect(await w.status('read', bob)).toBe(404);
  });

  it('needs exactly one of password and password_hash to be made, and neither to be changed', async () => {
    const none = [400, 'must provide either password or password_hash'];
    const both = [400, 'only one of password or password_hash may be provided'];
    expect(await refusal(w.write('auth/userpass/users/ann', { token_ttl: 60 }))).toEqual(none);
    expect(await refusal(w.write('auth/userpass/users/ann', { password: '', password_hash: '' }))).toEqual(none);
    expect(await refusal(w.write('auth/userpass/users/ann', { password: 'x', password_hash: bcrypt }))).toEqual(both);
    expect(await refusal(w.write(bob, { password: 'x', password_hash: bcrypt }))).toEqual(both);
    expect(await refusal(w.write(`${bob}/password`, {}))).toEqual(none);
    expect(await w.status('read', 'auth/userpass/users/ann')).toBe(404);
    await w.write(bob, { token_ttl: 60 });
    expect((await login(w, 'bob', password)).auth?.lease_duration).toBe(60);
  });

  it.each([
    [{ password_hash: 'secret' }, 'password_hash is not a valid bcrypt hash'],
    [{ password_hash: bcrypt.replace('$05$', '$04$') }, 'bcrypt cost of 4 is too low, want 5 at minimum'],
    [{ password_hash: bcrypt.replace('$05$', '$13$') }, 'bcrypt cost of 13 exceeds maximum cost of 12'],
    [{ token_policies: ['root'] }, 'auth methods cannot create root tokens'],
    [{ token_ttl: '2h', token_max_ttl: '1h' }, "'token_ttl' cannot be greater than 'token_max_ttl'"],
    [{ ttl: '2h', max_ttl: '1h' }, "'token_ttl' cannot be greater than 'token_max_ttl'"],
    [{ token_type: 'magic' }, 'invalid \'token_type\' value "magic"'],
    [{ bound_cidrs: 'nowhere' }, 'error parsing token_bound_cidrs: "nowhere" is no address or CIDR block'],
    [{ expires: 'soon' }, 'expires must be a date (2027-01-31) or an RFC 3339 time (2027-01-31T12:00:00Z)'],
  ])('refuses %j and stays as it was', async (body, message) => {
    expect(await refusal(w.write(bob, body))).toEqual([400, message]);
    expect((await w.read(bob)).data).toEqual(unset);
    expect((await login(w, 'bob', password)).auth?.policies).toEqual(['default']);
  });

  it('has a password of 4,096 bytes at most', async () => {
    expect(await refusal(w.write(bob, { password: 'é'.repeat(2049) }))).toEqual([400, 'the password is longer than 4096 bytes']);
    await w.write(bob, { password: 'é'.repeat(2048) });
    expect((await login(w, 'bob', 'é'.repeat(2048))).auth?.policies).toEqual(['default']);
  });

  it('has paths of their own for password and policies', async () => {
    await w.write(`${bob}/password`, { password: 'another one' });
    expect((await login(w, 'bob', 'another one')).auth?.policies).toEqual(['default']);
    expect((await refusal(login(w, 'bob', password)))[0]).toBe(400);
    await w.write(`${bob}/policies`, { policies: 'a,b' });
    expect((await w.read(bob)).data).toMatchObject({ token_policies: ['a', 'b'], policies: ['a', 'b'] });
    await w.write(`${bob}/policies`, { token_policies: ['c'] });
    expect((await w.read(bob)).data).toEqual({ ...unset, token_policies: ['c'] });
    await w.write(`${bob}/policies`, {});
    expect((await w.read(bob)).data).toMatchObject({ token_policies: ['c'] });
    for (const part of ['password', 'policies']) {
      const body = { password: 'x', policies: 'a' };
      expect(await refusal(w.write(`auth/userpass/users/ghost/${part}`, body))).toEqual([400, 'username does not exist']);
    }
  });

  it('is another one where its name differs by case, so a policy for one says nothing of the other', async () => {
    await w.write('sys/policies/acl/helpdesk', {
      policy: `path "auth/userpass/users/*" { capabilities = ["create", "update", "read"] }
               path "auth/userpass/users/bob" { capabilities = ["deny"] }
               path "auth/userpass/users/bob/password" { capabilities = ["deny"] }`,
    });
    const { auth } = await w.write('auth/token/create', { policies: ['helpdesk'] });
    const token = authOf(auth).client_token;
    for (const path of ['users/bob', 'users/bob/password']) {
      expect(await w.status('write', `auth/userpass/${path}`, { password: 'mine' }, token)).toBe(403);
    }
    for (const name of ['BOB', 'Bob']) {
      expect(await w.status('read', `auth/userpass/users/${name}`, {}, token)).toBe(404);
      expect(await w.status('write', `auth/userpass/users/${name}/password`, { password: 'mine' }, token)).toBe(400);
      await w.write(`auth/userpass/users/${name}`, { password: 'mine', token_policies: ['mine'] }, token);
      expect((await login(w, name, 'mine')).auth?.policies).toEqual(['default', 'mine']);
    }
    expect((await login(w, 'bob', password)).auth?.policies).toEqual(['default']);
    expect((await refusal(login(w, 'bob', 'mine')))[0]).toBe(400);
  });

  it('moves the config revision, and a password that somebody sets does not', async () => {
    const revision = () => w.store.read((tx) => w.barrier.view(tx, 'core').getJson('revision'));
    const first = await revision();
    await w.write(`${bob}/password`, { password: 'x' });
    expect(await revision()).toEqual(first);
    await w.write(`${bob}/policies`, { policies: 'a' });
    expect(await revision()).not.toEqual(first);
  });

  it('keeps its password under another name, and no token that it got under the old one', async () => {
    const token = authOf((await login(w, 'bob', password)).auth).client_token;
    await w.write('sys/managed/rename', { from: bob, to: 'auth/userpass/users/robert' });
    expect(await works(w, token)).toBe(false);
    expect((await refusal(login(w, 'bob', password)))[0]).toBe(400);
    expect((await login(w, 'robert', password)).auth?.metadata).toEqual({ username: 'robert' });
    await w.write(bob, { password });
    expect(await works(w, token)).toBe(false);
    expect((await refusal(w.write('sys/managed/rename', { from: bob, to: 'auth/userpass/users/robert' })))[1]).toBe(
      'there is a user robert already',
    );
  });
});
