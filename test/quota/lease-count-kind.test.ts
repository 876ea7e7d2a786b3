import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import type { LensContext } from '../../src/kinds/kind.ts';
import { leaseCountQuotaKind as kind } from '../../src/quota/lease-count-kind.ts';
import { world } from '../world.ts';
import { runs } from './property.ts';

const context: LensContext = {
  engines: new Map([['kv', { type: 'kv', options: {} }]]),
  methods: new Map([['approle', { type: 'approle', options: {} }]]),
};
const resource = { kind: 'LeaseCountQuota', mount: null, name: 'q' };
const normal = (spec: JsonObject): JsonObject => kind.normalize(spec, resource, context);

describe('a LeaseCountQuota', () => {
  it('means the mount that its path lies in, and is refused where it says two things at once', () => {
    expect(normal({ maxLeases: 5, path: 'auth/approle/login' })).toEqual({
      engine: '',
      method: 'approle',
      path: 'login',
      role: '',
      maxLeases: 5,
    });
    const problems = kind.check?.({ maxLeases: 1, engine: 'kv', role: 'ci' }, resource, context);
    expect(problems?.map(({ at }) => at)).toEqual(['/role']);
  });

  it('is the same when it is read as when it was written', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv' });
    await at.write('sys/auth/approle', { type: 'approle' });
    const target = fc.oneof(
      fc.record({ engine: fc.constant('kv'), path: fc.constantFrom('', 'creds/app', 'creds/*', 'a/b') }),
      fc.record({ method: fc.constant('approle'), role: fc.constantFrom('', 'ci') }),
      fc.record({ path: fc.constantFrom('', 'auth/token/*', 'kv/x') }),
    );
    await fc.assert(
      fc.asyncProperty(target, fc.integer({ min: 1, max: 1_000_000 }), async (where, maxLeases) => {
        const after = normal({ ...where, maxLeases });
        for (const { path, data } of kind.write({ before: null, after, lastApplied: null, changed: [] }, resource, context)) {
          await at.write(path, data);
        }
        const [read] = kind.reads(resource, context);
        const reply = (await at.read(read!.path)).data ?? null;
        expect(kind.read([reply], resource, context)).toEqual({ spec: after, mark: null });
      }),
      runs(40, 2000),
    );
    for (const { path } of kind.remove(resource, context, null)) await at.delete(path);
    expect(await at.status('read', 'sys/quotas/lease-count/q')).toBe(404);
    expect(kind.read([null], resource, context)).toBeNull();
  });
});
