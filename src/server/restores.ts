import { Fault } from '../base/error.ts';
import type { OperationSpec } from '../core/mount-type.ts';
import { noContent } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { StagedRestore } from '../storage/restore.ts';
import { decodeSnapshot, type ReadSnapshot } from '../storage/snapshot.ts';

/**
 * Snapshots that were sent and lie checked beside the store. The node puts one in its place once the request that
 * brought it has succeeded.
 */
export class Restores {
  readonly #stage: (snapshot: ReadSnapshot) => Promise<StagedRestore>;
  readonly #staged = new Map<string, StagedRestore>();

  constructor(stage: (snapshot: ReadSnapshot) => Promise<StagedRestore>) {
    this.#stage = stage;
  }

  /** What the request with this id brought; null: nothing. */
  take(requestId: string): StagedRestore | null {
    const staged = this.#staged.get(requestId) ?? null;
    this.#staged.delete(requestId);
    return staged;
  }

  /** How a snapshot is sent. */
  readonly write: OperationSpec = {
    summary: 'Puts a snapshot in the place of the store, which is sealed then. What was written since is lost.',
    sudo: true,
    prepare: ({ request: { body } }) => {
      if (body === undefined) throw badRequest('the body must be a snapshot');
      return Promise.resolve(async () => {
        try {
          return await this.#stage(await decodeSnapshot(body));
        } catch (error) {
          if (error instanceof Fault && error.code === 'snapshot') throw badRequest(error.message);
          throw error;
        }
      });
    },
    handle: ({ prepared, request }) => {
      this.#staged.set(request.id, prepared as StagedRestore);
      return Promise.resolve(noContent);
    },
  };
}
