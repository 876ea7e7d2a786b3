import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { openBarrier } from '../../src/barrier/open-barrier.ts';
import { atEachCommit } from './crash.ts';
import { mountId, newBarrier, overwrite, stored, storeId, storeOver } from './fixture.ts';

async function filled(records: number) {
  const fixture = await newBarrier();
  await fixture.store.transact(async (tx) => {
    for (let index = 0; index < records; index++) await fixture.barrier.view(tx, { mountId }).put(`r${index}`, utf8('secret'));
    await fixture.barrier.createMountKey(tx, 'neighbour');
    await fixture.barrier.view(tx, { mountId: 'neighbour' }).put('a', utf8('mine'));
  });
  return fixture;
}

describe('a shredded mount', () => {
  it('cannot be read any more, at once, also not from memory', async () => {
    const { store, barrier } = await filled(3);
    const read = () => store.read((tx) => barrier.view(tx, { mountId }).get('r1'));
    expect((await read())?.value).toEqual(utf8('secret'));
    await store.transact((tx) => barrier.shredMount(tx, mountId));
    await expect(read()).rejects.toMatchObject({ code: 'corrupt-record' });
    await store.read(async (tx) => {
      const view = barrier.view(tx, { mountId });
      await expect(view.get('absent')).rejects.toMatchObject({ code: 'corrupt-record' });
      await expect(view.children('')).rejects.toMatchObject({ code: 'corrupt-record' });
      await expect(view.scan('')).rejects.toMatchObject({ code: 'corrupt-record' });
      await expect(view.put('r9', utf8('x'))).rejects.toMatchObject({ code: 'corrupt-record' });
    });
  });

  it('cannot be read in the transaction that shreds it', async () => {
    const { store, barrier } = await filled(1);
    await store.transact(async (tx) => {
      await barrier.shredMount(tx, mountId);
      await expect(barrier.view(tx, { mountId }).get('r0')).rejects.toMatchObject({ code: 'corrupt-record' });
    });
  });

  it('cannot be read by a process that had its key', async () => {
    const { store, barrier, reopen } = await filled(1);
    const other = await reopen();
    const read = () => store.read((tx) => other.view(tx, { mountId }).get('r0'));
    expect((await read())?.value).toEqual(utf8('secret'));
    await store.transact((tx) => barrier.shredMount(tx, mountId));
    await expect(read()).rejects.toMatchObject({ code: 'corrupt-record' });
  });

  it('stays unreadable when old ciphertext is put back, and with its old key record after a rewrap', async () => {
    const { store, barrier, medium } = await filled(1);
    const record = stored(medium, `mount/${mountId}/r0`).slice();
    const keyRecord = stored(medium, `keys/mount/${mountId}`).slice();
    await store.transact((tx) => barrier.shredMount(tx, mountId));
    while ((await barrier.purgeShredded(store, { limit: 10 })) > 0);
    await store.transact((tx) => barrier.rotate(tx));
    await barrier.rewrap(store);
    const read = () => store.read((tx) => barrier.view(tx, { mountId }).get('r0'));
    overwrite(medium, `mount/${mountId}/r0`, record);
    await expect(read()).rejects.toMatchObject({ code: 'corrupt-record' });
    overwrite(medium, `keys/mount/${mountId}`, keyRecord);
    await expect(read()).rejects.toMatchObject({ code: 'corrupt-record' });
  });

  it('that was not committed lives on', async () => {
    const { store, barrier } = await filled(1);
    const attempt = store.transact(async (tx) => {
      await barrier.shredMount(tx, mountId);
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
    expect((await store.read((tx) => barrier.view(tx, { mountId }).get('r0')))?.value).toEqual(utf8('secret'));
    expect(await barrier.purgeShredded(store, { limit: 10 })).toBe(0);
  });

  it('is purged in bounded steps, without its neighbours', async () => {
    const { store, barrier, medium } = await filled(7);
    await store.transact((tx) => barrier.shredMount(tx, mountId));
    const left = () => [...medium.entries.keys()].filter((key) => key.startsWith(`mount/${mountId}/`)).length;
    const seen: number[] = [];
    while ((await barrier.purgeShredded(store, { limit: 3 })) > 0) seen.push(left());
    expect(seen).toEqual([4, 1]);
    expect(left()).toBe(0);
    expect([...medium.entries.keys()].filter((key) => key.includes(mountId))).toEqual([]);
    expect((await store.read((tx) => barrier.view(tx, { mountId: 'neighbour' }).get('a')))?.value).toEqual(utf8('mine'));
  });

  it('is purged to the end after a crash at any commit', async () => {
    const { rootKey, random, clock, medium: origin, store: first, barrier } = await filled(5);
    await first.transact((tx) => barrier.shredMount(tx, mountId));
    const options = { storeId, rootKey, random, clock };
    const purge = async (store: typeof first) => {
      const opened = await openBarrier(store, options);
      while ((await opened.purgeShredded(store, { limit: 2 })) > 0);
    };
    const commits = await atEachCommit(
      async () => origin.clone(),
      purge,
      async (medium) => {
        await purge(await storeOver(medium));
        expect([...medium.entries.keys()].filter((key) => key.includes(mountId))).toEqual([]);
      },
    );
    expect(commits).toBe(3);
  });

  it('is never made by a forged marker: a living mount is not purged', async () => {
    const { store, barrier, medium } = await filled(2);
    await store.transact(async (tx) => {
      await barrier.createMountKey(tx, 'doomed');
      await barrier.shredMount(tx, 'doomed');
    });
    overwrite(medium, `keys/shredded/${mountId}`, stored(medium, 'keys/shredded/doomed'));
    await expect(barrier.purgeShredded(store, { limit: 10 })).rejects.toMatchObject({ code: 'corrupt-record' });
    expect((await store.read((tx) => barrier.view(tx, { mountId }).get('r0')))?.value).toEqual(utf8('secret'));
  });
});

describe('a purge', () => {
  it('deletes nothing on the word of a marker that was copied from another mount, even where the key is gone', async () => {
    const { store, barrier, medium } = await filled(2);
    await store.transact(async (tx) => {
      await barrier.createMountKey(tx, 'doomed');
      await barrier.shredMount(tx, 'doomed');
    });
    overwrite(medium, `keys/shredded/${mountId}`, stored(medium, 'keys/shredded/doomed'));
    medium.entries.delete(`keys/mount/${mountId}`);
    await expect(barrier.purgeShredded(store, { limit: 10 })).rejects.toMatchObject({ code: 'corrupt-record' });
    expect(medium.entries.has(`mount/${mountId}/r0`)).toBe(true);
  });

  it('deletes nothing of a mount whose key record was put back', async () => {
    const { store, barrier, medium } = await filled(2);
    const keyRecord = stored(medium, `keys/mount/${mountId}`).slice();
    await store.transact((tx) => barrier.shredMount(tx, mountId));
    overwrite(medium, `keys/mount/${mountId}`, keyRecord);
    await expect(barrier.purgeShredded(store, { limit: 10 })).rejects.toMatchObject({ code: 'corrupt-record' });
    expect(medium.entries.has(`mount/${mountId}/r0`)).toBe(true);
  });
});

describe('a mount key', () => {
  it('works in its own transaction and is forgotten when that does not commit', async () => {
    const { store, barrier, medium } = await newBarrier();
    const attempt = store.transact(async (tx) => {
      await barrier.createMountKey(tx, 'new');
      await barrier.view(tx, { mountId: 'new' }).put('a', utf8('x'));
      expect((await barrier.view(tx, { mountId: 'new' }).get('a'))?.value).toEqual(utf8('x'));
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
    expect([...medium.entries.keys()].filter((key) => key.includes('new'))).toEqual([]);
    await expect(store.read((tx) => barrier.view(tx, { mountId: 'new' }).get('a'))).rejects.toMatchObject({
      code: 'corrupt-record',
    });
  });

  it('is made once for an id: a second mount of the same id is a mistake', async () => {
    const { store, barrier } = await newBarrier();
    await expect(store.transact((tx) => barrier.createMountKey(tx, mountId))).rejects.toThrow(TypeError);
    await store.transact((tx) => barrier.shredMount(tx, mountId));
    await expect(store.transact((tx) => barrier.createMountKey(tx, mountId))).rejects.toThrow(TypeError);
    await expect(store.transact((tx) => barrier.shredMount(tx, mountId))).rejects.toThrow(TypeError);
  });

  it('that was altered, moved or taken from another mount opens nothing', async () => {
    const { store, barrier, medium } = await filled(1);
    const intact = stored(medium, `keys/mount/${mountId}`).slice();
    const read = () => store.read((tx) => barrier.view(tx, { mountId }).get('r0'));
    overwrite(medium, `keys/mount/${mountId}`, stored(medium, 'keys/mount/neighbour'));
    await expect(read()).rejects.toMatchObject({ code: 'corrupt-record' });
    for (let at = 0; at < intact.length; at += 7) {
      overwrite(
        medium,
        `keys/mount/${mountId}`,
        intact.map((byte, index) => (index === at ? byte ^ 4 : byte)),
      );
      await expect(read()).rejects.toMatchObject({ code: 'corrupt-record' });
    }
    overwrite(medium, `keys/mount/${mountId}`, intact);
    expect((await read())?.value).toEqual(utf8('secret'));
  });
});
