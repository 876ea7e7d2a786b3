import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { createMemoryBackend, MemoryMedium } from '../../src/storage/memory.ts';
import { backendConformance } from './conformance.ts';

backendConformance('memory', async () => {
  const medium = new MemoryMedium();
  return { open: async () => createMemoryBackend(medium), discard: async () => undefined };
});

describe('a cloned medium', () => {
  test('has the same content and goes its own way from there', async () => {
    const medium = new MemoryMedium();
    const backend = createMemoryBackend(medium);
    const epoch = await backend.advanceEpoch();
    const put = (key: string) => ({
      epoch,
      expect: new Map(),
      unchanged: [],
      put: new Map([[key, utf8(key)]]),
      delete: new Set<string>(),
    });
    await backend.commit(put('before'));
    const copy = createMemoryBackend(medium.clone());
    await backend.commit(put('after'));
    expect(await copy.list('', { values: true })).toEqual([{ key: 'before', version: 1, value: utf8('before') }]);
    expect(await copy.advanceEpoch()).toBe(epoch + 1);
    expect(await backend.list('')).toHaveLength(2);
  });
});
