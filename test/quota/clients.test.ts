import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Clients } from '../../src/quota/clients.ts';
import type { RateLimit } from '../../src/quota/record.ts';
import { runs } from './property.ts';

const limit = (over: Partial<RateLimit> = {}): RateLimit => ({
  name: 'q',
  mountId: null,
  route: '',
  suffix: '',
  role: '',
  rate: 2,
  interval: 10,
  blockInterval: 0,
  inheritable: true,
  ...over,
});

describe('the clients of a quota', () => {
  it('may send its rate at once, and then as it comes back', () => {
    const clients = new Clients(10);
    const take = (now: number) => clients.take(limit(), 'a', now);
    expect(take(0)).toEqual({ allowed: true, remaining: 1, reset: 5000, retryAfter: 0 });
    expect(take(0)).toEqual({ allowed: true, remaining: 0, reset: 10_000, retryAfter: 0 });
    expect(take(0)).toEqual({ allowed: false, remaining: 0, reset: 10_000, retryAfter: 5000 });
    expect(take(4999).allowed).toBe(false);
    expect(take(5000).allowed).toBe(true);
    expect(take(5000).allowed).toBe(false);
  });

  it('do not count for each other', () => {
    const clients = new Clients(10);
    for (const client of ['a', 'b']) for (let n = 0; n < 2; n++) expect(clients.take(limit(), client, 0).allowed).toBe(true);
    expect(clients.take(limit(), 'a', 0).allowed).toBe(false);
    expect(clients.take(limit({ name: 'other' }), 'a', 0).allowed).toBe(true);
  });

  it('are blocked for as long as the quota says once they came too often', () => {
    const clients = new Clients(10);
    const blocking = limit({ blockInterval: 60 });
    for (let n = 0; n < 2; n++) clients.take(blocking, 'a', 0);
    expect(clients.take(blocking, 'a', 0)).toMatchObject({ allowed: false, retryAfter: 60_000 });
    expect(clients.take(blocking, 'a', 30_000)).toEqual({ allowed: false, remaining: null, reset: 30_000, retryAfter: 30_000 });
    expect(clients.take(blocking, 'a', 60_000).allowed).toBe(true);
    // A clock that is set back does not make it longer.
    for (let n = 0; n < 2; n++) clients.take(blocking, 'a', 60_000);
    expect(clients.take(blocking, 'a', 1000)).toMatchObject({ allowed: false, retryAfter: 60_000 });
  });

  it('may send less than one request in an interval where the rate is below one', () => {
    const clients = new Clients(10);
    const slow = limit({ rate: 0.5, interval: 1 });
    expect([0, 0, 1999, 2000].map((now) => clients.take(slow, 'a', now).allowed)).toEqual([true, false, false, true]);
  });

  it('begin anew where the quota was changed', () => {
    const clients = new Clients(10);
    for (let n = 0; n < 3; n++) clients.take(limit(), 'a', 0);
    expect(clients.take(limit({ rate: 3 }), 'a', 0).remaining).toBe(2);
  });

  it('are remembered up to a number: the one that was seen least recently is forgotten', () => {
    const clients = new Clients(3);
    for (const client of ['a', 'b', 'c']) for (let n = 0; n < 2; n++) clients.take(limit(), client, 0);
    clients.take(limit(), 'a', 0);
    clients.take(limit(), 'd', 0);
    expect(clients.size).toBe(3);
    expect(clients.take(limit(), 'a', 0).allowed).toBe(false);
    expect(clients.take(limit(), 'b', 0).allowed).toBe(true);
  });

  it('never get more than the rate and what came back since, in any stretch of time', () => {
    const shape = fc.record({
      rate: fc.integer({ min: 1, max: 10 }),
      interval: fc.integer({ min: 1, max: 5 }),
      blockInterval: fc.constantFrom(0, 0, 2),
    });
    const request = fc.record({ pause: fc.nat({ max: 700 }), client: fc.constantFrom('a', 'b') });
    fc.assert(
      fc.property(shape, fc.array(request, { maxLength: 150 }), (of, requests) => {
        const clients = new Clients(10);
        const allowed = new Map<string, number[]>([
          ['a', []],
          ['b', []],
        ]);
        let now = 0;
        for (const { pause, client } of requests) {
          now += pause;
          const verdict = clients.take(limit(of), client, now);
          if (verdict.allowed) allowed.get(client)?.push(now);
          else expect(verdict.retryAfter).toBeGreaterThan(0);
        }
        for (const times of allowed.values()) {
          for (const [from, start] of times.entries()) {
            for (let to = from; to < times.length; to++) {
              const back = ((times[to]! - start) * of.rate) / (of.interval * 1000);
              expect(to - from + 1).toBeLessThanOrEqual(of.rate + back + 1e-6);
            }
          }
        }
      }),
      runs(100, 10_000),
    );
  });
});
