import { Fault } from '../base/error.ts';
import type { Reply } from '../protocol/reply.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { Session } from './session.ts';

/**
 * The reply to a request that only stores of this program know. Throws Fault `request-failed` where another server of the
 * Vault API was asked.
 */
export async function managing({ connection }: Session, reply: Promise<Reply>): Promise<Reply> {
  try {
    return await reply;
  } catch (error) {
    if (!(error instanceof RequestError) || (error.status !== 404 && error.status !== 405)) throw error;
    throw new Fault('request-failed', `${connection.address ?? 'the store'} can't plan and apply`, {
      hint: 'Other servers of this API know secrets and policies, but not the state that a config repo declares.',
    });
  }
}
