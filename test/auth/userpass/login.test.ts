import { hash as bcryptHash } from '@node-rs/bcrypt';
import { describe, expect, it, vi } from 'vitest';
import { apply, creation } from '../../core/changes.ts';
import { authOf, hour, refusal, seconds, works } from '../../token/asking.ts';
import { login, password, userpassWorld } from './logging-in.ts';

// Counts how often a hash is looked at; the work is the real one.
const looked = vi.hoisted(() => ({ verify: null as ((hash: string) => unknown) | null }));
vi.mock(import('@node-rs/argon2'), async (original) => {
  const real = await original();
  return {
    ...real,
    verify: (hash, ...rest) => {
      looked.verify?.(String(hash));
      return real.verify(hash, ...rest);
    },
  };
});

const invalid = [400, 'invalid username or password'];

describe('a login with name and password', () => {
  it('gives a token as the user says', async () => {
    const w = await userpassWorld({ token_policies: ['deploy'], token_ttl: '20m', token_max_ttl: '1h', token_num_uses: 7 });
    const { auth } = await login(w, 'bob', password);
    expect(auth).toMatchObject({
      policies: ['default', 'deploy'],
      metadata: { username: 'bob' },
      lease_duration: 1200,
      renewable: true,
      token_type: 'service',
      orphan: true,
      num_uses: 7,
    });
    expect((await w.write('auth/token/lookup', { token: authOf(auth).client_token })).data).toMatchObject({
      display_name: 'userpass-bob',
      path: 'auth/userpass/login/bob',
      meta: { username: 'bob' },
    });
  });

  it('says the same to whoever has not the password, whether there is such a user or not', async () => {
    const w = await userpassWorld();
    await w.write('sys/auth/userpass/tune', { user_lockout_config: { lockout_disable: true } });
    const attempts: readonly (readonly [string, string])[] = [
      ['bob', 'wrong'],
      ['bob', `${password} `],
      ['bob', ` ${password}`],
      ['bob', password.toUpperCase()],
      ['bob', `${password}\0`],
      ['BOB', password],
      ['Bob', password],
      ['nobody', password],
      ['bob@example.com', password],
      ['nobody', 'x'.repeat(4096)],
      ['bob', 'x'.repeat(4096)],
    ];
    for (const [name, secret] of attempts) expect([name, await refusal(login(w, name, secret))]).toEqual([name, invalid]);
    expect((await login(w, 'bob', password)).auth?.policies).toEqual(['default']);
  });

  it('does the work of a hash also for a user who is not there, and none for one who is locked out', async () => {
    const w = await userpassWorld();
    const costs: string[] = [];
    looked.verify = (hash) => costs.push(hash.split('$').slice(0, 4).join('$'));
    for (const name of ['bob', 'nobody']) {
      expect(await refusal(login(w, name, 'wrong'))).toEqual(invalid);
    }
    const cost = '$argon2id$v=19$m=19456,t=2,p=1';
    expect(costs).toEqual([cost, cost]);
    for (const name of ['bob', 'nobody']) {
      for (let count = 0; count < 6; count++) await refusal(login(w, name, 'wrong'));
    }
    expect(costs).toHaveLength(10);
  });

  it.each(['bob ', ' bob', 'bob\u00a0', 'bób', '.bob', 'b/ob', '%62ob', 'bob,', 'x'.repeat(129)])(
    'refuses %j as no name, before it looks for a user',
    async (name) => {
      const w = await userpassWorld();
      const [status, message] = await refusal(login(w, name, password));
      expect([status, message]).toEqual([
        400,
        'no user has such a name: letters, digits and "._@-", the first a letter or digit, at most 128',
      ]);
    },
  );

  it('refuses an empty password, and one that nobody can have', async () => {
    const w = await userpassWorld();
    for (const name of ['bob', 'nobody']) {
      expect(await refusal(login(w, name, ''))).toEqual([400, 'missing password']);
      expect(await refusal(w.write(`auth/userpass/login/${name}`, {}, null))).toEqual([400, 'missing password']);
      expect((await refusal(login(w, name, 'x'.repeat(4097))))[1]).toBe('the password is longer than 4096 bytes');
    }
    expect((await refusal(w.write('auth/userpass/login/bob', { password: ['x'] }, null)))[0]).toBe(400);
  });

  it('takes a password whose bcrypt hash was given, as far as bcrypt looks at it', async () => {
    const w = await userpassWorld();
    await w.write('sys/auth/userpass/tune', { user_lockout_config: { lockout_disable: true } });
    const long = 'x'.repeat(72);
    for (const [secret, prefix] of [
      ['secret', '$2b$'],
      ['pässword', '$2y$'],
      [long, '$2a$'],
    ] as const) {
      const made = await bcryptHash(secret, { cost: 5, version: '2b' });
      await w.write('auth/userpass/users/bob', { password_hash: made.replace('$2b$', prefix) });
      expect((await login(w, 'bob', secret)).auth?.metadata).toEqual({ username: 'bob' });
      for (const wrong of [`${secret}x`, `${secret}\0`, secret.slice(1)]) {
        expect(await refusal(login(w, 'bob', wrong))).toEqual(invalid);
      }
    }
    await w.write('auth/userpass/users/bob/password', { password: long });
    expect(await refusal(login(w, 'bob', `${long}x`))).toEqual(invalid);
    expect((await login(w, 'bob', long)).auth?.policies).toEqual(['default']);
  });

  it('comes from the addresses of the user only', async () => {
    const w = await userpassWorld({ token_bound_cidrs: ['10.0.0.0/8'] });
    expect(await refusal(login(w, 'bob', password, '11.0.0.1'))).toEqual([403, 'permission denied']);
    expect(await refusal(login(w, 'bob', password))).toEqual([403, 'permission denied']);
    expect(await refusal(login(w, 'bob', 'wrong', '11.0.0.1'))).toEqual(invalid);
    const token = authOf((await login(w, 'bob', password, '10.1.0.1')).auth).client_token;
    const from = (address: string) =>
      w.send('read', 'auth/token/lookup-self', {}, token, { address, port: 1 }).then(
        () => true,
        () => false,
      );
    expect([await from('10.2.0.1'), await from('11.0.0.1')]).toEqual([true, false]);
  });

  it('ends when the user expires', async () => {
    const w = await userpassWorld({ expires: '2026-01-01T01:00:00Z', token_ttl: '9h' });
    const token = authOf((await login(w, 'bob', password)).auth).client_token;
    seconds(w, hour);
    expect(await works(w, token)).toBe(false);
    expect((await refusal(login(w, 'bob', password)))[1]).toContain('the user expired at 2026-01-01T01:00:00Z');
    expect(await refusal(login(w, 'bob', 'wrong'))).toEqual(invalid);
  });

  it('is refused, and nothing is counted, where the password is changed between the look and the login', async () => {
    const w = await userpassWorld();
    const logins = Array.from({ length: 4 }, () => refusal(login(w, 'bob', 'next')));
    await w.write('auth/userpass/users/bob/password', { password: 'next' });
    for (const refused of await Promise.allSettled(logins)) {
      if (refused.status === 'fulfilled') expect(refused.value).toEqual(invalid);
    }
    expect((await login(w, 'bob', 'next')).auth?.policies).toEqual(['default']);
  });

  it('is no change that an apply makes, where nobody would count its failures', async () => {
    const w = await userpassWorld();
    const requests = [{ operation: 'write', path: 'auth/userpass/login/bob', data: { password } }] as const;
    const change = creation('AuthBinding', 'x', 'auth/userpass/users/x', {}, { requests });
    expect(await refusal(apply(w, [change]))).toEqual([
      400,
      'create AuthBinding/x: auth/userpass/login/bob changes nothing that an apply may',
    ]);
  });
});

describe('the tokens of a user', () => {
  it('end when the user is gone, also where another one of the name is made', async () => {
    const w = await userpassWorld();
    const token = authOf((await login(w, 'bob', password)).auth).client_token;
    await w.delete('auth/userpass/users/bob');
    expect(await works(w, token)).toBe(false);
    await w.write('auth/userpass/users/bob', { password, token_policies: ['default'] });
    expect(await works(w, token)).toBe(false);
  });

  it('outlive a change of the password, and are renewed as the user says, unless its policies changed', async () => {
    const w = await userpassWorld({ token_ttl: '10m', token_policies: ['a'] });
    const token = authOf((await login(w, 'bob', password)).auth).client_token;
    const renew = async () => (await w.write('auth/token/renew', { token })).auth?.lease_duration;
    await w.write('auth/userpass/users/bob/password', { password: 'next' });
    await w.write('auth/userpass/users/bob', { token_ttl: '20m', token_policies: ['default', 'a'] });
    expect(await renew()).toBe(1200);
    await w.write('auth/userpass/users/bob/policies', { token_policies: ['b'] });
    expect(await refusal(renew())).toEqual([400, 'policies have changed, not renewing']);
  });
});
