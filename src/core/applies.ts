import { Fault } from '../base/error.ts';
import { Mutex } from '../base/mutex.ts';
import type { View } from '../barrier/view.ts';
import type { ApplyBody } from '../protocol/managed.ts';
import type { Reply } from '../protocol/reply.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { Request } from '../protocol/request.ts';
import { auditTrouble } from './write-audit.ts';
import { type ApplyAdmission, type ApplyParts, commitChanges } from './apply.ts';
import { completeApply, type FindCommitted, forgetApply } from './committed-apply.ts';

const entriesAtOnce = 512;

/**
 * The applies of a running core, one after the other: the store remembers of one apply only what the audit log still
 * has to say, so the next begins when the log has said it.
 */
export class Applies {
  readonly #apply: ApplyParts;
  readonly #turns = new Mutex();
  /** The last one is committed, and the log did not take its entries. */
  #untold = false;
  /** The last one that was committed and told of; null: none. */
  #told: string | null = null;

  constructor(apply: ApplyParts) {
    this.#apply = apply;
  }

  /** `sys/apply`. Throws RequestError, or what the store throws. */
  run(admission: ApplyAdmission, body: ApplyBody): Promise<Reply> {
    return this.#turns.run(() => this.#run(admission, body));
  }

  /** To be called once, before the first apply. */
  recover(findCommitted: FindCommitted): Promise<void> {
    return completeApply({ ...this.#apply, barrier: this.#apply.parts.barrier }, findCommitted);
  }

  /** Called in the transaction of an orderly end. */
  async settle(core: View): Promise<void> {
    if (this.#told !== null) await forgetApply(core, this.#told);
  }

  async #run(admission: ApplyAdmission, body: ApplyBody): Promise<Reply> {
    if (this.#untold) {
      await this.#tellOfLast(admission.request);
      this.#untold = false;
    }
    const { reply, entries } = await commitChanges(this.#apply, admission, body);
    this.#untold = true;
    try {
      // In pieces, since all other requests wait while one is written.
      for (let start = 0; start < entries.length; start += entriesAtOnce) {
        await this.#apply.audit.append(entries.slice(start, start + entriesAtOnce));
      }
    } catch (error) {
      const revision = String(reply.data?.revision);
      throw new RequestError(
        500,
        `the apply is committed, at config revision ${revision}, but the audit log can't be written: ${auditTrouble(admission.request, error)}`,
        { cause: error },
      );
    }
    this.#untold = false;
    this.#told = admission.request.id;
    return reply;
  }

  async #tellOfLast(request: Request): Promise<void> {
    try {
      await this.recover(() => Promise.resolve(false));
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'audit-unavailable') throw error;
      throw new RequestError(
        500,
        `the audit log can't be written, and it lacks the apply before this one, so this one is refused: ${auditTrouble(request, error)}`,
        { cause: error },
      );
    }
  }
}
