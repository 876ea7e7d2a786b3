import { TargetUnavailable } from '../../../../core/lease.ts';
import { RequestError } from '../../../../protocol/request-error.ts';
import { LoginRefused } from '../plugin.ts';
import { withoutSecrets } from '../without-secrets.ts';

/** The numbers of MongoDB's errors that are told apart. */
export const errorCode = { userNotFound: 11, unauthorized: 13, authenticationFailed: 18 } as const;

/** By these the server refuses a command as it is: bad values, no right, no such role or command, a user who is there. */
const refusals = [2, 4, 9, 13, 14, 31, 59, 72, 115, 238, 40_415, 51_003];

/** Errors that say that the server can do nothing for us now: it is no primary, is shutting down, or lost another. */
const unavailable = [6, 7, 89, 91, 133, 189, 9001, 10_058, 10_107, 11_600, 11_602, 13_435, 13_436];

/** The number of an error that the server itself gave; null: it comes from elsewhere. */
export function codeOf(error: unknown): number | null {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  const answered = name === 'MongoServerError' || name === 'MongoWriteConcernError';
  return answered && typeof code === 'number' ? code : null;
}

/** Is it certain that a command which ended like this did nothing? */
export function madeNothing(error: unknown): boolean {
  const code = codeOf(error);
  return code !== null && refusals.includes(code);
}

/** An error of the driver as one that may be shown: nothing of a secret is left in it. */
export function failureOf(error: unknown, doing: string, secrets: readonly string[]): RequestError {
  if (error instanceof RequestError) return error;
  const { message = '', name = '' } = error as { readonly message?: string; readonly name?: string };
  const aborted = name === 'AbortError' || name === 'TimeoutError';
  const text = `${doing}: ${aborted ? 'it did not answer in time' : withoutSecrets(message, secrets)}`;
  const code = codeOf(error);
  // Whatever the server did not say itself, the way to it did.
  if (code === null || unavailable.includes(code)) return new TargetUnavailable(500, text, { cause: error });
  if (code === errorCode.authenticationFailed) {
    return new LoginRefused(500, `${text} (does its password still hold?)`, { cause: error });
  }
  return new RequestError(500, text, { cause: error });
}
