import { beforeEach, describe, expect, it } from 'vitest';
import { refusal } from '../../token/asking.ts';
import type { World } from '../../world.ts';
import { approleWorld, login, roleId, secretId } from './logging-in.ts';

let w: World;
beforeEach(async () => {
  w = await approleWorld();
});

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
  bind_secret_id: true,
  secret_id_bound_cidrs: null,
  secret_id_num_uses: 0,
  secret_id_ttl: 0,
  local_secret_ids: false,
};

describe('a role', () => {
  it('shows its defaults, and what was written', async () => {
    expect((await w.read('auth/approle/role/r')).data).toEqual(unset);
    await w.write('auth/approle/role/r', {
      policies: 'b,a,b',
      period: '1h',
      bound_cidr_list: '10.0.0.0/8',
      expires: '2027-01-31',
    });
    await w.write('auth/approle/role/r', { secret_id_ttl: '90s' });
    expect((await w.read('auth/approle/role/r')).data).toEqual({
      ...unset,
      token_policies: ['a', 'b'],
      token_period: 3600,
      // By which names they were written.
      policies: ['a', 'b'],
      period: 3600,
      secret_id_bound_cidrs: ['10.0.0.0/8'],
      secret_id_ttl: 90,
      expires: '2027-01-31T00:00:00Z',
    });
  });

  it('is listed, deleted, and then not there', async () => {
    await w.write('auth/approle/role/a', {});
    expect((await w.list('auth/approle/role')).data).toEqual({ keys: ['a', 'r'] });
    expect((await w.list('auth/approle/role', { after: 'a', limit: 5 })).data).toEqual({ keys: ['r'] });
    for (const name of ['a', 'r', 'never']) await w.delete(`auth/approle/role/${name}`);
    expect(await w.status('list', 'auth/approle/role')).toBe(404);
    expect(await w.status('read', 'auth/approle/role/r')).toBe(404);
    expect(await w.status('write', 'auth/approle/role/r/secret-id')).toBe(404);
  });

  it.each([
    [{ token_policies: ['root'] }, 'auth methods cannot create root tokens'],
    [{ token_policies: ['../x'] }, 'invalid policy name "../x"'],
    [{ token_ttl: '2h', token_max_ttl: '1h' }, "'token_ttl' cannot be greater than 'token_max_ttl'"],
    [{ token_ttl: -1 }, "'token_ttl' cannot be negative"],
    [{ token_type: 'magic' }, 'invalid \'token_type\' value "magic"'],
    [
      { token_type: 'batch', token_num_uses: 1 },
      "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count",
    ],
    [
      { token_type: 'batch', token_period: 60 },
      "'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens",
    ],
    [
      { token_strictly_bind_ip: true, token_bound_cidrs: '10.0.0.0/8' },
      "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one",
    ],
    [{ token_bound_cidrs: ['nowhere'] }, 'error parsing token_bound_cidrs: "nowhere" is no address or CIDR block'],
    [
      { secret_id_bound_cidrs: ['10.0.0.0/40'] },
      'error parsing secret_id_bound_cidrs: "10.0.0.0/40" is no address or CIDR block',
    ],
    [{ secret_id_num_uses: -1 }, 'secret_id_num_uses cannot be negative'],
    [{ token_period: '900h' }, "period of 3240000 seconds is greater than the backend's maximum lease TTL of 2764800 seconds"],
    [{ bind_secret_id: false }, 'at least one constraint should be enabled on the role'],
    [{ role_id: '' }, 'invalid role_id supplied, or failed to generate a role_id'],
    [{ role_id: 'x ' }, 'role_id begins or ends with white space, which a login takes away'],
    [{ local_secret_ids: true }, 'local_secret_ids can only be modified during role creation'],
    [{ expires: '31.1.2027' }, 'expires must be a date (2027-01-31) or an RFC 3339 time (2027-01-31T12:00:00Z)'],
  ])('refuses %j and stays as it was', async (body, message) => {
    expect(await refusal(w.write('auth/approle/role/r', body))).toEqual([400, message]);
    expect((await w.read('auth/approle/role/r')).data).toEqual(unset);
  });

  it('is another one where its name differs by case', async () => {
    expect(await w.status('read', 'auth/approle/role/R')).toBe(404);
    await w.write('auth/approle/role/R', { token_ttl: 60 });
    expect((await w.read('auth/approle/role/r')).data).toEqual(unset);
  });

  it.each([
    ['policies', 'token_policies', ['x'], { token_policies: ['x'] }, { token_policies: [] }],
    ['policies', 'policies', ['x'], { token_policies: ['x'], policies: ['x'] }, { token_policies: [] }],
    ['bound-cidr-list', 'bound_cidr_list', ['10.0.0.0/8'], { bound_cidr_list: ['10.0.0.0/8'] }, { bound_cidr_list: null }],
    [
      'secret-id-bound-cidrs',
      'secret_id_bound_cidrs',
      ['10.0.0.0/8'],
      { secret_id_bound_cidrs: ['10.0.0.0/8'] },
      { secret_id_bound_cidrs: null },
    ],
    [
      'token-bound-cidrs',
      'token_bound_cidrs',
      ['10.0.0.0/8', '10.1.2.3/32', '10.1.2.4', '2001:db8::/32', '::1/128'],
      { token_bound_cidrs: ['10.0.0.0/8', '10.1.2.3', '10.1.2.4', '2001:db8::/32', '::1'] },
      { token_bound_cidrs: null },
    ],
    ['secret-id-num-uses', 'secret_id_num_uses', 5, { secret_id_num_uses: 5 }, { secret_id_num_uses: 0 }],
    ['secret-id-ttl', 'secret_id_ttl', 60, { secret_id_ttl: 60 }, { secret_id_ttl: 0 }],
    ['period', 'period', 60, { token_period: 60, period: 60 }, { token_period: 0 }],
    ['period', 'token_period', 60, { token_period: 60 }, { token_period: 0 }],
    ['token-num-uses', 'token_num_uses', 5, { token_num_uses: 5 }, { token_num_uses: 0 }],
    ['token-ttl', 'token_ttl', 60, { token_ttl: 60 }, { token_ttl: 0 }],
    ['token-max-ttl', 'token_max_ttl', 60, { token_max_ttl: 60 }, { token_max_ttl: 0 }],
    ['bind-secret-id', 'bind_secret_id', true, { bind_secret_id: true }, { bind_secret_id: true }],
  ] as const)('has a path of its own for %s, by the name %s', async (path, member, value, shown, initial) => {
    const at = `auth/approle/role/r/${path}`;
    await w.write(at, { [member]: value });
    expect((await w.read(at)).data).toEqual(shown);
    await w.delete(at);
    expect((await w.read(at)).data).toEqual(initial);
    expect(await w.status('write', at)).toBe(400);
    for (const operation of ['read', 'write'] as const) {
      expect(await w.status(operation, `auth/approle/role/ghost/${path}`, { [member]: value })).toBe(404);
    }
  });

  it('says that an older name of a field is one, and that a type of token has no meaning', async () => {
    expect((await w.read('auth/approle/role/r/bound-cidr-list')).warnings).toEqual([
      'The "bound_cidr_list" field is deprecated and will be removed. Please use "secret_id_bound_cidrs" instead.',
    ]);
    for (const type of ['service', 'batch']) {
      expect((await w.write('auth/approle/role/r', { token_type: `default-${type}` })).warnings).toEqual([
        `default-${type} has no useful meaning; adjusting to ${type}`,
      ]);
      expect((await w.read('auth/approle/role/r')).data).toMatchObject({ token_type: type });
    }
  });

  it('has a role id of its own, which can be chosen', async () => {
    const first = await roleId(w);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    const { id } = await secretId(w);
    await w.write('auth/approle/role/r/role-id', { role_id: 'team/payments' });
    expect(await roleId(w)).toBe('team/payments');
    expect((await login(w, id)).auth?.policies).toEqual(['default']);
    expect(await refusal(w.write('auth/approle/login', { role_id: first, secret_id: id }, null))).toEqual([
      400,
      'invalid role or secret ID',
    ]);
    await w.write('auth/approle/role/other', {});
    expect(await refusal(w.write('auth/approle/role/other/role-id', { role_id: 'team/payments' }))).toEqual([
      400,
      'role_id already in use',
    ]);
    await w.delete('auth/approle/role/r');
    await w.write('auth/approle/role/other/role-id', { role_id: 'team/payments' });
  });

  it('moves the config revision, and secret ids do not', async () => {
    const revision = () => w.store.read((tx) => w.barrier.view(tx, 'core').getJson('revision'));
    const first = await revision();
    await secretId(w);
    expect(await revision()).toEqual(first);
    await w.write('auth/approle/role/r/token-ttl', { token_ttl: 60 });
    expect(await revision()).not.toEqual(first);
  });
});
