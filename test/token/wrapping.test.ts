import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import type { Reply, WrapInfo } from '../../src/protocol/reply.ts';
import type { Operation } from '../../src/protocol/request.ts';
import { project, revision } from '../core/changes.ts';
import { world, type World } from '../world.ts';
import { authOf, newToken, refusal, runs, seconds, works } from './asking.ts';

const gone = [400, 'wrapping token is not valid or does not exist'];

let w: World;
beforeEach(async () => {
  w = await world();
  await w.write('sys/mounts/kv', { type: 'kv', options: { version: '1' } });
  await w.write('kv/a', { v: 'inside' });
});

async function wrapped(
  operation: Operation,
  path: string,
  data: JsonObject = {},
  { ttl = 60, token = w.rootToken }: { ttl?: number; token?: string | null } = {},
): Promise<Reply> {
  return w.system.handle({ operation, path, data, token, remote: null, wrapTtl: ttl });
}

async function wrapping(...asked: Parameters<typeof wrapped>): Promise<WrapInfo> {
  const { wrapInfo } = await wrapped(...asked);
  if (wrapInfo === undefined) throw new Error('the reply is not wrapped');
  return wrapInfo;
}

describe('a wrapped reply', () => {
  test('says where it waits and nothing of what it is', async () => {
    const reply = await wrapped('read', 'kv/a', {}, { ttl: 300 });
    expect(reply).toEqual({
      wrapInfo: {
        token: expect.stringMatching(/^hvs\./) as string,
        accessor: expect.stringMatching(/^\w{24}$/) as string,
        ttl: 300,
        creationTime: w.clock.time,
        creationPath: 'kv/a',
        wrappedAccessor: '',
      },
    });
  });

  test('is opened by its token, once', async () => {
    const { token } = await wrapping('read', 'kv/a');
    expect((await w.write('sys/wrapping/unwrap', {}, token)).data).toEqual({ v: 'inside' });
    expect(await refusal(w.write('sys/wrapping/unwrap', {}, token))).toEqual(gone);
    expect(await refusal(w.write('sys/wrapping/unwrap', { token }))).toEqual(gone);
  });

  test('is opened by whoever names its token, once', async () => {
    const { token } = await wrapping('read', 'kv/a');
    const { client_token: reader } = await newToken(w, { policies: ['default'] });
    expect((await w.write('sys/wrapping/unwrap', { token }, reader)).data).toEqual({ v: 'inside' });
    expect(await refusal(w.write('sys/wrapping/unwrap', { token }, reader))).toEqual(gone);
    expect(await works(w, reader)).toBe(true);
  });

  test('is opened by a batch token that names its token', async () => {
    const { token } = await wrapping('read', 'kv/a');
    const { client_token: batch } = await newToken(w, { policies: ['default'], type: 'batch', ttl: '1h' });
    expect((await w.write('sys/wrapping/unwrap', { token }, batch)).data).toEqual({ v: 'inside' });
  });

  test('has one winner among fifty at once', async () => {
    const { token } = await wrapping('read', 'kv/a');
    const tries = Array.from({ length: 50 }, (_, index) =>
      w.write('sys/wrapping/unwrap', index % 2 === 0 ? { token } : {}, index % 2 === 0 ? w.rootToken : token),
    );
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ status: 400, errors: [gone[1]] });
    }
  });

  test('is not given to a caller who may not unwrap, and then still waits', async () => {
    const { token } = await wrapping('read', 'kv/a');
    const { client_token: poor } = await newToken(w, { policies: ['none'], no_default_policy: true });
    expect(await w.status('write', 'sys/wrapping/unwrap', { token }, poor)).toBe(403);
    expect(await w.status('write', 'sys/wrapping/unwrap', { token }, 'no such token')).toBe(403);
    expect(await w.status('write', 'sys/wrapping/unwrap', { token }, null)).toBe(403);
    expect((await w.write('sys/wrapping/unwrap', { token })).data).toEqual({ v: 'inside' });
  });

  test('is lost when its time is over', async () => {
    const { token } = await wrapping('read', 'kv/a', {}, { ttl: 10 });
    seconds(w, 10);
    expect(await refusal(w.write('sys/wrapping/unwrap', { token }))).toEqual(gone);
    expect(await refusal(w.write('sys/wrapping/lookup', { token }, null))).toEqual(gone);
    await w.system.tidy(Infinity);
    expect(await refusal(w.write('sys/wrapping/unwrap', {}, token))).toEqual(gone);
  });

  test('outlives a crash', async () => {
    const { token } = await wrapping('read', 'kv/a');
    await w.crash();
    expect((await w.write('sys/wrapping/unwrap', {}, token)).data).toEqual({ v: 'inside' });
  });

  test('leaves nothing behind', async () => {
    const before = w.medium.entries.size;
    const { token } = await wrapping('read', 'kv/a');
    expect(w.medium.entries.size).toBeGreaterThan(before);
    await w.write('sys/wrapping/unwrap', {}, token);
    expect(w.medium.entries.size).toBe(before);
  });

  test('may be a new token, whose accessor is told, and which outlives the wrapping token', async () => {
    const { token, wrappedAccessor } = await wrapping('write', 'auth/token/create', { policies: ['default'], ttl: '1h' });
    const { auth } = await w.write('sys/wrapping/unwrap', {}, token);
    expect(authOf(auth)).toMatchObject({ accessor: wrappedAccessor, policies: ['default'], token_policies: ['default'] });
    expect(authOf(auth).identity_policies).toEqual([]);
    expect(await works(w, authOf(auth).client_token)).toBe(true);
  });

  test('may be that of a login and a secret id', async () => {
    await w.write('sys/auth/approle', { type: 'approle' });
    await w.write('auth/approle/role/ci', { token_policies: ['default'] });
    const roleId = (await w.read('auth/approle/role/ci/role-id')).data?.['role_id'] as string;
    const secret = await wrapping('write', 'auth/approle/role/ci/secret-id');
    const { data } = await w.write('sys/wrapping/unwrap', { token: secret.token });
    expect(data?.['secret_id_accessor']).toBe(secret.wrappedAccessor);
    const login = { role_id: roleId, secret_id: data?.['secret_id'] as string };
    const { token } = await wrapping('write', 'auth/approle/login', login, { token: null });
    expect(authOf((await w.write('sys/wrapping/unwrap', {}, token)).auth).policies).toEqual(['default']);
  });

  test('keeps its status, as the deleted version of a secret has one', async () => {
    await w.write('sys/mounts/kv2', { type: 'kv', options: { version: '2' } });
    await w.write('kv2/data/a', { data: { x: '1' } });
    await w.delete('kv2/data/a');
    const { token } = await wrapping('read', 'kv2/data/a');
    expect(await w.write('sys/wrapping/unwrap', {}, token)).toMatchObject({ status: 404, data: { data: null } });
  });
});

describe('what is not wrapped', () => {
  test('is nothing: a reply without content, an error, a time of zero', async () => {
    expect(await wrapped('write', 'kv/b', { v: 'x' })).toMatchObject({ status: 204 });
    expect(await refusal(wrapped('read', 'kv/none'))).toEqual([404, '']);
    expect((await wrapped('read', 'kv/a', {}, { ttl: 0 })).data).toEqual({ v: 'inside' });
  });

  test('is an apply, whose reply holds no secret', async () => {
    const base = await revision(w);
    const rest = { commit: 'c0ffee', planDigest: 'sha256:00', changes: [] };
    expect(await refusal(wrapped('write', 'sys/apply', { project, storeId: w.storeId, base, ...rest }))).toEqual([
      400,
      'the reply of an apply is not wrapped: leave the wrap TTL out',
    ]);
  });

  test('is what would wait for more than ten years', async () => {
    expect((await refusal(wrapped('read', 'kv/a', {}, { ttl: 1e9 })))[0]).toBe(400);
  });
});

describe('a wrapping token', () => {
  test('opens its reply and does nothing else, and whoever tries has ended it', async () => {
    for (const [operation, path] of [
      ['read', 'auth/token/lookup-self'],
      ['read', 'kv/a'],
      ['write', 'auth/token/create'],
      ['list', 'cubbyhole/'],
      ['read', 'cubbyhole/wrapinfo'],
      ['write', 'cubbyhole/response'],
    ] as const) {
      const { token } = await wrapping('read', 'kv/a');
      expect(await w.status(operation, path, {}, token)).toBe(403);
      expect(await refusal(w.write('sys/wrapping/unwrap', {}, token))).toEqual(gone);
    }
  });

  test('reads the envelope from its cubbyhole, as clients of old do', async () => {
    const { token } = await wrapping('read', 'kv/a');
    const { data } = await w.read('cubbyhole/response', {}, token);
    expect(JSON.parse(data?.['response'] as string)).toMatchObject({
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      lease_id: '',
      renewable: false,
      data: { v: 'inside' },
      wrap_info: null,
      warnings: null,
      auth: null,
    });
    expect(await refusal(w.write('sys/wrapping/unwrap', {}, token))).toEqual(gone);
  });

  test('is looked up without any token, as often as one likes', async () => {
    const { token } = await wrapping('read', 'kv/a', {}, { ttl: 90 });
    const shown = { creation_path: 'kv/a', creation_time: '2026-01-01T00:00:00Z', creation_ttl: 90 };
    expect((await w.write('sys/wrapping/lookup', { token }, null)).data).toEqual(shown);
    expect((await w.read('sys/wrapping/lookup', {}, token)).data).toEqual(shown);
    expect((await w.write('sys/wrapping/unwrap', {}, token)).data).toEqual({ v: 'inside' });
  });

  test('is another one after a rewrap, for the same reply and time', async () => {
    const first = await wrapping('read', 'kv/a', {}, { ttl: 90 });
    seconds(w, 60);
    const { wrapInfo } = await w.write('sys/wrapping/rewrap', { token: first.token });
    expect(wrapInfo).toMatchObject({ ttl: 90, creationPath: 'kv/a', creationTime: w.clock.time });
    expect(await refusal(w.write('sys/wrapping/unwrap', { token: first.token }))).toEqual(gone);
    seconds(w, 60);
    expect((await w.write('sys/wrapping/unwrap', {}, wrapInfo?.token)).data).toEqual({ v: 'inside' });
  });

  test('does not rewrap itself', async () => {
    const { token } = await wrapping('read', 'kv/a');
    expect(await w.status('write', 'sys/wrapping/rewrap', {}, token)).toBe(403);
  });

  test('is a token that wraps: no other opens anything', async () => {
    const { client_token: other } = await newToken(w, { policies: ['default'] });
    for (const path of ['unwrap', 'rewrap', 'lookup']) {
      expect(await refusal(w.write(`sys/wrapping/${path}`, {}, other))).toEqual(gone);
      expect(await refusal(w.write(`sys/wrapping/${path}`, { token: w.rootToken }))).toEqual(gone);
      expect((await refusal(w.write(`sys/wrapping/${path}`, { token: '' })))[0]).toBe(403);
      expect((await refusal(w.write(`sys/wrapping/${path}`, {}, null)))[0]).toBe(403);
    }
  });

  test('is gone with what it would open when it is revoked', async () => {
    const { token, accessor } = await wrapping('read', 'kv/a');
    await w.write('auth/token/revoke-accessor', { accessor });
    expect(await refusal(w.write('sys/wrapping/unwrap', {}, token))).toEqual(gone);
  });

  test('shows what it is to whoever may look up tokens', async () => {
    const { accessor } = await wrapping('read', 'kv/a', {}, { ttl: 90 });
    expect((await w.write('auth/token/lookup-accessor', { accessor })).data).toMatchObject({
      policies: ['response-wrapping'],
      num_uses: 1,
      explicit_max_ttl: 90,
      ttl: 90,
      orphan: true,
      path: 'kv/a',
    });
  });
});

describe('wrapping by policy', () => {
  test('gives the reply out in no other way', async () => {
    await w.write('sys/policies/acl/only-wrapped', {
      policy: 'path "kv/a" { capabilities = ["read"] min_wrapping_ttl = "10s" max_wrapping_ttl = "1m" }',
    });
    const { client_token: token } = await newToken(w, { policies: ['only-wrapped'] });
    expect(await w.status('read', 'kv/a', {}, token)).toBe(403);
    for (const ttl of [0, 9, 61]) expect((await refusal(wrapped('read', 'kv/a', {}, { ttl, token })))[0]).toBe(403);
    const { token: opens } = await wrapping('read', 'kv/a', {}, { ttl: 10, token });
    expect((await w.write('sys/wrapping/unwrap', {}, opens)).data).toEqual({ v: 'inside' });
  });

  test('keeps a maximum alone from being met with no time at all', async () => {
    await w.write('sys/policies/acl/at-most', { policy: 'path "kv/a" { capabilities = ["read"] max_wrapping_ttl = "1m" }' });
    const { client_token: token } = await newToken(w, { policies: ['at-most'] });
    expect((await refusal(wrapped('read', 'kv/a', {}, { ttl: 0, token })))[0]).toBe(403);
  });
});

describe('sys/wrapping/wrap', () => {
  test('wraps what it was sent', async () => {
    const { token, creationPath } = await wrapping('write', 'sys/wrapping/wrap', { a: 1, b: { c: ['d'] } });
    expect(creationPath).toBe('sys/wrapping/wrap');
    expect((await w.write('sys/wrapping/unwrap', {}, token)).data).toEqual({ a: 1, b: { c: ['d'] } });
  });

  test('wants a time', async () => {
    expect(await refusal(w.write('sys/wrapping/wrap', { a: 1 }))).toEqual([
      400,
      'endpoint requires response wrapping to be used',
    ]);
  });
});

describe('a token of limited use', () => {
  test('gives a use for what it unwraps', async () => {
    const { client_token: twice } = await newToken(w, { policies: ['default'], num_uses: 2 });
    for (const status of [200, 200, 403]) {
      const { token } = await wrapping('read', 'kv/a');
      expect(await w.status('write', 'sys/wrapping/unwrap', { token }, twice)).toBe(status);
    }
  });

  test('gives a use for what it is refused', async () => {
    const { client_token: twice } = await newToken(w, { policies: ['default'], num_uses: 2 });
    expect(await w.status('read', 'kv/a', {}, twice)).toBe(403);
    expect(await works(w, twice)).toBe(true);
    expect(await works(w, twice)).toBe(false);
  });
});

describe('wrapped replies of any history', () => {
  interface Model {
    readonly token: string;
    readonly value: string;
    readonly ttl: number;
    readonly expires: number;
    ended: boolean;
  }
  const step = fc.oneof(
    fc.record({ do: fc.constant('wrap' as const), ttl: fc.integer({ min: 1, max: 50 }) }),
    fc.record({
      do: fc.constantFrom('unwrap' as const, 'rewrap' as const, 'lookup' as const, 'revoke' as const),
      which: fc.nat(9),
      self: fc.boolean(),
    }),
    fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ do: fc.constant('tidy' as const) }),
    fc.record({ do: fc.constant('crash' as const) }),
  );

  test('are given out once, in their time, and never mixed up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        w = await world();
        const known: Model[] = [];
        const add = (token: string, value: string, ttl: number): void => {
          known.push({ token, value, ttl, expires: w.clock.time + ttl * 1000, ended: false });
        };
        for (const each of steps) {
          if (each.do === 'wrap') {
            const value = `value-${known.length}`;
            add((await wrapping('write', 'sys/wrapping/wrap', { value }, { ttl: each.ttl })).token, value, each.ttl);
          } else if (each.do === 'wait') seconds(w, each.seconds);
          else if (each.do === 'tidy') await w.system.tidy(Infinity);
          else if (each.do === 'crash') await w.crash();
          else {
            const one = known[each.which % Math.max(known.length, 1)];
            if (one === undefined) continue;
            const opens = !one.ended && w.clock.time < one.expires;
            if (each.do === 'revoke') {
              await w.write('auth/token/revoke', { token: one.token });
              one.ended = true;
              continue;
            }
            const asked = w.write(
              `sys/wrapping/${each.do}`,
              each.self ? {} : { token: one.token },
              each.self ? one.token : w.rootToken,
            );
            if (!opens) {
              expect(await refusal(asked)).toEqual(gone);
              continue;
            }
            if (each.do === 'rewrap' && each.self) {
              expect((await refusal(asked))[0]).toBe(403);
              continue;
            }
            const reply = await asked;
            if (each.do === 'lookup') expect(reply.data?.['creation_ttl']).toBe(one.ttl);
            else one.ended = true;
            if (each.do === 'unwrap') expect(reply.data).toEqual({ value: one.value });
            if (each.do === 'rewrap') add(reply.wrapInfo?.token ?? '', one.value, one.ttl);
          }
        }
      }),
      runs(25, 500),
    );
  });
});
