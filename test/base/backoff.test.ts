import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { delayAfter, spreadDelayAfter } from '../../src/base/backoff.ts';
import { systemRandom } from '../../src/base/random.ts';

const backoffs = fc
  .record({ first: fc.integer({ min: 1, max: 60_000 }), more: fc.nat({ max: 86_400_000 }) })
  .map(({ first, more }) => ({ first, most: first + more }));
const failures = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 2 ** 31 }));
const bytes = fc.uint8Array({ minLength: 3, maxLength: 3 });
const runs = {
  numRuns: process.env['SECRETCTL_FULL'] === '1' ? 20_000 : 500,
  ...(process.env['SECRETCTL_SEED'] === undefined ? {} : { seed: Number(process.env['SECRETCTL_SEED']) }),
};

describe('the wait after failures in a row', () => {
  it('is the first one, then twice as long each time, and the longest from where that would be longer', () => {
    const waits = [1, 2, 3, 4, 5, 6, 5000].map((failed) => delayAfter(failed, { first: 1000, most: 12_000 }));
    expect(waits).toEqual([1000, 2000, 4000, 8000, 12_000, 12_000, 12_000]);
  });

  it('never falls, never exceeds its bounds and is a number however often something failed', () => {
    fc.assert(
      fc.property(failures, backoffs, (failed, backoff) => {
        const wait = delayAfter(failed, backoff);
        expect(wait).toBeGreaterThanOrEqual(backoff.first);
        expect(wait).toBeLessThanOrEqual(backoff.most);
        const next = delayAfter(failed + 1, backoff);
        expect(next === wait * 2 || next === backoff.most).toBe(true);
      }),
      runs,
    );
  });
});

describe('the wait of many that failed together', () => {
  it('is a whole number between the half of what one would wait and all of it', () => {
    fc.assert(
      fc.property(failures, backoffs, bytes, (failed, backoff, drawn) => {
        const whole = delayAfter(failed, backoff);
        const wait = spreadDelayAfter(failed, backoff, { bytes: () => drawn });
        expect(Number.isInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThanOrEqual(whole / 2);
        expect(wait).toBeLessThanOrEqual(whole);
      }),
      runs,
    );
  });

  it('is longer the more is drawn, from one end of that to the other', () => {
    const drawing = (...drawn: number[]) =>
      spreadDelayAfter(1, { first: 1000, most: 1000 }, { bytes: () => Uint8Array.from(drawn) });
    expect([drawing(0, 0, 0), drawing(128, 0, 0), drawing(255, 255, 255)]).toEqual([500, 750, 1000]);
  });

  it('is spread evenly over that', () => {
    const drawn = Array.from({ length: 4000 }, () => spreadDelayAfter(1, { first: 4000, most: 4000 }, systemRandom));
    const early = drawn.filter((wait) => wait <= 3000).length;
    // Eight standard deviations off once in a million million runs.
    expect(Math.abs(early - 2000)).toBeLessThan(8 * Math.sqrt(1000));
  });
});
