import { describe, expect, it } from 'vitest';
import type { RouteContext } from '../../src/core/mount-type.ts';
import { Restores } from '../../src/server/restores.ts';
import type { StagedRestore } from '../../src/storage/restore.ts';
import { encodeSnapshot } from '../../src/storage/snapshot.ts';

const storeId = '11111111-2222-4333-8444-555555555555';

async function* nothing(): AsyncGenerator<never> {}

const header = { storeId, sequence: 1, createdAt: 0 };
const snapshot = (): AsyncIterable<Uint8Array> => encodeSnapshot(header, nothing());

/** Restores whose staging ends when it is told to: `staging` holds a way to do that for each that has begun. */
function newRestores() {
  const staging: ((staged: StagedRestore) => void)[] = [];
  const ends: string[] = [];
  const restores = new Restores(() => new Promise((resolve) => staging.push(resolve)));
  const bring = async (id: string, body = snapshot()): Promise<unknown> => {
    const work = await restores.write.prepare?.({ request: { id, body } } as unknown as RouteContext);
    return work?.();
  };
  const staged = (name: string): StagedRestore => ({
    header,
    records: 1,
    activate: () => void ends.push(`${name} is in place`),
    discard: () => void ends.push(`${name} is discarded`),
  });
  return { restores, bring, staging, staged, ends };
}

/** Lets the system act until something has come. */
async function until(come: () => boolean): Promise<void> {
  while (!come()) await new Promise((resolve) => setImmediate(resolve));
}

describe('snapshots that are sent', () => {
  it('are restored one at a time: there is one place beside the store for them', async () => {
    const { restores, bring, staging, staged, ends } = newRestores();
    const first = bring('first');
    await until(() => staging.length === 1);
    await expect(bring('second')).rejects.toMatchObject({ status: 409 });
    staging[0]?.(staged('first'));
    await first;
    // Its request has not succeeded yet, and then its file is not in place yet.
    await expect(bring('second')).rejects.toMatchObject({ status: 409 });
    expect(restores.take('second')).toBe(null);
    const taken = restores.take('first');
    await expect(bring('second')).rejects.toMatchObject({ status: 409 });
    taken?.activate();
    expect([restores.take('first'), staging.length, ends]).toEqual([null, 1, ['first is in place']]);
    const third = bring('third');
    await until(() => staging.length === 2);
    staging[1]?.(staged('third'));
    await third;
    restores.take('third')?.discard();
    expect(ends).toEqual(['first is in place', 'third is discarded']);
  });

  it('leave the place free where they are damaged', async () => {
    const { bring, staging, staged, restores } = newRestores();
    async function* damaged(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('{}');
    }
    await expect(bring('damaged', damaged())).rejects.toMatchObject({ status: 400 });
    const next = bring('next');
    await until(() => staging.length === 1);
    staging[0]?.(staged('next'));
    await next;
    expect(restores.take('next')).not.toBe(null);
  });
});
