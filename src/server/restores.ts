import { Fault } from '../base/error.ts';
import type { OperationSpec } from '../core/mount-type.ts';
import { noContent } from '../protocol/reply.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';
import type { StagedRestore } from '../storage/restore.ts';
import { decodeSnapshot, type ReadSnapshot } from '../storage/snapshot.ts';

/**
 * The snapshot that was sent and lies checked beside the store, where there is room for one. The node puts it in the
 * place of the store once the request that brought it has succeeded, and discards it where it has not.
 */
export class Restores {
  readonly #stage: (snapshot: ReadSnapshot) => Promise<StagedRestore>;
  /** The request that brings one, or brought it, until that is in the place of the store or discarded. */
  #bringing: string | null = null;
  #staged: StagedRestore | null = null;

  constructor(stage: (snapshot: ReadSnapshot) => Promise<StagedRestore>) {
    this.#stage = stage;
  }

  /** What the request with this id brought, to be activated or discarded; null: nothing. */
  take(requestId: string): StagedRestore | null {
    const staged = this.#staged;
    if (staged === null || this.#bringing !== requestId) return null;
    this.#staged = null;
    const end = (work: () => void) => () => {
      try {
        work();
      } finally {
        this.#bringing = null;
      }
    };
    return { records: staged.records, activate: end(() => staged.activate()), discard: end(() => staged.discard()) };
  }

  /** How a snapshot is sent. */
  readonly write: OperationSpec = {
    summary: 'Puts a snapshot in the place of the store, which is sealed then. What was written since is lost.',
    sudo: true,
    prepare: ({ request: { id, body } }) => {
      if (body === undefined) throw badRequest('the body must be a snapshot');
      return Promise.resolve(() => this.#bring(id, body));
    },
    handle: () => Promise.resolve(noContent),
  };

  async #bring(requestId: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.#bringing !== null) {
      throw new RequestError(
        409,
        'another snapshot is being restored: look at the store when it is done, and send this one again',
      );
    }
    this.#bringing = requestId;
    try {
      this.#staged = await this.#stage(await decodeSnapshot(body));
    } catch (error) {
      this.#bringing = null;
      if (error instanceof Fault && error.code === 'snapshot') throw badRequest(error.message);
      throw error;
    }
  }
}
