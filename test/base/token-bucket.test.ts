import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../src/base/token-bucket.ts';

describe('a token bucket', () => {
  it('gives what it holds, and then a token whenever one has come back', () => {
    const bucket = new TokenBucket({ capacity: 2, fillTime: 1000 }, 0);
    expect([bucket.take(0), bucket.take(0), bucket.take(0), bucket.wait(0, 1)]).toEqual([true, true, false, 500]);
    expect([bucket.take(499), bucket.take(500), bucket.take(500)]).toEqual([false, true, false]);
    expect([bucket.remaining(1500), bucket.wait(1500, 5), bucket.remaining(60_000)]).toEqual([2, 0, 2]);
  });

  it('never gives more in any stretch of time than it holds and what came back in it', () => {
    const shape = fc.record({ capacity: fc.integer({ min: 1, max: 20 }), fillTime: fc.integer({ min: 1, max: 5000 }) });
    fc.assert(
      fc.property(shape, fc.array(fc.nat({ max: 300 }), { maxLength: 200 }), (of, pauses) => {
        const bucket = new TokenBucket(of, 0);
        const taken: number[] = [];
        let now = 0;
        for (const pause of pauses) {
          now += pause;
          if (bucket.take(now)) taken.push(now);
          else expect(bucket.wait(now, 1)).toBeGreaterThan(0);
        }
        for (const [index, from] of taken.entries()) {
          for (let to = index; to < taken.length; to++) {
            const length = (taken[to] ?? 0) - from;
            expect(to - index + 1).toBeLessThanOrEqual(of.capacity + (length * of.capacity) / of.fillTime + 1e-6);
          }
        }
      }),
      { numRuns: 200, ...(process.env['SECRETCTL_SEED'] === undefined ? {} : { seed: Number(process.env['SECRETCTL_SEED']) }) },
    );
  });

  it('is not filled by a clock that was set back, nor kept empty by it', () => {
    const bucket = new TokenBucket({ capacity: 1, fillTime: 1000 }, 1_000_000);
    expect([bucket.take(1_000_000), bucket.take(5000), bucket.take(5999), bucket.take(6000)]).toEqual([true, false, false, true]);
  });
});
