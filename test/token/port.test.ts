import { describe, expect, it } from 'vitest';
import { createIdentity } from '../../src/identity/identity.ts';
import { createTokens } from '../../src/token/port.ts';
import { world, type World } from '../world.ts';
import { newToken } from './asking.ts';

const port = (w: World) =>
  createTokens({
    clock: w.clock,
    methods: [],
    identity: createIdentity(),
    storageOf: (tx, mountId) => w.barrier.view(tx, { mountId }),
    cubbyhole: (tx, tokenId) => w.barrier.view(tx, { mountId: 'cubbyhole' }).below(`${tokenId}/`),
    forget: () => Promise.resolve(),
    admitLease: () => Promise.resolve(),
    policyExists: () => Promise.resolve(true),
  });

const core = <T>(w: World, work: (view: ReturnType<World['barrier']['view']>) => Promise<T>): Promise<T> =>
  w.store.transact((tx) => work(w.barrier.view(tx, 'core')));

describe('what the core is told of a token', () => {
  it('is what its record says', async () => {
    const w = await world();
    const auth = await newToken(w, { policies: ['default', 'a'], ttl: '1h', meta: { team: 'x' }, display_name: 'n' });
    const found = await core(w, (view) => port(w).find(view, auth.client_token, null, w.clock.time, false));
    expect(found).toEqual({
      tokenId: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      accessor: auth.accessor,
      displayName: 'token-n',
      tokenPolicies: ['a', 'default'],
      entityId: '',
      metadata: { team: 'x' },
      tokenType: 'service',
      leaseOwner: found?.tokenId,
      expiresAt: w.clock.time + 3_600_000,
      limitedUses: false,
      lastUse: false,
      grants: [],
    });
  });

  it('is who owns the leases of a batch token: its parent, or nobody', async () => {
    const w = await world();
    const owner = async (fields: Record<string, string | boolean | string[]>): Promise<string | null | undefined> => {
      const auth = await newToken(w, { policies: ['default'], type: 'batch', ttl: '1h', ...fields });
      return (await core(w, (view) => port(w).find(view, auth.client_token, null, w.clock.time, false)))?.leaseOwner;
    };
    const root = await core(w, (view) => port(w).find(view, w.rootToken, null, w.clock.time, false));
    expect(await owner({})).toBe(root?.tokenId);
    expect(await owner({ no_parent: true })).toBeNull();
  });

  it('is nothing once its uses are taken, except for the request that took the last', async () => {
    const w = await world();
    const tokens = port(w);
    const { client_token: token } = await newToken(w, { policies: ['default'], num_uses: 1 });
    const find = (useTaken: boolean) => core(w, (view) => tokens.find(view, token, null, w.clock.time, useTaken));
    const found = await find(false);
    expect(found?.limitedUses).toBe(true);
    const take = () => core(w, (view) => tokens.takeUse(view, found?.tokenId ?? ''));
    expect(await take()).toBe(true);
    expect(await take()).toBe(false);
    expect(await find(false)).toBeNull();
    expect((await find(true))?.tokenId).toBe(found?.tokenId);
  });

  it('is nothing without its record, and there are no uses to take', async () => {
    const w = await world();
    const tokens = port(w);
    expect(await core(w, (view) => tokens.find(view, 'hvs.nobody', null, w.clock.time, true))).toBeNull();
    expect(await core(w, (view) => tokens.takeUse(view, '0'.repeat(64)))).toBe(false);
  });

  it('is the same after its key was forgotten, since that is read again', async () => {
    const w = await world();
    const tokens = port(w);
    const find = () => core(w, (view) => tokens.find(view, w.rootToken, null, w.clock.time, false));
    const first = await find();
    tokens.wipe();
    expect(await find()).toEqual(first);
  });

  it('needs the token key: a store without it knows no token', async () => {
    const w = await world();
    await core(w, (view) => view.delete('token/key'));
    await expect(core(w, (view) => port(w).find(view, w.rootToken, null, w.clock.time, false))).rejects.toMatchObject({
      code: 'corrupt-record',
    });
    expect(await w.status('read', 'auth/token/lookup-self')).toBe(500);
  });
});
