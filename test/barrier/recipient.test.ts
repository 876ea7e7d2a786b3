import { describe, expect, it } from 'vitest';
import { createRecipient, recipientOpener, recipients, rotateRecipient } from '../../src/barrier/recipient.ts';
import { sealValue } from '../../src/crypto/sealed-value.ts';
import type { SealedPayload } from '../../src/protocol/managed.ts';
import { newBarrier } from './fixture.ts';

const payload: SealedPayload = { v: 1, address: ['StaticSecret', null, 'db'], field: 'data.password', value: { a: [1, 'é'] } };

describe('the age identity of a store', () => {
  it('opens what was sealed for any of its generations, also after a restart', async () => {
    const { store, barrier, random, reopen } = await newBarrier();
    const first = await store.transact((tx) => createRecipient(barrier.view(tx, 'core'), random));
    const block = await sealValue([first], payload);
    const second = await store.transact((tx) => rotateRecipient(barrier.view(tx, 'core'), random));
    expect(first).toMatch(/^age1[a-z0-9]{58}$/);
    const restarted = await reopen();
    await store.read(async (tx) => {
      const view = restarted.view(tx, 'core');
      expect(await recipients(view)).toEqual([second, first]);
      const open = await recipientOpener(view);
      expect(await open(block)).toEqual(payload);
      expect(await open(await sealValue([second], payload))).toEqual(payload);
    });
  });

  it('is made once', async () => {
    const { store, barrier, random } = await newBarrier();
    await store.transact((tx) => createRecipient(barrier.view(tx, 'core'), random));
    await expect(store.transact((tx) => createRecipient(barrier.view(tx, 'core'), random))).rejects.toMatchObject({
      code: 'already-initialized',
    });
  });

  it('that is missing opens nothing, and says how to make one', async () => {
    const { store, barrier } = await newBarrier();
    await store.read(async (tx) => {
      expect(await recipients(barrier.view(tx, 'core'))).toEqual([]);
      await expect(recipientOpener(barrier.view(tx, 'core'))).rejects.toMatchObject({
        status: 400,
        message: expect.stringContaining('operator rotate -recipient') as string,
      });
    });
  });

  it('does not open what another store sealed', async () => {
    const [one, two] = [await newBarrier('one'), await newBarrier('two')];
    const theirs = await two.store.transact((tx) => createRecipient(two.barrier.view(tx, 'core'), two.random));
    await one.store.transact((tx) => createRecipient(one.barrier.view(tx, 'core'), one.random));
    const block = await sealValue([theirs], payload);
    const open = await one.store.read((tx) => recipientOpener(one.barrier.view(tx, 'core')));
    await expect(open(block)).rejects.toMatchObject({ status: 400 });
  });
});
