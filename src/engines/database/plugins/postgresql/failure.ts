import { TargetUnavailable } from '../../../../core/lease.ts';
import { RequestError } from '../../../../protocol/request-error.ts';
import { LoginRefused } from '../plugin.ts';
import { withoutSecrets } from '../without-secrets.ts';

/** Classes and codes of SQLSTATE that say that the server can't do anything for us now (PostgreSQL manual, appendix A). */
const unavailable = /^(08|53|57P0[1-5])/;

/** An error of the driver as one that may be shown: nothing of a secret is left in it. */
export function failureOf(error: unknown, doing: string, secrets: readonly string[]): RequestError {
  if (error instanceof RequestError) return error;
  const { message = '', code } = error as { readonly message?: string; readonly code?: string };
  const text = `${doing}: ${withoutSecrets(message, secrets)}`;
  const answered = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code);
  // Whatever the server did not say itself, the way to it did.
  if (!answered || unavailable.test(code)) return new TargetUnavailable(500, text, { cause: error });
  if (code === '28P01' || code === '28000')
    return new LoginRefused(500, `${text} (does its password still hold?)`, { cause: error });
  return new RequestError(500, text, { cause: error });
}
