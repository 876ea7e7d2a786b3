import { beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/core/caller.ts';
import { clearCubbyhole, cubbyhole } from '../../../src/engines/cubbyhole/index.ts';
import { mounted, type Mounted } from '../mounted.ts';

function token(tokenId: string, tokenType: Caller['tokenType'] = 'service'): Caller {
  return {
    tokenId,
    accessor: `accessor-${tokenId}`,
    displayName: 'token',
    tokenPolicies: ['default'],
    policies: ['default'],
    metadata: {},
    entityId: '',
    tokenType,
    leaseOwner: null,
    expiresAt: null,
    acl: { allows: () => ({ allowed: true, granting: [] }), capabilities: () => [], reaches: () => true },
  };
}

describe('cubbyhole', () => {
  let mount: Mounted;
  beforeEach(async () => {
    mount = await mounted(cubbyhole);
    mount.caller = token('alice');
  });

  const clear = (tokenId: string) => mount.within((storage) => clearCubbyhole(storage, tokenId));

  it('keeps what a token writes, for that token only', async () => {
    expect(await mount.write('a/b', { v: 1 })).toEqual({ status: 204 });
    expect(await mount.read('a/b')).toEqual({ status: 200, data: { v: 1 } });
    expect((await mount.list('')).data).toEqual({ keys: ['a/'] });
    expect((await mount.list('a')).data).toEqual({ keys: ['b'] });
    mount.caller = token('bob');
    expect(await mount.read('a/b')).toEqual({ status: 404, errors: [] });
    expect(await mount.list('')).toEqual({ status: 404, errors: [] });
    expect(await mount.delete('a/b')).toEqual({ status: 204 });
    mount.caller = token('alice');
    expect(await mount.read('a/b')).toMatchObject({ status: 200 });
  });

  it('does not let the id of one token be the start of another', async () => {
    await mount.write('x', { v: 1 });
    mount.caller = token('alice2');
    await mount.write('y', { v: 2 });
    expect(await clear('alice')).toBe(1);
    expect(await mount.read('y')).toMatchObject({ status: 200 });
  });

  it('is emptied with its token', async () => {
    await mount.write('a', { v: 1 });
    await mount.write('a/b', { v: 1 });
    expect(await clear('alice')).toBe(2);
    expect(await mount.read('a')).toMatchObject({ status: 404 });
    expect(await clear('alice')).toBe(0);
  });

  it('never takes an empty id or one with a slash for a token', async () => {
    await mount.write('a', { v: 1 });
    await expect(clear('')).rejects.toThrow('not a token id');
    await expect(clear('alice/a')).rejects.toThrow('not a token id');
    expect(await mount.read('a')).toMatchObject({ status: 200 });
  });

  it('is not for batch tokens, nor for nobody', async () => {
    mount.caller = token('batch', 'batch');
    expect(await mount.write('a', { v: 1 })).toMatchObject({ status: 400, errors: [expect.stringContaining('service tokens')] });
    mount.caller = null;
    expect(await mount.read('a')).toEqual({ status: 403, errors: ['permission denied'] });
  });

  it('refuses a write without fields or of more than 1 MiB', async () => {
    expect(await mount.write('a', {})).toEqual({ status: 400, errors: ['missing data fields'] });
    expect(await mount.write('a', { v: 'x'.repeat(1024 * 1024) })).toMatchObject({ status: 413 });
  });

  it('knows create from update', async () => {
    expect(await mount.exists('a')).toBe(false);
    await mount.write('a', { v: 1 });
    expect(await mount.exists('a')).toBe(true);
  });
});
