import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grantedTtl, type TtlQuestion } from '../../src/token/ttl.ts';
import { runs } from './asking.ts';

const hour = 3600;
const system = 768 * hour;
const fresh: TtlQuestion = {
  increment: 0,
  ttl: 0,
  period: 0,
  maxTtl: 0,
  explicitMaxTtl: 0,
  config: { defaultLeaseTtl: 0, maxLeaseTtl: 0 },
  issuedAt: 0,
  now: 0,
};

describe('the TTL of a token', () => {
  it.each<[string, Partial<TtlQuestion>, number]>([
    ['is 768 h where nobody says anything', {}, system],
    ['is what was asked for', { ttl: hour }, hour],
    ['is the default of the mount where nothing was asked for', { config: { defaultLeaseTtl: 60, maxLeaseTtl: 0 } }, 60],
    ['ends at the maximum of the system', { ttl: system + 1 }, system],
    ['ends at the maximum of the mount', { ttl: hour, config: { defaultLeaseTtl: 0, maxLeaseTtl: 60 } }, 60],
    [
      'may be more than the system says where the mount does',
      { ttl: 2 * system, config: { defaultLeaseTtl: 0, maxLeaseTtl: 3 * system } },
      2 * system,
    ],
    ['ends at the maximum of the role', { ttl: hour, maxTtl: 50 }, 50],
    ['ends at the explicit maximum', { ttl: hour, maxTtl: 50, explicitMaxTtl: 40 }, 40],
    ['is what a renewal asks for, whatever the TTL was', { ttl: hour, increment: 2 * hour }, 2 * hour],
    ['ends where the maximum since creation ends', { ttl: hour, maxTtl: hour, now: 3_000_000 }, 600],
    ['is the period, however old the token is', { period: hour, now: 10 * system * 1000 }, hour],
    ['is the period, whatever a renewal asks for', { period: hour, increment: 9 * hour }, hour],
    ['caps a period at the maximum', { period: 2 * hour, config: { defaultLeaseTtl: 0, maxLeaseTtl: hour } }, hour],
    [
      'ends a periodic token at its explicit maximum',
      { period: hour, explicitMaxTtl: 2 * hour, now: 1.5 * hour * 1000 },
      hour / 2,
    ],
  ])('%s', (_, question, ttl) => {
    const answer = grantedTtl({ ...fresh, ...question });
    expect(answer.ttl).toBe(ttl);
    expect(answer.expiresAt).toBe((question.now ?? 0) + ttl * 1000);
  });

  it('is refused when the maximum has passed', () => {
    expect(() => grantedTtl({ ...fresh, maxTtl: hour, now: hour * 1000 })).toThrow('past the max TTL, cannot renew');
    expect(() => grantedTtl({ ...fresh, period: 60, explicitMaxTtl: hour, now: hour * 1000 })).toThrow('past the max TTL');
  });

  it('says why it is less than was asked for', () => {
    expect(grantedTtl({ ...fresh, ttl: 800 * hour }).warnings).toEqual([
      'TTL of "800h" exceeded the effective max_ttl of "768h"; TTL value is capped accordingly',
    ]);
    expect(grantedTtl({ ...fresh, period: 90 * 60, maxTtl: hour }).warnings).toEqual([
      'period of "1h30m" exceeded the effective max_ttl of "1h"; period value is capped accordingly',
    ]);
    expect(grantedTtl({ ...fresh, ttl: hour }).warnings).toEqual([]);
  });

  it('never leads past any maximum, and no further than was asked', () => {
    const span = fc.integer({ min: 0, max: 10_000 });
    fc.assert(
      fc.property(
        span,
        span,
        span,
        span,
        span,
        span,
        span,
        span,
        (increment, ttl, period, maxTtl, explicitMaxTtl, most, age, offset) => {
          const config = { defaultLeaseTtl: 0, maxLeaseTtl: most };
          const issuedAt = offset;
          const now = issuedAt + age * 1000 + (offset % 1000);
          let answer;
          try {
            answer = grantedTtl({ increment, ttl, period, maxTtl, explicitMaxTtl, config, issuedAt, now });
          } catch {
            return;
          }
          expect(answer.expiresAt).toBeGreaterThan(now);
          expect(Number.isInteger(answer.ttl)).toBe(true);
          expect(answer.expiresAt - now).toBeLessThan((answer.ttl + 1) * 1000);
          if (explicitMaxTtl > 0) expect(answer.expiresAt).toBeLessThanOrEqual(issuedAt + explicitMaxTtl * 1000);
          if (period === 0 && maxTtl > 0) expect(answer.expiresAt).toBeLessThanOrEqual(issuedAt + maxTtl * 1000);
          if (period === 0 && most > 0) expect(answer.expiresAt).toBeLessThanOrEqual(issuedAt + most * 1000);
          if (period > 0) expect(answer.ttl).toBeLessThanOrEqual(period);
          else if (increment > 0) expect(answer.ttl).toBeLessThanOrEqual(increment);
        },
      ),
      runs(300, 20_000),
    );
  });
});
