import { beforeEach, describe, expect, it } from 'vitest';
import { shamirSeal } from '../../src/seal/shamir.ts';
import { takesShares, type NewSeal, type SharedSeal } from '../../src/seal/seal-type.ts';
import type { SealConfig } from '../../src/seal/seal-config.ts';
import { seededRandom } from '../barrier/fixture.ts';
import { sealConformance } from './conformance.ts';

const random = seededRandom('shamir seal');
const context = { storeId: 'store-1', random, settings: {} };

for (const split of [
  { shares: 1, threshold: 1 },
  { shares: 5, threshold: 3 },
]) {
  sealConformance({
    type: shamirSeal,
    context: async (storeId) => ({ storeId, random, settings: {} }),
    split,
    prepare: async (seal, made) => {
      if (!takesShares(seal)) throw new Error('a Shamir seal takes shares');
      for (const share of made.shares.slice(-split.threshold)) seal.submit(share);
    },
    bad: [
      {
        what: 'a configuration that says nothing of shares',
        code: 'corrupt-record',
        change: async (badContext, config) => ({ context: badContext, config: { ...config, shamir: null } }),
      },
      {
        what: 'a configuration of another set of shares',
        code: 'share-mixed',
        change: async (badContext, config) => ({
          context: badContext,
          config: { ...config, shamir: config.shamir && { ...config.shamir, setId: '0123456789abcdef' } },
        }),
      },
      {
        what: 'a configuration with another threshold',
        code: 'share-invalid',
        change: async (badContext, config) => ({
          context: badContext,
          config: { ...config, shamir: config.shamir && { ...config.shamir, shares: 9, threshold: 9 } },
        }),
      },
    ],
  });
}

describe('the shares of a Shamir seal', () => {
  const rootKey = random.bytes(32);
  let made: NewSeal;
  let config: SealConfig;
  let seal: SharedSeal;

  beforeEach(async () => {
    made = await shamirSeal.create(context, { shares: 5, threshold: 3 });
    config = { type: 'shamir', wrapped: await made.seal.wrap(rootKey), shamir: made.shamir, recovery: null };
    seal = reopened();
  });

  function reopened(): SharedSeal {
    const opened = shamirSeal.open(context, config);
    if (!takesShares(opened)) throw new Error('a Shamir seal takes shares');
    return opened;
  }

  const share = (index: number) => made.shares[index] ?? '';

  it('are as many as asked for, and any three of five open it', async () => {
    expect(made.shares).toHaveLength(5);
    for (const three of [
      [0, 1, 2],
      [4, 2, 0],
      [1, 3, 4],
    ]) {
      const opened = reopened();
      for (const index of three) opened.submit(share(index));
      expect(await opened.unwrap(config.wrapped)).toEqual(rootKey);
    }
  });

  it('report how far it is', () => {
    expect(seal.progress).toEqual({ shares: 5, threshold: 3, given: 0, complete: false });
    expect(seal.submit(share(0))).toMatchObject({ given: 1, complete: false });
    expect(seal.submit(share(3))).toMatchObject({ given: 2, complete: false });
    expect(seal.submit(share(4))).toMatchObject({ given: 3, complete: true });
    expect(seal.submit(share(1))).toMatchObject({ given: 3, complete: true });
    seal.reset();
    expect(seal.progress.given).toBe(0);
  });

  it('that nobody gave leave it sealed; too few are an error that says how many are missing', async () => {
    expect(await seal.unwrap(config.wrapped)).toBeNull();
    seal.submit(share(0));
    await expect(seal.unwrap(config.wrapped)).rejects.toMatchObject({
      code: 'share-too-few',
      hint: expect.stringContaining('2 more') as string,
    });
    seal.submit(share(1));
    seal.submit(share(2));
    expect(await seal.unwrap(config.wrapped)).toEqual(rootKey);
  });

  it('that are refused leave those that were given', async () => {
    seal.submit(share(0));
    seal.submit(share(1));
    const foreign = (await shamirSeal.create(context, { shares: 5, threshold: 3 })).shares[2] ?? '';
    const wrong: [string, string][] = [
      [share(0), 'share-duplicate'],
      [foreign, 'share-mixed'],
      ['nonsense', 'share-invalid'],
      ['', 'share-invalid'],
    ];
    for (const [line, code] of wrong) expect(() => seal.submit(line)).toThrow(expect.objectContaining({ code }) as Error);
    expect(seal.progress.given).toBe(2);
    seal.submit(share(2));
    expect(await seal.unwrap(config.wrapped)).toEqual(rootKey);
  });

  it('are forgotten after an attempt, whether it opened the store or not', async () => {
    for (const index of [0, 1, 2]) seal.submit(share(index));
    await expect(seal.unwrap(new Uint8Array(73))).rejects.toMatchObject({ code: 'share-invalid' });
    expect(seal.progress.given).toBe(0);
    for (const index of [0, 1, 2]) seal.submit(share(index));
    await seal.unwrap(config.wrapped);
    expect(await seal.unwrap(config.wrapped)).toBeNull();
  });

  it('are needed in numbers that can be', async () => {
    await expect(shamirSeal.create(context, null)).rejects.toMatchObject({ code: 'usage' });
    for (const [shares, threshold] of [
      [3, 4],
      [3, 1],
      [0, 0],
      [300, 2],
    ] as const) {
      await expect(shamirSeal.create(context, { shares, threshold })).rejects.toMatchObject({ code: 'usage' });
    }
  });

  it('are with their holders: a seal that was opened wraps nothing', async () => {
    await expect(seal.wrap(rootKey)).rejects.toMatchObject({ code: 'sealed' });
  });
});
