import { TargetUnavailable } from '../../core/lease.ts';
import { Fault } from '../../base/error.ts';
import { RequestError } from '../../protocol/request-error.ts';

/** A password that is to be changed in a database. */
export interface PasswordChange {
  /** Null: nobody knows it. */
  readonly old: string | null;
  readonly fresh: string;
  /** Sets the fresh one; perhaps once more. Null: it is only to be found out which of them holds. */
  set: (() => Promise<void>) | null;
  letsIn(password: string): Promise<boolean>;
}

/** Which of them the database wants. */
export type Outcome =
  | { readonly holds: 'fresh' }
  /** `none`: neither. `unknown`: not the fresh one, and nobody knows the old one. */
  | { readonly holds: 'old' | 'none' | 'unknown'; readonly problem: RequestError };

/**
 * Changes a password, or finds out what became of a change that a crash or a failure has interrupted: what the database
 * lets in is what counts, not what was tried. Throws TargetUnavailable where it does not answer: then nobody knows, and it
 * is tried again.
 */
export async function changePassword({ old, fresh, set, letsIn }: PasswordChange): Promise<Outcome> {
  const problem = set === null ? null : await problemOf(set);
  if (await letsIn(fresh)) return { holds: 'fresh' };
  if (old === null) {
    return {
      holds: 'unknown',
      problem: problem ?? new RequestError(500, 'the database does not let the user in with the new password'),
    };
  }
  if (await letsIn(old)) {
    return {
      holds: 'old',
      problem: problem ?? new RequestError(500, 'the password is still the old one: do the statements set {{password}}?'),
    };
  }
  const reason = problem === null ? '' : `: ${problem.message}`;
  return {
    holds: 'none',
    problem: new RequestError(500, `the database wants neither the old password nor the new one${reason}`),
  };
}

async function problemOf(set: () => Promise<void>): Promise<RequestError | null> {
  try {
    await set();
    return null;
  } catch (error) {
    if (error instanceof TargetUnavailable || error instanceof Fault) throw error;
    // Of a defect nothing is kept: its text may quote anything.
    return error instanceof RequestError ? error : new RequestError(500, 'internal error', { cause: error });
  }
}
