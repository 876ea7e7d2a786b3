import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64, fromHex, toBase64, toHex } from '../../src/base/bytes.ts';
import { Fault } from '../../src/base/error.ts';
import { checkNumbers, combineShares, parseShare, splitSecret, type Share } from '../../src/crypto/shamir.ts';
import { seededRandom } from '../barrier/fixture.ts';
import { properties } from '../storage/generators.ts';
import vectors from '../vectors/share.json' with { type: 'json' };

const random = seededRandom('shamir');
const secret = random.bytes(32);

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

async function combineFault(shares: readonly Share[]): Promise<Fault> {
  const error: unknown = await combineShares(shares).catch((reason: unknown) => reason);
  if (error instanceof Fault) return error;
  throw new Error(`no Fault: ${inspect(error)}`);
}

/** The bytes of a share changed, with a checksum that is right for them. */
async function forged(line: string, change: (bytes: Uint8Array) => void): Promise<string> {
  const { createHash } = await import('node:crypto');
  const bytes = fromBase64(line) ?? new Uint8Array(0);
  change(bytes);
  const checksum = createHash('sha256').update('secretctl share').update(bytes.subarray(0, 44)).digest();
  bytes.set(checksum.subarray(0, 4), 44);
  return toBase64(bytes);
}

describe('shares', () => {
  it('restore the secret from any threshold of them, for all numbers of shares', async () => {
    const cases = fc.integer({ min: 2, max: 12 }).chain((shares) =>
      fc.record({
        threshold: fc.integer({ min: 2, max: shares }),
        order: fc.shuffledSubarray([...Array(shares).keys()], { minLength: shares }),
        value: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ threshold, order, value }) => {
        const split = await splitSecret(value, order.length, threshold, random);
        expect(new Set(split.shares).size).toBe(order.length);
        const shuffled = order.map((index) => parseShare(split.shares[index] ?? ''));
        expect(await combineShares(shuffled.slice(0, threshold))).toEqual(value);
        expect(await combineShares(shuffled)).toEqual(value);
        expect((await combineFault(shuffled.slice(0, threshold - 1))).code).toBe('share-too-few');
      }),
      properties(25),
    );
  });

  it('work at the limits: 1 of 1, 255 of 255', async () => {
    const single = await splitSecret(secret, 1, 1, random);
    expect(await combineShares(single.shares.map(parseShare))).toEqual(secret);
    const many = await splitSecret(secret, 255, 255, random);
    expect(await combineShares(many.shares.map(parseShare))).toEqual(secret);
  });

  it('say nothing of the secret below the threshold: the numbers of a share are all that two sets share', async () => {
    const one = await splitSecret(secret, 3, 2, random);
    const two = await splitSecret(secret, 3, 2, random);
    expect(one.setId).not.toBe(two.setId);
    const points = [one, two].map(({ shares }) => toHex(parseShare(shares[0] ?? '').point));
    expect(points[0]).not.toBe(points[1]);
  });

  it('are one line of 64 characters, taken as base64 or hex, with white space around', async () => {
    const { shares, setId } = await splitSecret(secret, 3, 2, random);
    shares.forEach((line, index) => {
      expect(line).toMatch(/^[A-Za-z0-9+/]{64}$/);
      const share = parseShare(line);
      expect(share).toMatchObject({ setId, number: index + 1, threshold: 2 });
      expect(parseShare(` ${line}\r\n`)).toEqual(share);
      expect(parseShare(toHex(fromBase64(line) ?? new Uint8Array(0)))).toEqual(share);
    });
  });

  it('with any byte changed, cut, or of another form are refused as invalid', async () => {
    const { shares } = await splitSecret(secret, 3, 2, random);
    const bytes = fromBase64(shares[0] ?? '') ?? new Uint8Array(0);
    expect(bytes.length).toBe(48);
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice();
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect([at, faultOf(() => parseShare(toBase64(altered))).code]).toEqual([at, 'share-invalid']);
    }
    for (const line of [
      '',
      'x',
      shares[0]?.slice(1) ?? '',
      `${shares[0]}${shares[1]}`,
      '!'.repeat(64),
      'g'.repeat(96),
      'A'.repeat(1e6),
    ]) {
      expect(faultOf(() => parseShare(line)).code).toBe('share-invalid');
    }
  });

  it('at x = 0, which would set the secret, are refused although their checksum is right', async () => {
    const { shares } = await splitSecret(secret, 3, 2, random);
    const zero = await forged(shares[0] ?? '', (bytes) => bytes.set([0], 43));
    expect(faultOf(() => parseShare(zero)).code).toBe('share-invalid');
    const same = await forged(shares[0] ?? '', () => {});
    expect(same).toBe(shares[0]);
    for (const [at, value] of [
      [0, 2],
      [9, 0],
      [10, 0],
    ] as const) {
      const line = await forged(shares[0] ?? '', (bytes) => bytes.set([value], at));
      expect(faultOf(() => parseShare(line)).code).toBe('share-invalid');
    }
  });

  it('given twice, of two sets, or contradicting each other are refused as that', async () => {
    const one = (await splitSecret(secret, 3, 2, random)).shares.map(parseShare);
    const two = (await splitSecret(secret, 3, 2, random)).shares.map(parseShare);
    const pick = (set: readonly Share[], index: number) => set[index] as Share;
    expect((await combineFault([pick(one, 0), pick(one, 0)])).code).toBe('share-duplicate');
    expect((await combineFault([pick(one, 0), pick(two, 1)])).code).toBe('share-mixed');
    const point = pick(one, 1).point.slice();
    point.set([(point[0] ?? 0) ^ 1]);
    expect((await combineFault([pick(one, 1), { ...pick(one, 1), point, number: 3 }])).code).toBe('share-invalid');
    expect((await combineFault([])).code).toBe('share-too-few');
  });

  it('that were forged give something, which is not the secret', async () => {
    const { shares } = await splitSecret(secret, 3, 2, random);
    const line = await forged(shares[0] ?? '', (bytes) => bytes.set([(bytes[11] ?? 0) ^ 1], 11));
    expect(await combineShares([parseShare(line), parseShare(shares[1] ?? '')])).not.toEqual(secret);
  });

  it('are refused with words that quote no share', async () => {
    const { shares } = await splitSecret(secret, 3, 2, random);
    const parsed = shares.map(parseShare);
    const faults = [
      faultOf(() => parseShare(`${shares[0]}x`)),
      await combineFault(parsed.slice(0, 1)),
      await combineFault([parsed[0] as Share, parsed[0] as Share]),
    ];
    for (const fault of faults) {
      expect(fault.hint).not.toBeNull();
      for (const line of shares) expect(inspect(fault, { depth: 9 })).not.toContain(line.slice(0, 24));
    }
  });

  it('cannot be made in impossible numbers', async () => {
    for (const [shares, threshold] of [
      [0, 0],
      [256, 2],
      [3, 4],
      [3, 1],
      [3, 0],
      [2.5, 2],
      [3, Number.NaN],
    ] as const) {
      expect(faultOf(() => checkNumbers(shares, threshold)).code).toBe('usage');
    }
    await expect(splitSecret(new Uint8Array(31), 3, 2, random)).rejects.toThrow(TypeError);
  });
});

describe('the form of a share', () => {
  it.each(vectors)('is frozen: $comment', async ({ shares, secret: expected, setId, threshold }) => {
    const parsed = shares.map(parseShare);
    expect(parsed.map((share) => [share.setId, share.number, share.threshold])).toEqual(
      parsed.map((_, index) => [setId, index + 1, threshold]),
    );
    expect(await combineShares(parsed)).toEqual(fromHex(expected));
  });
});
