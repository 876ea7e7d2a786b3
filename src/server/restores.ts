import { Fault } from '../base/error.ts';
import { instantText } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import type { OperationSpec } from '../core/mount-type.ts';
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
    return { ...staged, activate: end(() => staged.activate()), discard: end(() => staged.discard()) };
  }

  /** How a snapshot is sent. */
  readonly write: OperationSpec = {
    summary:
      'Puts a snapshot in the place of the store, which is sealed then. What was written since is lost, and what was revoked since works again.',
    sudo: true,
    prepare: ({ request: { id, body } }) => {
      if (body === undefined) throw badRequest('the body must be a snapshot');
      return Promise.resolve(() => this.#bring(id, body));
    },
    handle: ({ prepared }) => {
      const facts = restoreFacts(prepared as StagedRestore);
      return Promise.resolve({
        data: { ...facts },
        warnings: [
          `The store is as it was at ${facts.snapshot_time}. What was revoked, deleted or changed since counts no more: tokens and secret ids that ` +
            'were revoked work again until they expire, and policies, passwords, unseal shares and recovery keys are those of that time. ' +
            'Revoke, and rekey, again what must not come back.',
        ],
      });
    },
  };

  async #bring(requestId: string, body: AsyncIterable<Uint8Array>): Promise<StagedRestore> {
    if (this.#bringing !== null) {
      throw new RequestError(
        409,
        'another snapshot is being restored: look at the store when it is done, and send this one again',
      );
    }
    this.#bringing = requestId;
    try {
      return (this.#staged = await this.#stage(await decodeSnapshot(body)));
    } catch (error) {
      this.#bringing = null;
      if (error instanceof Fault && error.code === 'snapshot') throw badRequest(error.message);
      throw error;
    }
  }
}

/** Which store it is that comes back. */
interface RestoreFacts {
  /** RFC 3339. */
  readonly snapshot_time: string;
  readonly snapshot_sequence: number;
  readonly records: number;
}

function restoreFacts({ header, records }: StagedRestore): RestoreFacts {
  return { snapshot_time: instantText(header.createdAt), snapshot_sequence: header.sequence, records };
}

/**
 * Writes into the audit log, before it is done, that the store of another time comes back: that store knows nothing of
 * it. Returns what it wrote. Where the log does not take it nothing is restored, and what the log throws is thrown.
 */
export async function noteRestore(
  staged: StagedRestore,
  note: (facts: JsonObject) => Promise<void> | undefined,
): Promise<Readonly<Record<keyof RestoreFacts, string | number>>> {
  const facts = restoreFacts(staged);
  try {
    await note({ event: 'snapshot-restored', ...facts });
  } catch (error) {
    staged.discard();
    throw error;
  }
  return facts;
}
