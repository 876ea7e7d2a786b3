import { beforeEach, describe, expect, it } from 'vitest';
import { expireTokens } from '../../src/token/revocation.ts';
import { world, type World } from '../world.ts';
import { hour, newToken, refusal, seconds, works } from './asking.ts';

let w: World;
beforeEach(async () => {
  w = await world();
  await w.write('sys/policies/acl/maker', { policy: 'path "auth/token/create" { capabilities = ["update"] }' });
});

const make = async (by?: string, data = {}): Promise<string> =>
  (await newToken(w, { policies: ['default', 'maker'], ...data }, by)).client_token;

/** The keys of what is stored for tokens, besides the token key, the root token and roles. */
function tokenKeys(): string[] {
  return [...w.medium.entries.keys()].filter((key) => /^core\/token\/(id|accessor|child|by-|revoking)/.test(key));
}

async function expire(limit: number) {
  const forgotten: string[] = [];
  const run = await w.store.transact((tx) =>
    expireTokens(w.barrier.view(tx, 'core'), w.clock.time, limit, async (id) => {
      forgotten.push(id);
    }),
  );
  return { ...run, forgotten };
}

describe('revoking a token', () => {
  it('ends all that descends from it, and nothing else', async () => {
    const clean = tokenKeys();
    const parent = await make();
    const [child, sibling] = [await make(parent), await make(parent)];
    const grandchild = await make(child);
    const other = await make();
    await w.write('auth/token/revoke', { token: child });
    expect(await Promise.all([parent, child, sibling, grandchild, other].map((token) => works(w, token)))).toEqual([
      true,
      false,
      true,
      false,
      true,
    ]);
    await w.write('auth/token/revoke-self', {}, parent);
    expect(await works(w, sibling)).toBe(false);
    await w.write('auth/token/revoke', { token: other });
    expect(tokenKeys()).toEqual(clean);
  });

  it('takes what it kept in its cubbyhole along', async () => {
    const token = await make();
    await w.write('cubbyhole/a', { secret: 'x' }, token);
    const kept = () => [...w.medium.entries.keys()].filter((key) => key.startsWith('mount/cubbyhole/'));
    expect(kept()).toHaveLength(1);
    await w.write('auth/token/revoke', { token });
    expect(kept()).toEqual([]);
  });

  it('with its children left as orphans keeps them and theirs', async () => {
    const parent = await make();
    const child = await make(parent);
    const grandchild = await make(child);
    await w.write('auth/token/revoke-orphan', { token: parent });
    expect(await works(w, parent)).toBe(false);
    expect((await w.read('auth/token/lookup-self', {}, child)).data).toMatchObject({ orphan: true });
    expect((await w.read('auth/token/lookup-self', {}, grandchild)).data).toMatchObject({ orphan: false });
    await w.write('auth/token/revoke', { token: child });
    expect(await works(w, grandchild)).toBe(false);
  });

  it('is refused or without effect where there is none', async () => {
    expect(await refusal(w.write('auth/token/revoke', {}))).toEqual([400, 'missing token ID']);
    expect(await w.status('write', 'auth/token/revoke', { token: 'hvs.unknown' })).toBe(204);
    expect(await refusal(w.write('auth/token/revoke-orphan', { token: 'hvs.unknown' }))).toEqual([
      400,
      'token to revoke not found',
    ]);
    expect((await w.write('auth/token/revoke-accessor', { accessor: 'x' })).warnings).toEqual([
      'No token found with this accessor',
    ]);
    await w.write('sys/policies/acl/revoker', { policy: 'path "auth/token/revoke-orphan" { capabilities = ["update"] }' });
    const revoker = (await newToken(w, { policies: ['revoker'] })).client_token;
    expect(await refusal(w.write('auth/token/revoke-orphan', { token: revoker }, revoker))).toEqual([
      400,
      'root or sudo privileges required to revoke and orphan',
    ]);
  });

  it('by its accessor ends it too', async () => {
    const { client_token: token, accessor } = await newToken(w, { policies: ['default'] });
    await w.write('auth/token/revoke-accessor', { accessor });
    expect(await works(w, token)).toBe(false);
  });
});

describe('a tree too large for one transaction', () => {
  it('ends at once, and is removed bit by bit', async () => {
    const clean = tokenKeys();
    const parent = await make();
    const tokens: string[] = [];
    for (let branch = 0; branch < 6; branch++) {
      const child = await make(parent);
      tokens.push(child);
      for (let leaf = 0; leaf < 90; leaf++) tokens.push(await make(child));
    }
    await w.write('auth/token/revoke', { token: parent });
    expect(tokenKeys().some((key) => key.startsWith('core/token/revoking/tree/'))).toBe(true);
    for (const token of [...tokens.slice(0, 3), ...tokens.slice(-3)]) expect(await works(w, token)).toBe(false);
    expect(await refusal(w.write('auth/token/lookup', { token: tokens.at(-1) ?? '' }))).toEqual([403, 'bad token']);
    let removed = 0;
    for (;;) {
      const run = await expire(10);
      removed += run.removed;
      expect(run.removed).toBeLessThanOrEqual(10);
      if (run.nextDue === null || run.nextDue > w.clock.time) break;
    }
    expect(removed).toBe(1 + 6 + 6 * 90 - 500);
    expect(tokenKeys()).toEqual(clean);
  });

  it('with its children left as orphans lets them work all the while', async () => {
    const parent = await make();
    const children: string[] = [];
    for (let count = 0; count < 505; count++) children.push(await make(parent));
    await w.write('auth/token/revoke-orphan', { token: parent });
    expect(tokenKeys().some((key) => key.startsWith('core/token/revoking/children/'))).toBe(true);
    const orphans = async (): Promise<number> => {
      let count = 0;
      for (const token of children) {
        const { data } = await w.read('auth/token/lookup-self', {}, token);
        if (data?.['orphan'] === true) count++;
      }
      return count;
    };
    expect(await orphans()).toBe(505);
    expect(await works(w, parent)).toBe(false);
    await expire(100);
    expect(await orphans()).toBe(505);
    expect(tokenKeys().filter((key) => /\/(revoking|child)\//.test(key))).toEqual([]);
  });
});

describe('expiry', () => {
  it('ends a token at its time and its children with it, cleaned up or not', async () => {
    const parent = await make(undefined, { ttl: '1h' });
    const child = await make(parent, { ttl: '9h' });
    const orphan = await make(undefined, { ttl: '9h', no_parent: true });
    seconds(w, hour - 1);
    expect(await works(w, child)).toBe(true);
    seconds(w, 1);
    expect(await Promise.all([parent, child, orphan].map((token) => works(w, token)))).toEqual([false, false, true]);
    const run = await expire(100);
    expect(run.removed).toBe(2);
    expect(run.forgotten).toHaveLength(2);
    expect(run.nextDue).toBe(Date.UTC(2026, 0, 1, 9));
    expect(await Promise.all([parent, child, orphan].map((token) => works(w, token)))).toEqual([false, false, true]);
    expect(tokenKeys().filter((key) => key.startsWith('core/token/by-expiry/'))).toHaveLength(1);
  });

  it('goes by the newest renewal', async () => {
    const token = await make(undefined, { ttl: '1h' });
    seconds(w, hour / 2);
    await w.write('auth/token/renew', { token });
    seconds(w, hour / 2);
    expect(await expire(100)).toMatchObject({ removed: 0, nextDue: Date.UTC(2026, 0, 1, 1, 30) });
    expect(await works(w, token)).toBe(true);
  });

  it('removes no more than it is told to, and says that more is due', async () => {
    for (let count = 0; count < 7; count++) await make(undefined, { ttl: 60 + count });
    seconds(w, hour);
    expect(await expire(3)).toMatchObject({ removed: 3, nextDue: Date.UTC(2026, 0, 1, 0, 1, 3) });
    expect(await expire(3)).toMatchObject({ removed: 3, nextDue: Date.UTC(2026, 0, 1, 0, 1, 6) });
    expect(await expire(3)).toMatchObject({ removed: 1, nextDue: null });
  });

  it('can be asked for', async () => {
    await make(undefined, { ttl: 60 });
    seconds(w, 60);
    const reply = await w.write('auth/token/tidy');
    expect(reply).toMatchObject({ status: 202, warnings: ['Tidy operation removed 1 tokens that were past their time'] });
  });
});
