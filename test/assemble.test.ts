import { describe, expect, test } from 'vitest';
import { readAnchor } from '../src/audit/stored.ts';
import { createMemoryBackend } from '../src/storage/memory.ts';
import { world, type World } from './world.ts';

const anchorOf = async ({ store, barrier }: World) => (await store.read((tx) => readAnchor(barrier.view(tx, 'core'))))?.seq ?? 0;
const generationOf = ({ store, barrier }: World) => store.read((tx) => barrier.generation(tx));

describe('what the store remembers of its audit log', () => {
  test('is the head again at the next start, however the last process ended', async () => {
    const at = await world();
    await at.read('sys/mounts');
    expect(await anchorOf(at)).toBe(0);
    const generation = await generationOf(at);
    await at.crash();
    expect(await anchorOf(at)).toBe(at.sink.lines.length);
    expect(await generationOf(at)).toBe(generation + 1);
    at.sink.lines.pop();
    await expect(at.crash()).rejects.toMatchObject({ code: 'audit-truncated' });
  });

  test('costs a start nothing where there is nothing new', async () => {
    const at = await world();
    await at.read('sys/mounts');
    await at.system.close();
    const { sequence } = at.medium;
    await at.crash();
    expect(at.medium.sequence).toBe(sequence);
  });

  test('stays as it was where the store fails at the end, and the log is closed all the same', async () => {
    const at = await world();
    await at.read('sys/mounts');
    await createMemoryBackend(at.medium).advanceEpoch();
    await expect(at.system.close()).rejects.toMatchObject({ code: 'store-fenced' });
    expect(await anchorOf(at)).toBe(0);
    await expect(at.system.note({ event: 'later' })).rejects.toThrow('the audit log is closed');
  });
});
