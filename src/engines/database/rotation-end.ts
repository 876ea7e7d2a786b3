import type { Background } from '../../core/mount-jobs.ts';
import type { Reply } from '../../protocol/reply.ts';
import type { Subject } from './rotation-index.ts';
import { rotationOf } from './rotation.ts';

/** How long a request waits for the change that it has asked for, in milliseconds. */
const longestWait = 30_000;

/** The answer where nobody changes passwords in this process, or where there was no time left. */
export const stillUnderWay: Reply = {
  status: 202,
  warnings: ['The new password is written down; the background changes it in the database as soon as it can.'],
};

/** Has a change of a password that is written down be carried out, and waits for what becomes of it. */
export async function rotationEnd(
  background: Background | null,
  mountId: string,
  subject: Subject,
): Promise<'changed' | 'waiting' | { readonly problem: string }> {
  if (background === null) return 'waiting';
  const signal = AbortSignal.timeout(longestWait);
  let failed: string | null = null;
  for (;;) {
    const rotation = await background.read(mountId, (storage) => rotationOf(storage, subject));
    if (rotation === null) {
      // When it is due next is known to the index alone.
      background.wake();
      return 'changed';
    }
    if (rotation.attempts > 0 && rotation.error !== null) return { problem: rotation.error };
    // Its turn did not come, because another password of the same database failed.
    if (failed !== null) return { problem: failed };
    const attempted = await background.attempt(mountId, rotation.connection, signal);
    if (attempted === null) return 'waiting';
    failed = attempted.problem;
  }
}
