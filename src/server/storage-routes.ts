import type { Barrier } from '../barrier/barrier.ts';
import type { Route } from '../core/mount-type.ts';
import type { Capture } from '../storage/backend.ts';
import type { Restores } from './restores.ts';
import { encodeSnapshot } from '../storage/snapshot.ts';
import type { TransactionalStore } from '../storage/transaction.ts';

export interface StorageRoutesParts {
  readonly storeId: string;
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  capture(): Promise<Capture>;
  readonly restores: Restores;
}

/** `sys/storage/…`: the encrypted store as a whole. */
export function storageRoutes({ storeId, store, barrier, capture, restores }: StorageRoutesParts): readonly Route[] {
  const snapshot = (path: string): Route => ({
    path,
    summary: 'A snapshot of the encrypted store.',
    operations: {
      write: restores.write,
      read: {
        summary: 'Takes one while the store is used: every record at one moment, as ciphertext.',
        sudo: true,
        handle: ({ now }) => {
          // Nothing is captured unless somebody reads it, and whoever began ends it.
          async function* bytes(): AsyncGenerator<Uint8Array> {
            const { sequence, pages } = await capture();
            yield* encodeSnapshot({ storeId, sequence, createdAt: now }, pages);
          }
          return Promise.resolve({ body: { contentType: 'application/octet-stream', bytes: bytes() } });
        },
      },
    },
  });
  return [
    snapshot('storage/snapshot'),
    // What `operator raft snapshot save` of other command lines asks for.
    snapshot('storage/raft/snapshot'),
    { ...snapshot('storage/raft/snapshot-force'), operations: { write: restores.write } },
    {
      path: 'storage/check',
      summary: 'Whether every record of the store opens.',
      operations: {
        read: {
          summary: 'Opens every record as it lies on the medium. Takes a while on a large store.',
          sudo: true,
          handle: async () => ({ data: { ...(await barrier.check(store)) } }),
        },
      },
    },
  ];
}
