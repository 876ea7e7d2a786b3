import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MountIndex, mountRoute } from '../../src/core/mount-index.ts';
import type { Mount } from '../../src/core/mount-type.ts';
import { defaultMountConfig } from '../../src/core/system-mounts.ts';
import { runs } from './property.ts';

function mount(id: string, path: string): Mount {
  const named = path.startsWith('auth/') ? { class: 'auth' as const, path: path.slice(5) } : { class: 'secret' as const, path };
  const rest = {
    type: 'kv',
    accessor: `of-${id}`,
    description: '',
    options: {},
    config: defaultMountConfig,
    local: false,
    sealWrap: false,
  };
  return { id, ...named, ...rest };
}

const path = fc
  .array(fc.constantFrom('a', 'b', 'ab', 'auth'), { minLength: 1, maxLength: 4 })
  .map((segments) => segments.join('/'))
  .filter((text) => text !== 'auth');
const change = fc.record({ id: fc.constantFrom('1', '2', '3', '4', '5'), path: fc.option(path, { freq: 3 }) });

describe('an index of mounts', () => {
  it('finds what a look through all of them would, whatever was mounted, moved and disabled', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.array(path, { maxLength: 10 }), (changes, asked) => {
        let index = new MountIndex();
        const model = new Map<string, string>();
        const nested = (route: string, id?: string): string | null => {
          for (const [other, at] of [...model].sort(([, x], [, y]) => (x < y ? -1 : 1))) {
            if (other !== id && (route === at || route.startsWith(`${at}/`) || at.startsWith(`${route}/`))) return at;
          }
          return null;
        };
        for (const { id, path: to } of changes) {
          if (to === null) {
            index.delete(id);
            model.delete(id);
          } else if (nested(to, id) === null) {
            // A copy goes its own way.
            const copy = new MountIndex(index);
            copy.set(mount(id, to));
            index = copy;
            model.set(id, to);
          }
        }
        expect(index.all().map(mountRoute)).toEqual([...model.values()].sort());
        for (const route of [...asked, ...model.values()]) {
          for (const but of [undefined, '1', '2']) {
            const found = index.nestedWith(route, but);
            expect(found === null ? null : mountRoute(found)).toBe(nested(route, but));
          }
          const [around] = [...model.values()].filter((at) => route === at || route.startsWith(`${at}/`));
          const destination = index.resolve(route);
          expect(destination === null ? undefined : mountRoute(destination.mount)).toBe(around);
          if (around !== undefined) expect(destination?.path).toBe(route.slice(around.length + 1));
        }
        for (const [id, at] of model) expect(mountRoute(index.byId(id)!)).toBe(at);
        for (const id of ['1', '2', '3', '4', '5']) expect(index.byAccessor(`of-${id}`)).toBe(index.byId(id));
      }),
      runs(300, 30_000),
    );
  });
});
