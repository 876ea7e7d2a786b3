import { beforeEach, describe, expect, it } from 'vitest';
import { world, type World } from '../world.ts';
import { authOf, hour, newToken, refusal, seconds, works } from './asking.ts';

let w: World;
beforeEach(async () => {
  w = await world();
});

async function policy(name: string, rules: string): Promise<void> {
  await w.write(`sys/policies/acl/${name}`, { policy: rules });
}

async function lookup(token: string) {
  return (await w.write('auth/token/lookup', { token })).data;
}

describe('making a token', () => {
  it('gives a child of the token that asks', async () => {
    const reply = await w.write('auth/token/create', {
      policies: ['default'],
      ttl: '1h',
      display_name: 'CI job #7',
      meta: { team: 'a' },
    });
    const auth = authOf(reply.auth);
    expect(auth).toMatchObject({
      policies: ['default'],
      token_policies: ['default'],
      identity_policies: [],
      metadata: { team: 'a' },
      lease_duration: hour,
      renewable: true,
      entity_id: '',
      token_type: 'service',
      orphan: false,
      num_uses: 0,
    });
    expect(auth.client_token).toMatch(/^hvs\.[A-Za-z0-9]{92}$/);
    expect(await lookup(auth.client_token)).toEqual({
      id: auth.client_token,
      accessor: auth.accessor,
      policies: ['default'],
      path: 'auth/token/create',
      meta: { team: 'a' },
      display_name: 'token-CI-job--7',
      num_uses: 0,
      orphan: false,
      creation_time: 1767225600,
      creation_ttl: hour,
      issue_time: '2026-01-01T00:00:00Z',
      expire_time: '2026-01-01T01:00:00Z',
      ttl: hour,
      explicit_max_ttl: 0,
      renewable: true,
      entity_id: '',
      type: 'service',
    });
  });

  it('warns of policies that are not there', async () => {
    const reply = await w.write('auth/token/create', { policies: ['default', 'ghost'] });
    expect(reply.warnings).toEqual(['Policy "ghost" does not exist']);
  });

  it('gives a root token only to a root token, and then without an end', async () => {
    const root = await newToken(w);
    expect(root).toMatchObject({ policies: ['root'], lease_duration: 0, renewable: false });
    expect(await lookup(root.client_token)).toMatchObject({ ttl: 0, expire_time: null, issue_time: '2026-01-01T00:00:00Z' });
    const ending = await newToken(w, { explicit_max_ttl: '1h' });
    expect(ending).toMatchObject({ policies: ['root'], lease_duration: hour });
    expect(await refusal(newToken(w, {}, ending.client_token))).toEqual([
      400,
      'expiring root tokens cannot create non-expiring root tokens',
    ]);
    expect(await newToken(w, { ttl: '2h' }, ending.client_token)).toMatchObject({ lease_duration: 2 * hour });
  });

  it('asks for sudo where a token would be more than its parent', async () => {
    await policy('maker', 'path "auth/token/create" { capabilities = ["update"] }');
    const maker = (await newToken(w, { policies: ['maker', 'default'] })).client_token;
    for (const [body, message] of [
      [{ policies: ['root'] }, 'child policies must be subset of parent'],
      [{ policies: ['other'] }, 'child policies must be subset of parent'],
      [{ no_parent: true }, 'root or sudo privileges required to create orphan token'],
      [{ period: '1h' }, 'root or sudo privileges required to create periodic token'],
      [{ id: 'chosen' }, 'root or sudo privileges required to specify token id'],
    ] as const) {
      expect(await refusal(newToken(w, body, maker))).toEqual([400, message]);
    }
    expect(await refusal(newToken(w, {}, maker, 'create-orphan'))).toEqual([403, 'permission denied']);

    await policy('boss', 'path "auth/token/*" { capabilities = ["update", "sudo"] }');
    const boss = (await newToken(w, { policies: ['boss', 'default'] })).client_token;
    expect(await newToken(w, { policies: ['other'] }, boss)).toMatchObject({ policies: ['default', 'other'] });
    expect(await newToken(w, { no_parent: true, period: '1h' }, boss)).toMatchObject({ orphan: true, lease_duration: hour });
    expect(await refusal(newToken(w, { policies: ['root'] }, boss))).toEqual([
      400,
      'root tokens may not be created without parent token being root',
    ]);
  });

  it.each([
    [{ ttl: '-1h' }, 'ttl must be positive'],
    [{ period: '-1h' }, 'period must be positive'],
    [{ explicit_max_ttl: -1 }, 'explicit_max_ttl must be positive'],
    [{ ttl: 'soon' }, 'field "ttl" must be a duration such as "1h" or a number of seconds'],
    [{ num_uses: -1 }, 'number of uses cannot be negative'],
    [{ type: 'magic' }, "invalid 'token_type' value"],
    [{ id: 'a.b' }, "custom token ID cannot have a '.' in the value"],
    [{ id: 'hvs.abc' }, "custom token ID cannot have the 'hvs.' prefix"],
    [{ id: 'a b' }, 'custom token ID must be 1 to 256 printable ASCII characters without spaces'],
    [{ entity_alias: 'bob' }, "'entity_alias' is only allowed in combination with token role"],
    [{ type: 'batch', num_uses: 1, policies: ['default'] }, 'batch tokens cannot have "num_uses" set'],
    [{ type: 'batch' }, 'batch tokens cannot be root tokens'],
    [{ policies: ['../x'] }, 'invalid policy name "../x"'],
    [{ policies: ['a/../root'] }, 'invalid policy name "a/../root"'],
    [{ policies: ['ROOT'] }, 'invalid policy name "ROOT"'],
    [{ meta: { a: [1] } }, 'field "meta" must be an object whose values are texts'],
  ])('refuses %j', async (body, message) => {
    expect(await refusal(newToken(w, body))).toEqual([400, message]);
  });

  it('takes an id of one’s choosing once', async () => {
    const reply = await w.write('auth/token/create', { id: 'my-own-token', policies: ['default'] });
    expect(authOf(reply.auth).client_token).toBe('my-own-token');
    expect(reply.warnings).toHaveLength(1);
    expect(await works(w, 'my-own-token')).toBe(true);
    expect(await refusal(newToken(w, { id: 'my-own-token' }))).toEqual([400, 'cannot create a token with a duplicate ID']);
  });

  it('takes the id of a token that ended again, when nothing of that one is left', async () => {
    await policy('maker', 'path "auth/token/create" { capabilities = ["update"] }');
    const chosen = (policies: readonly string[]) => newToken(w, { id: 'again', policies, ttl: '1h' });
    await chosen(['default', 'maker']);
    const children: string[] = [];
    for (let count = 0; count < 505; count++) children.push((await newToken(w, { ttl: '9h' }, 'again')).client_token);
    seconds(w, hour);
    expect(await refusal(chosen(['default']))).toEqual([400, 'cannot create a token with a duplicate ID']);
    await w.write('auth/token/tidy');
    await w.write('auth/token/tidy');
    await chosen(['default']);
    expect(await works(w, 'again')).toBe(true);
    for (const child of [children[0] ?? '', children.at(-1) ?? '']) expect(await works(w, child)).toBe(false);
  });

  it('ends at some depth', async () => {
    let token = w.rootToken;
    for (let depth = 1; depth <= 64; depth++) token = (await newToken(w, {}, token)).client_token;
    expect(await works(w, token)).toBe(true);
    expect((await refusal(newToken(w, {}, token)))[1]).toContain('at most 64 steps');
    expect(await works(w, (await newToken(w, { no_parent: true }, token)).client_token)).toBe(true);
  });
});

describe('a token role', () => {
  it('says what its tokens may and must be', async () => {
    await w.write('auth/token/roles/ci', {
      allowed_policies: 'default, deploy',
      orphan: true,
      token_period: '1h',
      token_num_uses: 9,
      path_suffix: 'v1',
    });
    const token = await newToken(w, { num_uses: 20 }, w.rootToken, 'create/ci');
    expect(token).toMatchObject({ policies: ['default', 'deploy'], lease_duration: hour, orphan: true, num_uses: 9 });
    expect(await lookup(token.client_token)).toMatchObject({ role: 'ci', path: 'auth/token/create/ci/v1' });
    expect((await refusal(newToken(w, { policies: ['other'] }, w.rootToken, 'create/ci')))[0]).toBe(400);
    expect(await refusal(newToken(w, {}, w.rootToken, 'create/ghost'))).toEqual([400, 'unknown role ghost']);
  });

  it('sets limits that hold for both types of tokens', async () => {
    await w.write('auth/token/roles/b', {
      token_type: 'default-batch',
      orphan: true,
      allowed_policies: ['default'],
      token_explicit_max_ttl: '1h',
    });
    expect(await newToken(w, {}, w.rootToken, 'create/b')).toMatchObject({ token_type: 'batch', lease_duration: hour });
    expect(await newToken(w, { type: 'service' }, w.rootToken, 'create/b')).toMatchObject({
      token_type: 'service',
      lease_duration: hour,
    });
    for (const limit of [
      { token_num_uses: 1, token_period: 0 },
      { token_num_uses: 0, token_period: 3600 },
    ]) {
      await w.write('auth/token/roles/b', limit);
      expect((await refusal(newToken(w, {}, w.rootToken, 'create/b')))[1]).toContain('and the role sets it');
    }
  });

  it('shows what was written, and keeps what was not sent', async () => {
    await w.write('auth/token/roles/r', {
      period: 60,
      expires: '2027-01-31',
      token_bound_cidrs: ['10.0.0.0/8'],
      renewable: false,
    });
    await w.write('auth/token/roles/r', { token_explicit_max_ttl: '2h' });
    expect((await w.read('auth/token/roles/r')).data).toEqual({
      name: 'r',
      allowed_policies: [],
      disallowed_policies: [],
      allowed_policies_glob: [],
      disallowed_policies_glob: [],
      allowed_entity_aliases: [],
      orphan: false,
      renewable: false,
      path_suffix: '',
      period: 60,
      token_period: 60,
      explicit_max_ttl: 2 * hour,
      token_explicit_max_ttl: 2 * hour,
      token_type: 'default-service',
      token_no_default_policy: false,
      token_bound_cidrs: ['10.0.0.0/8'],
      bound_cidrs: ['10.0.0.0/8'],
      expires: '2027-01-31T00:00:00Z',
    });
    expect((await w.list('auth/token/roles')).data).toEqual({ keys: ['r'] });
    await w.delete('auth/token/roles/r');
    expect(await w.status('read', 'auth/token/roles/r')).toBe(404);
    expect(await w.status('list', 'auth/token/roles')).toBe(404);
  });

  it('shows the names and patterns of its lists in order, each once, whatever the order they came in', async () => {
    const sent = ['test/*', 'dev-b', 'dev/*', 'test/*'];
    const names = ['ops', 'dev', 'ops'];
    await w.write('auth/token/roles/r', {
      allowed_policies: names,
      disallowed_policies: names,
      allowed_policies_glob: sent,
      disallowed_policies_glob: sent,
      allowed_entity_aliases: sent,
    });
    expect((await w.read('auth/token/roles/r')).data).toMatchObject({
      allowed_policies: ['dev', 'ops'],
      disallowed_policies: ['dev', 'ops'],
      allowed_policies_glob: ['dev-b', 'dev/*', 'test/*'],
      disallowed_policies_glob: ['dev-b', 'dev/*', 'test/*'],
      allowed_entity_aliases: ['dev-b', 'dev/*', 'test/*'],
    });
  });

  it.each([
    [{ token_type: 'magic' }, 'invalid \'token_type\' value "magic"'],
    [{ token_type: 'batch' }, "'token_type' cannot be 'batch' when role is set to generate non-orphan tokens"],
    [
      { path_suffix: 'a/..' },
      'given role path suffix contains invalid characters; it holds letters, digits, "_", "-" and single dots inside',
    ],
    [{ token_bound_cidrs: '10.0.0.0/99' }, 'error parsing token_bound_cidrs: "10.0.0.0/99" is no address or CIDR block'],
    [{ expires: 'tomorrow' }, 'expires must be a date (2027-01-31) or an RFC 3339 time (2027-01-31T12:00:00Z)'],
    [{ allowed_policies: ['../root'] }, 'invalid policy name "../root"'],
    [{ token_num_uses: -1 }, "error parsing role fields: 'token_num_uses' cannot be negative"],
  ])('refuses %j', async (body, message) => {
    expect(await refusal(w.write('auth/token/roles/r', body))).toEqual([400, message]);
    expect(await w.status('read', 'auth/token/roles/r')).toBe(404);
  });

  it('ends its tokens when it expires, and gives no more', async () => {
    await w.write('auth/token/roles/r', { allowed_policies: ['default'], expires: '2026-01-01T01:00:00Z' });
    const token = (await newToken(w, { ttl: '9h' }, w.rootToken, 'create/r')).client_token;
    const child = (await newToken(w, { policies: ['default'] })).client_token;
    seconds(w, hour - 1);
    expect(await works(w, token)).toBe(true);
    seconds(w, 1);
    expect(await works(w, token)).toBe(false);
    expect(await works(w, child)).toBe(true);
    expect(await refusal(lookup(token))).toEqual([403, 'bad token']);
    expect((await refusal(newToken(w, {}, w.rootToken, 'create/r')))[1]).toContain('expired at 2026-01-01T01:00:00Z');
    await w.write('auth/token/roles/r', { expires: '' });
    expect(await works(w, token)).toBe(true);
  });

  it('ends its tokens, and what they made, when it is deleted', async () => {
    await policy('maker', 'path "auth/token/create" { capabilities = ["update"] }');
    await w.write('auth/token/roles/r', { allowed_policies: ['default', 'maker'] });
    const token = (await newToken(w, {}, w.rootToken, 'create/r')).client_token;
    const child = (await newToken(w, {}, token)).client_token;
    expect(await works(w, child)).toBe(true);
    await w.delete('auth/token/roles/r');
    expect(await works(w, token)).toBe(false);
    expect(await works(w, child)).toBe(false);
  });
});

describe('renewing a token', () => {
  it('counts from now, up to the maximum', async () => {
    const token = (await newToken(w, { policies: ['default'], ttl: '1h', explicit_max_ttl: '3h' })).client_token;
    seconds(w, hour - 1);
    const first = await w.write('auth/token/renew-self', {}, token);
    expect(first.auth).toMatchObject({ client_token: token, lease_duration: hour });
    seconds(w, hour - 1);
    const second = await w.write('auth/token/renew', { token, increment: '5h' });
    expect(second.auth?.lease_duration).toBe(hour + 2);
    expect(second.warnings).toEqual(['TTL of "5h" exceeded the effective max_ttl of "1h2s"; TTL value is capped accordingly']);
    expect(await lookup(token)).toMatchObject({ last_renewal: '2026-01-01T01:59:58Z', last_renewal_time: 1767232798 });
    seconds(w, hour + 1);
    expect(await works(w, token)).toBe(true);
    seconds(w, 1);
    expect(await works(w, token)).toBe(false);
    expect(await refusal(w.write('auth/token/renew', { token }))).toEqual([400, 'token not found']);
  });

  it('gives a periodic token its period again and again', async () => {
    const { accessor } = await newToken(w, { policies: ['default'], period: '24h' });
    for (let day = 0; day < 60; day++) {
      seconds(w, 23 * hour);
      const { auth } = await w.write('auth/token/renew-accessor', { accessor, increment: '900h' });
      expect(auth).toMatchObject({ client_token: '', lease_duration: 24 * hour });
    }
  });

  it('looks at the token role again', async () => {
    await w.write('auth/token/roles/r', { allowed_policies: ['default'], token_period: '1h' });
    const { client_token: token } = await newToken(w, {}, w.rootToken, 'create/r');
    await w.write('auth/token/roles/r', { token_period: '10m' });
    expect((await w.write('auth/token/renew', { token })).auth?.lease_duration).toBe(600);
  });

  it('is refused where there is nothing to renew', async () => {
    const fixed = (await newToken(w, { policies: ['default'], renewable: false })).client_token;
    for (const token of [fixed, w.rootToken]) {
      expect(await refusal(w.write('auth/token/renew', { token }))).toEqual([400, 'lease is not renewable']);
    }
    expect(await refusal(w.write('auth/token/renew', { token: 'hvs.unknown' }))).toEqual([400, 'token not found']);
    expect(await refusal(w.write('auth/token/renew', {}))).toEqual([400, 'missing token ID']);
    expect(await refusal(w.write('auth/token/renew-accessor', { accessor: 'x' }))).toEqual([400, 'invalid accessor']);
  });
});

describe('looking up a token', () => {
  it('needs one that works', async () => {
    const { client_token: token, accessor } = await newToken(w, { ttl: '1h', policies: ['default'] });
    seconds(w, hour);
    expect(await refusal(lookup(token))).toEqual([403, 'bad token']);
    expect(await refusal(w.write('auth/token/lookup-accessor', { accessor }))).toEqual([400, 'invalid accessor']);
    expect(await refusal(w.write('auth/token/lookup-accessor', {}))).toEqual([400, 'missing accessor']);
    expect(await refusal(lookup(accessor))).toEqual([403, 'bad token']);
  });

  it('by its accessor does not show it', async () => {
    const { client_token: token, accessor } = await newToken(w, { policies: ['default'] });
    const shown = await w.write('auth/token/lookup-accessor', { accessor });
    expect(shown.data).toEqual({ ...(await lookup(token)), id: '' });
    expect(JSON.stringify(shown)).not.toContain(token);
  });

  it('lists the accessors of those that work, page by page, to sudo only', async () => {
    const made = new Set([(await w.read('auth/token/lookup-self')).data?.['accessor']]);
    for (let count = 0; count < 5; count++) made.add((await newToken(w, { policies: ['default'], ttl: '9h' })).accessor);
    await newToken(w, { policies: ['default'], ttl: '1h' });
    seconds(w, hour);
    const all = (await w.list('auth/token/accessors')).data?.['keys'] as string[];
    expect(new Set(all)).toEqual(made);
    const paged: string[] = [];
    while (paged.length < all.length) {
      paged.push(...((await w.list('auth/token/accessors', { after: paged.at(-1) ?? '', limit: 2 })).data?.['keys'] as string[]));
    }
    expect(paged).toEqual(all);
    await policy('lister', 'path "auth/token/accessors/" { capabilities = ["list"] }');
    const lister = (await newToken(w, { policies: ['lister'] })).client_token;
    expect(await w.status('list', 'auth/token/accessors/', {}, lister)).toBe(403);
  });
});

describe('a token with a limit of uses', () => {
  it('works as often as it says and leaves nothing behind', async () => {
    const { client_token: token } = await newToken(w, { policies: ['default'], num_uses: 3, ttl: '9h' });
    await w.write('cubbyhole/a', { secret: 'x' }, token);
    expect((await w.read('auth/token/lookup-self', {}, token)).data).toMatchObject({ num_uses: 1 });
    // The last use sees what the token kept.
    expect((await w.read('cubbyhole/a', {}, token)).data).toEqual({ secret: 'x' });
    expect(await works(w, token)).toBe(false);
    expect(await refusal(lookup(token))).toEqual([403, 'bad token']);
    const before = w.medium.entries.size;
    seconds(w, 120);
    await w.system.tidy(w.clock.time + 1000);
    expect(before - w.medium.entries.size).toBeGreaterThanOrEqual(4);
  });

  it('works no more often when its uses come all at once', async () => {
    const { client_token: token } = await newToken(w, { policies: ['default'], num_uses: 5 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => works(w, token)));
    expect(answers.filter(Boolean)).toHaveLength(5);
  });

  it('makes no other tokens', async () => {
    await policy('maker', 'path "auth/token/create" { capabilities = ["update"] }');
    const { client_token: token } = await newToken(w, { policies: ['maker'], num_uses: 3 });
    expect(await refusal(newToken(w, {}, token))).toEqual([400, 'restricted use token cannot generate child tokens']);
  });
});

describe('a token bound to addresses', () => {
  it('works from there only, and so do its children', async () => {
    await policy('maker', 'path "auth/token/create" { capabilities = ["update"] }');
    await w.write('auth/token/roles/r', { allowed_policies: ['default', 'maker'], token_bound_cidrs: ['10.0.0.0/8', '::1'] });
    const { client_token: token } = await newToken(w, {}, w.rootToken, 'create/r');
    const from = async (address: string | null, by: string): Promise<boolean> => {
      const remote = address === null ? null : { address, port: 4711 };
      return w.send('read', 'auth/token/lookup-self', {}, by, remote).then(
        () => true,
        () => false,
      );
    };
    const child = authOf(
      (await w.send('write', 'auth/token/create', {}, token, { address: '10.9.9.9', port: 1 })).auth,
    ).client_token;
    for (const by of [token, child]) {
      expect(await from('10.1.2.3', by)).toBe(true);
      expect(await from('::ffff:10.1.2.3', by)).toBe(true);
      expect(await from('::1', by)).toBe(true);
      expect(await from('11.1.2.3', by)).toBe(false);
      expect(await from(null, by)).toBe(false);
    }
  });
});

describe('a batch token', () => {
  it('works without being stored, and ends with its time and its parent', async () => {
    await policy('maker', 'path "auth/token/create" { capabilities = ["update"] }');
    const parent = (await newToken(w, { policies: ['maker', 'default'] })).client_token;
    const stored = w.medium.entries.size;
    const batch = await newToken(w, { type: 'batch', ttl: '1h', policies: ['default'] }, parent);
    expect(w.medium.entries.size).toBe(stored);
    expect(batch).toMatchObject({ token_type: 'batch', accessor: '', renewable: false, lease_duration: hour, orphan: false });
    const token = batch.client_token;
    expect(token).toMatch(/^hvb\./);
    expect(await lookup(token)).toMatchObject({ type: 'batch', id: token, renewable: false });
    for (const [path, message] of [
      ['renew', 'batch tokens cannot be renewed'],
      ['revoke', 'batch tokens cannot be revoked'],
      ['revoke-orphan', 'batch tokens cannot be revoked'],
    ] as const) {
      expect(await refusal(w.write(`auth/token/${path}`, { token }))).toEqual([400, message]);
    }
    const maker = (await newToken(w, { type: 'batch', policies: ['maker'] })).client_token;
    expect(await refusal(newToken(w, {}, maker))).toEqual([400, 'batch tokens cannot create more tokens']);
    expect(await w.status('write', 'cubbyhole/x', { a: 'b' }, token)).toBe(400);
    await w.write('auth/token/revoke', { token: parent });
    expect(await works(w, token)).toBe(false);
    const other = (await newToken(w, { type: 'batch', ttl: '1h', policies: ['default'], no_parent: true })).client_token;
    seconds(w, hour - 1);
    expect(await works(w, other)).toBe(true);
    seconds(w, 1);
    expect(await works(w, other)).toBe(false);
  });

  it('cannot be altered in any byte, nor written in another way', async () => {
    const { client_token: token } = await newToken(w, { type: 'batch', policies: ['default'] });
    expect(await works(w, token)).toBe(true);
    for (let at = 4; at < token.length; at += 7) {
      const other = token[at] === 'A' ? 'B' : 'A';
      expect(await works(w, token.slice(0, at) + other + token.slice(at + 1))).toBe(false);
    }
    expect(await works(w, `${token}=`)).toBe(false);
    expect(await works(w, `${token}\n`)).toBe(false);
    expect(await works(w, token.slice(0, 20))).toBe(false);
    const elsewhere = await world();
    expect(await works(elsewhere, token)).toBe(false);
  });
});

describe('a batch token whose parent has a chosen ID', () => {
  it('does not live again with another token of that ID', async () => {
    const chosen = { id: 'chosen', policies: ['root'], ttl: '1h' };
    await newToken(w, chosen);
    const batch = (await newToken(w, { type: 'batch', policies: ['default'] }, 'chosen')).client_token;
    const wrapped = (await newToken(w, { policies: ['default'] }, 'chosen')).client_token;
    expect([await works(w, batch), await works(w, wrapped)]).toEqual([true, true]);
    await w.write('auth/token/revoke', { token: 'chosen' });
    seconds(w, 1);
    await newToken(w, chosen);
    expect([await works(w, batch), await works(w, wrapped), await works(w, 'chosen')]).toEqual([false, false, true]);
  });
});

describe('what is no token', () => {
  it('does not work', async () => {
    for (const text of ['', 'hvs.', 'hvb.', 'hvs.x', ' ', '\ud800', 'x'.repeat(10_000), 'token/key', '../key']) {
      expect(await works(w, text), text.slice(0, 20)).toBe(false);
    }
  });

  it('gets the same refusal whether what it asks for exists or not', async () => {
    await w.write('sys/auth/approle', { type: 'approle' });
    await w.write('auth/approle/role/r', {});
    const ask = (path: string, token: string | null) => refusal(w.read(path, {}, token));
    for (const token of [null, 'hvs.nobody']) {
      for (const path of [
        'auth/approle/role/r',
        'auth/approle/role/ghost',
        'auth/ghost/role/r',
        'auth/token/lookup-self',
        'nowhere/x',
      ]) {
        expect(await ask(path, token)).toEqual([403, 'permission denied']);
      }
    }
  });

  it('makes no token by an operation that a route does not have', async () => {
    const stored = w.medium.entries.size;
    for (const operation of ['read', 'list', 'patch', 'delete'] as const) {
      expect(await w.status(operation, 'auth/token/create')).toBe(405);
    }
    expect(await w.status('write', 'auth/token/create/a/b')).toBe(404);
    expect(w.medium.entries.size).toBe(stored);
  });
});
