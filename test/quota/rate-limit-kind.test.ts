import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import type { LensContext, LensMount } from '../../src/kinds/kind.ts';
import { rateLimitQuotaKind as kind } from '../../src/quota/rate-limit-kind.ts';
import { world } from '../world.ts';
import { runs } from './property.ts';

const mount: LensMount = { type: 'kv', options: {} };
const context: LensContext = {
  engines: new Map([
    ['kv', mount],
    ['team/kv', mount],
  ]),
  methods: new Map([['approle', { type: 'approle', options: {} }]]),
};
const resource = { kind: 'RateLimitQuota', mount: null, name: 'q' };
const normal = (spec: JsonObject): JsonObject => kind.normalize(spec, resource, context);
const problems = (spec: JsonObject): readonly string[] => (kind.check?.(spec, resource, context) ?? []).map(({ at }) => at);

describe('a RateLimitQuota', () => {
  it.each<[JsonObject, JsonObject]>([
    [{ rate: 5 }, { engine: '', method: '', path: '' }],
    [
      { rate: 5, path: 'team/kv/data/*' },
      { engine: 'team/kv', path: 'data/*' },
    ],
    [
      { rate: 5, path: '/kv/' },
      { engine: 'kv', path: '' },
    ],
    [
      { rate: 5, path: 'auth/approle/login' },
      { method: 'approle', path: 'login' },
    ],
    [
      { rate: 5, path: 'auth/other/login' },
      { method: '', path: 'auth/other/login' },
    ],
    [
      { rate: 5, path: 'sys/tools/*' },
      { engine: '', path: 'sys/tools/*' },
    ],
    [
      { rate: 5, interval: '60s', blockInterval: '2m0s' },
      { interval: '1m', blockInterval: '2m' },
    ],
  ])('means the mount that its path lies in: %j', (sent, expected) => {
    expect(normal(sent)).toMatchObject(expected);
  });

  it('is refused where it says two things at once', () => {
    expect(problems({ rate: 1, engine: 'kv', method: 'approle' })).toEqual(['/method']);
    expect(problems({ rate: 1, engine: 'kv', role: 'ci' })).toEqual(['/role']);
    expect(problems({ rate: 1, method: 'approle', path: 'login', role: 'ci' })).toEqual(['/role']);
    expect(problems({ rate: 1, engine: 'kv', path: 'a/*/b' })).toEqual(['/path']);
    expect(problems({ rate: 1, method: 'approle', role: 'ci' })).toEqual([]);
  });

  it('is the same when it is read as when it was written', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv' });
    await at.write('sys/mounts/team/kv', { type: 'kv' });
    await at.write('sys/auth/approle', { type: 'approle' });
    const target = fc.oneof(
      fc.record({ engine: fc.constantFrom('kv', 'team/kv'), path: fc.constantFrom('', 'data', 'data/*', 'a/b') }),
      fc.record({ method: fc.constant('approle'), role: fc.constantFrom('', 'ci') }),
      fc.record({ path: fc.constantFrom('', 'sys/mounts', 'auth/token/*', 'kv/x') }),
    );
    const rest = fc.record({
      rate: fc.constantFrom(0.5, 1, 250),
      interval: fc.constantFrom('1s', '1h'),
      blockInterval: fc.constantFrom('0s', '90s'),
    });
    await fc.assert(
      fc.asyncProperty(target, rest, async (where, how) => {
        const after = normal({ ...where, ...how });
        for (const { path, data } of kind.write({ before: null, after, lastApplied: null, changed: [] }, resource, context)) {
          await at.write(path, data);
        }
        const [read] = kind.reads(resource, context);
        const reply = (await at.read(read!.path)).data ?? null;
        expect(kind.read([reply], resource, context)).toEqual({ spec: after, mark: null });
      }),
      runs(60, 3000),
    );
    for (const { path } of kind.remove(resource, context, null)) await at.delete(path);
    expect(await at.status('read', 'sys/quotas/rate-limit/q')).toBe(404);
    expect(kind.read([null], resource, context)).toBeNull();
  });
});
