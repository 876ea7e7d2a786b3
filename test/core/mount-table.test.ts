import { describe, expect, it } from 'vitest';
import { MountTables } from '../../src/core/mount-table.ts';
import { readRevision } from '../../src/core/revision.ts';
import type { Transaction } from '../../src/storage/transaction.ts';
import { world, type World } from '../world.ts';

const open = async (at: World, tables: MountTables, tx: Transaction) => {
  const core = at.barrier.view(tx, 'core');
  return tables.load(tx, core, (await readRevision(core)).mounts);
};

describe('the mount table', () => {
  it('is read again only where mounts changed, not with every change of the configuration', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv' });
    const tables = new MountTables(at.storeId);
    const first = await at.store.read(async (tx) => (await open(at, tables, tx)).at('secret', 'kv'));
    await at.write('sys/policies/acl/p', { policy: 'path "kv/*" { capabilities = ["read"] }' });
    expect(await at.store.read(async (tx) => (await open(at, tables, tx)).at('secret', 'kv'))).toBe(first);
    await at.write('sys/mounts/kv/tune', { description: 'new' });
    expect(await at.store.read(async (tx) => (await open(at, tables, tx)).at('secret', 'kv')?.description)).toBe('new');
  });

  it('keeps nothing of a transaction that did not commit, and shows it its own changes', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv' });
    const tables = new MountTables(at.storeId);
    const failing = at.store.transact(async (tx) => {
      const table = await open(at, tables, tx);
      const mount = table.at('secret', 'kv')!;
      await table.put({ ...mount, path: 'moved' });
      expect([table.at('secret', 'kv'), (await open(at, tables, tx)).at('secret', 'moved')?.id]).toEqual([null, mount.id]);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    const seen = await at.store.read(async (tx) => (await open(at, tables, tx)).all().map(({ path }) => path));
    expect(seen).toEqual(['auth/token', 'cubbyhole', 'identity', 'kv', 'sys']);
  });

  it('is the one that is stored, after a crash too', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv' });
    await at.write('sys/remount', { from: 'kv', to: 'kept' });
    const before = (await at.read('sys/mounts')).data;
    await at.crash();
    expect((await at.read('sys/mounts')).data).toEqual(before);
    expect(Object.keys(before!)).toContain('kept/');
  });
});
