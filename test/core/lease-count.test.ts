import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaseCounts, type CountedLease } from '../../src/core/lease-count.ts';
import { world } from '../world.ts';
import { runs } from './property.ts';

describe('how many leases there are', () => {
  it('is what was added less what was taken away, of all, a mount, a path, paths that begin so, and a role', async () => {
    const at = await world();
    const within = <T>(work: (counts: LeaseCounts) => Promise<T>): Promise<T> =>
      at.store.transact((tx) => work(new LeaseCounts(at.barrier.view(tx, 'core').below('counted/'))));
    const lease = fc.record({
      part: fc.nat({ max: 63 }),
      mount: fc.constantFrom('one', 'two'),
      path: fc.constantFrom('', 'creds/app', 'creds/app/1', 'creds/apple', 'creds/1', 'login'),
      role: fc.constantFrom(null, 'ci', 'web/1'),
    });
    const kept = () => [...at.medium.entries.keys()].filter((key) => key.startsWith('core/counted/'));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ lease, ends: fc.boolean() }), { maxLength: 60 }), async (all) => {
        await within((counts) => counts.add(all.map((each) => each.lease)));
        await within((counts) => counts.subtract(all.filter(({ ends }) => ends).map((each) => each.lease)));
        const left = all.filter(({ ends }) => !ends).map((each) => each.lease);
        const those = (which: (each: CountedLease) => boolean): number => left.filter(which).length;
        await within(async (counts) => {
          expect(await counts.of({ of: 'all' })).toBe(left.length);
          for (const mount of ['one', 'two']) {
            const here = (which: (each: CountedLease) => boolean): number => those((each) => each.mount === mount && which(each));
            expect(await counts.of({ of: 'mount', mount })).toBe(here(() => true));
            expect(await counts.of({ of: 'role', mount, role: 'ci' })).toBe(here(({ role }) => role === 'ci'));
            expect(await counts.of({ of: 'path', mount, path: 'creds/app' })).toBe(here(({ path }) => path === 'creds/app'));
            for (const prefix of ['creds/app', 'creds/', 'creds/1', 'l']) {
              const counted = await counts.of({ of: 'path', mount, path: `${prefix}*` });
              expect(counted).toBe(here(({ path }) => path.startsWith(prefix)));
            }
          }
        });
        await within((counts) => counts.subtract(left));
        expect(kept()).toEqual([]);
      }),
      runs(25, 500),
    );
  });
});
