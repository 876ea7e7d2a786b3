import { expect, it } from 'vitest';
import { createRecipient, rotateRecipient } from '../../src/barrier/recipient.ts';
import { SealedBlocks } from '../../src/core/sealed-blocks.ts';
import { sealValue } from '../../src/crypto/sealed-value.ts';
import type { SealedPayload } from '../../src/protocol/managed.ts';
import { newBarrier } from '../barrier/fixture.ts';

const payload: SealedPayload = { v: 1, address: ['StaticSecret', 'kv', 'db'], field: 'data.password', value: 'canary' };

it('the second attempt of an apply opens what was sealed for an identity that the first did not see', async () => {
  const { store, barrier, random } = await newBarrier();
  const first = await store.transact((tx) => createRecipient(barrier.view(tx, 'core'), random));
  const blocks = new SealedBlocks();
  const old = await sealValue([first], payload);
  await store.read(async (tx) => expect(await blocks.open(barrier.view(tx, 'core'), old)).toEqual(payload));
  const second = await store.transact((tx) => rotateRecipient(barrier.view(tx, 'core'), random));
  const block = await sealValue([second], { ...payload, value: 'new' });
  await store.read(async (tx) => {
    const core = barrier.view(tx, 'core');
    expect(await blocks.open(core, block)).toEqual({ ...payload, value: 'new' });
    expect(await blocks.open(core, old)).toEqual(payload);
  });
});
