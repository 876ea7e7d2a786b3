import { TargetUnavailable } from '../../../../core/lease.ts';
import { RequestError } from '../../../../protocol/request-error.ts';
import { LoginRefused } from '../plugin.ts';
import { formsOf, withoutSecrets } from '../without-secrets.ts';

/** What the driver throws: `errno` above 0 is the server's own number of an error (MySQL and MariaDB error references). */
interface DriverError {
  readonly message?: string;
  readonly errno?: number;
  /** The statement. */
  readonly sql?: string;
}

/** Too many connections, shutting down, the host is blocked, the connection was killed, it only reads now. */
const unavailable = new Set([1040, 1053, 1077, 1079, 1129, 1158, 1159, 1160, 1161, 1203, 1226, 1290, 1792, 1836, 1927]);
const refusedLogin = 1045;

/** The server's number of an error; null: it is none of the server. */
export function numberOf(error: unknown): number | null {
  const { errno } = error as DriverError;
  return typeof errno === 'number' && errno > 0 ? errno : null;
}

/** An error of the driver as one that may be shown: nothing of a secret is left in it. */
export function failureOf(error: unknown, doing: string, secrets: readonly string[]): RequestError {
  // What a check found says by itself what it is about.
  if (error instanceof RequestError && error.status === 400) return error;
  if (error instanceof RequestError) return new RequestError(error.status, `${doing}: ${error.message}`, { cause: error });
  const { message = '', sql = '' } = error as DriverError;
  const shown = message.replace(/near '([\s\S]*)' at line/, (_, near: string) => `near '${nearOf(near, sql, secrets)}' at line`);
  const text = `${doing}: ${withoutSecrets(shown, secrets)}`;
  const number = numberOf(error);
  // Whatever the server did not say itself, the way to it did.
  if (number === null || unavailable.has(number)) return new TargetUnavailable(500, text, { cause: error });
  if (number === refusedLogin) return new LoginRefused(500, `${text} (does its password still hold?)`, { cause: error });
  return new RequestError(500, text, { cause: error });
}

/** The server quotes a statement from where it went wrong, and ends somewhere, maybe within a secret. */
function nearOf(near: string, sql: string, secrets: readonly string[]): string {
  const at = sql.indexOf(near);
  if (at === -1) return '***';
  let end = near.length;
  for (const form of secrets.flatMap(formsOf)) {
    for (let found = sql.indexOf(form); found !== -1; found = sql.indexOf(form, found + 1)) {
      if (found + form.length > at) end = Math.min(end, Math.max(0, found - at));
    }
  }
  return end === near.length ? near : `${near.slice(0, end)}***`;
}
