import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbBackend } from '../../src/storage/lmdb.ts';
import { backendConformance } from './conformance.ts';

backendConformance('lmdb', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'secretctl-lmdb-'));
  let create = true;
  return {
    open: async () => {
      const backend = await openLmdbBackend({ directory, create });
      create = false;
      return backend;
    },
    discard: () => rm(directory, { recursive: true }),
  };
});
