import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CreatedStore, CreateStore, OpenStore } from '../../src/cli/context.ts';
import { stores } from '../../src/compose.ts';

let base: string;
let place: Pick<CreateStore, 'directory' | 'configDirectory'>;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'init-'));
  place = { directory: join(base, 'repo', '.secretctl'), configDirectory: join(base, 'config') };
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

const seal = { type: 'shamir', shares: 3, threshold: 2 } as const;

const opening = (shares: readonly string[]): OpenStore => {
  const left = [...shares];
  return {
    ...place,
    command: 'test',
    lockTimeout: 0,
    acceptAuditLoss: false,
    nextShare: async () => left.shift() ?? null,
    notify: () => {},
  };
};

test('a store whose shares could not be shown is not made, and is made anew under other shares', async () => {
  const seen: CreatedStore[] = [];
  const lost = stores.create({
    ...place,
    seal,
    show: async (created) => {
      seen.push(created);
      throw new Error('nobody is there');
    },
  });
  await expect(lost).rejects.toThrow('nobody is there');
  await expect(stores.open(opening(seen[0]?.shares ?? []))).rejects.toMatchObject({ code: 'store-missing' });

  const made = await stores.create({ ...place, seal, show: async (created) => void seen.push(created) });
  expect(seen[1]).toEqual(made);
  const store = await stores.open(opening(made.shares));
  expect(store.storeId).toBe(made.storeId);
  await store.close();
  await expect(stores.create({ ...place, seal })).rejects.toMatchObject({ code: 'store-exists' });
});
