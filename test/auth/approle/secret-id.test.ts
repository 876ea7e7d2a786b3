import { beforeEach, describe, expect, it } from 'vitest';
import { approle } from '../../../src/auth/approle/index.ts';
import { hour, refusal, seconds } from '../../token/asking.ts';
import type { World } from '../../world.ts';
import { approleWorld, lockNobody, login, secretId } from './logging-in.ts';

let w: World;
beforeEach(async () => {
  w = await approleWorld({ secret_id_ttl: '2h', secret_id_num_uses: 10 });
  await w.write('auth/approle/role/other', { token_policies: ['default'] });
});

const at = (path: string, role = 'r'): string => `auth/approle/role/${role}/${path}`;

describe('a secret id', () => {
  it('is described by itself and by its accessor, without itself', async () => {
    const { id, accessor } = await secretId(w, { metadata: '{"a":"b"}', num_uses: 4, ttl: '1h', cidr_list: '10.0.0.0/8' });
    const shown = {
      secret_id_accessor: accessor,
      secret_id_num_uses: 4,
      secret_id_ttl: hour,
      creation_time: '2026-01-01T00:00:00Z',
      expiration_time: '2026-01-01T01:00:00Z',
      last_updated_time: '2026-01-01T00:00:00Z',
      metadata: { a: 'b' },
      cidr_list: ['10.0.0.0/8'],
      token_bound_cidrs: [],
    };
    expect((await w.write(at('secret-id/lookup'), { secret_id: id })).data).toEqual(shown);
    expect((await w.write(at('secret-id-accessor/lookup'), { secret_id_accessor: accessor })).data).toEqual(shown);
    seconds(w, 60);
    await login(w, id, '10.0.0.1');
    expect((await w.write(at('secret-id/lookup'), { secret_id: id })).data).toMatchObject({
      secret_id_num_uses: 3,
      last_updated_time: '2026-01-01T00:01:00Z',
    });
  });

  it('belongs to its role: nothing of another role leads to it', async () => {
    const { id, accessor } = await secretId(w, {}, 'other');
    const body = { secret_id: id, secret_id_accessor: accessor };
    expect(await w.status('write', at('secret-id-accessor/destroy'), body)).toBe(404);
    expect(await w.status('delete', at('secret-id-accessor/destroy'), body)).toBe(404);
    expect(await w.status('write', at('secret-id-accessor/lookup'), body)).toBe(404);
    expect(await w.status('write', at('secret-id/destroy'), { secret_id: id })).toBe(204);
    expect(await w.status('write', at('secret-id/lookup'), { secret_id: id })).toBe(204);
    expect((await login(w, id, null, 'other')).auth?.policies).toEqual(['default']);
  });

  it.each(['write', 'delete'] as const)('is destroyed by %s, by itself or by its accessor', async (operation) => {
    const first = await secretId(w);
    const second = await secretId(w);
    expect(new Set((await w.list(at('secret-id'))).data?.['keys'] as string[])).toEqual(
      new Set([first.accessor, second.accessor]),
    );
    await w.send(operation, at('secret-id/destroy'), { secret_id: first.id });
    await w.send(operation, at('secret-id-accessor/destroy'), { secret_id_accessor: second.accessor });
    expect(await w.status('list', at('secret-id'))).toBe(404);
    for (const { id } of [first, second]) expect(await refusal(login(w, id))).toEqual([400, 'invalid role or secret ID']);
  });

  it('may be chosen, once per role', async () => {
    const reply = await w.write(at('custom-secret-id'), { secret_id: 'my choice' });
    expect(reply.data).toMatchObject({ secret_id: 'my choice', secret_id_ttl: 2 * hour, secret_id_num_uses: 10 });
    expect((await login(w, 'my choice')).auth?.policies).toEqual(['default']);
    expect((await refusal(w.write(at('custom-secret-id'), { secret_id: 'my choice' })))[1]).toContain('already registered');
    expect((await refusal(w.write(at('custom-secret-id'), {})))[1]).toBe('missing secret_id');
    await w.write(at('custom-secret-id', 'other'), { secret_id: 'my choice' });
    seconds(w, 2 * hour);
    await w.write(at('custom-secret-id'), { secret_id: 'my choice' });
  });

  it.each([
    [{ num_uses: 11 }, "num_uses cannot be higher than the role's secret_id_num_uses"],
    [{ num_uses: 0 }, "num_uses cannot be higher than the role's secret_id_num_uses"],
    [{ num_uses: -1 }, 'num_uses cannot be negative'],
    [{ ttl: '3h' }, "ttl cannot be longer than the role's secret_id_ttl"],
    [{ ttl: 0 }, "ttl cannot be longer than the role's secret_id_ttl"],
    [{ cidr_list: 'x' }, 'error parsing cidr_list: "x" is no address or CIDR block'],
    [
      { metadata: 'team' },
      'failed to parse metadata: it must be a JSON object whose values are strings, as text: "{\\"team\\": \\"payments\\"}"',
    ],
    [
      { metadata: '{"a": 1}' },
      'failed to parse metadata: it must be a JSON object whose values are strings, as text: "{\\"team\\": \\"payments\\"}"',
    ],
    [
      { metadata: '["a"]' },
      'failed to parse metadata: it must be a JSON object whose values are strings, as text: "{\\"team\\": \\"payments\\"}"',
    ],
  ])('is not made of %j', async (body, message) => {
    expect(await refusal(secretId(w, body))).toEqual([400, message]);
    expect(await w.status('list', at('secret-id'))).toBe(404);
  });

  it.each([
    ['{"team":"payments","a":""}', { team: 'payments', a: '' }],
    [' {"team": "payments"}\n', { team: 'payments' }],
    ['team=payments, env = prod', { team: 'payments', env: 'prod' }],
    ['eyJ0ZWFtIjoicGF5bWVudHMifQ==', { team: 'payments' }],
    ['dGVhbT1wYXltZW50cw==', { team: 'payments' }],
    ['', {}],
    [' ', {}],
  ])('has the metadata %j in each form that clients send', async (metadata, shown) => {
    const { id } = await secretId(w, { metadata });
    expect((await w.write(at('secret-id/lookup'), { secret_id: id })).data?.['metadata']).toEqual(shown);
  });

  it('is listed page by page, each once, however many are past their time', async () => {
    const accessors = new Set<string>();
    for (let count = 0; count < 7; count++) accessors.add((await secretId(w)).accessor);
    for (let count = 0; count < 7; count++) await secretId(w, { ttl: '1m' });
    seconds(w, 60);
    const seen: string[] = [];
    for (let after = ''; ;) {
      const page = await w.list(at('secret-id'), { after, limit: 2 }).then(
        ({ data }) => data?.['keys'] as string[],
        () => [],
      );
      if (page.length === 0) break;
      seen.push(...page);
      after = page.at(-1) ?? '';
      // The one to go on after need not be there any more.
      if (seen.length === 2) await w.write(at('secret-id-accessor/destroy'), { secret_id_accessor: after });
    }
    expect(seen).toHaveLength(7);
    expect(new Set(seen)).toEqual(accessors);
    expect(await refusal(w.list(at('secret-id', 'ghost')))).toEqual([400, 'role "ghost" does not exist']);
  });

  it('of one’s own choosing has no white space around it, which a login would take away', async () => {
    for (const chosen of ['my choice\n', ' my choice']) {
      expect((await refusal(w.write(at('custom-secret-id'), { secret_id: chosen })))[1]).toContain('white space');
    }
  });

  it('without an end shows the zero time', async () => {
    const { id } = await secretId(w, {}, 'other');
    expect((await w.write(at('secret-id/lookup', 'other'), { secret_id: id })).data).toMatchObject({
      expiration_time: '0001-01-01T00:00:00Z',
      secret_id_ttl: 0,
      secret_id_num_uses: 0,
    });
  });

  it('past its time is nowhere to be seen, and tidying removes it', async () => {
    const { id, accessor } = await secretId(w);
    await secretId(w, {}, 'other');
    const stored = w.medium.entries.size;
    seconds(w, 2 * hour);
    expect(await w.status('list', at('secret-id'))).toBe(404);
    expect(await w.status('write', at('secret-id/lookup'), { secret_id: id })).toBe(204);
    expect(await w.status('write', at('secret-id-accessor/lookup'), { secret_id_accessor: accessor })).toBe(404);
    expect(await w.write('auth/approle/tidy/secret-id')).toMatchObject({ status: 202, warnings: ['Tidy operation finished'] });
    expect(stored - w.medium.entries.size).toBe(3);
    expect((await w.list(at('secret-id', 'other'))).data?.['keys']).toHaveLength(1);
  });

  it('past its time is removed in the background, a few at a time, in the order of their ends', async () => {
    const mount = await w.store.read(async (tx) => {
      const mounts = w.barrier.view(tx, 'core').below('mounts/');
      for (const id of await mounts.children('')) {
        if ((await mounts.getJson<{ type: string }>(id))?.type === 'approle') return id;
      }
      return '';
    });
    const { expiry } = approle;
    const next = () => w.store.read(async (tx) => expiry?.next(w.barrier.view(tx, { mountId: mount })));
    const expire = (limit: number) =>
      w.store.transact(async (tx) => expiry?.expire(w.barrier.view(tx, { mountId: mount }), w.clock.time, limit));
    expect(await next()).toBeNull();
    const start = w.clock.time;
    const stored = w.medium.entries.size;
    await w.write(at('secret-id', 'other'));
    for (const ttl of [60, 90, 90, 120, 7200]) await w.write(at('secret-id'), { ttl });
    expect(await next()).toBe(start + 60_000);
    expect(await expire(10)).toBe(start + 60_000);
    seconds(w, 90);
    expect(await expire(2)).toBe(start + 90_000);
    expect(await expire(2)).toBe(start + 120_000);
    seconds(w, 30);
    expect(await expire(2)).toBe(start + 7_200_000);
    await w.delete('auth/approle/role/r');
    seconds(w, 7200);
    expect(await expire(10)).toBeNull();
    // One without an end is left, by itself and by its accessor; a role and the index of its role id are gone.
    expect(w.medium.entries.size).toBe(stored + 2 - 2);
  });

  it('goes with its role, however many there are', async () => {
    await lockNobody(w);
    await w.delete('auth/approle/role/other');
    const stored = w.medium.entries.size;
    await w.write('auth/approle/role/many', { secret_id_ttl: '1h' });
    const first = await secretId(w, {}, 'many');
    for (let count = 0; count < 510; count++) await secretId(w, {}, 'many');
    await w.delete('auth/approle/role/many');
    await w.write('auth/approle/role/many', {});
    expect(await refusal(login(w, first.id, null, 'many'))).toEqual([400, 'invalid role or secret ID']);
    await w.delete('auth/approle/role/many');
    seconds(w, hour);
    let rounds = 0;
    while ((await w.write('auth/approle/tidy/secret-id')).warnings?.[0] !== 'Tidy operation finished') rounds++;
    expect(rounds).toBeGreaterThan(0);
    expect(w.medium.entries.size).toBe(stored);
  });
});
