import { LoginRefused } from './plugin.ts';
import { RequestError } from '../../../protocol/request-error.ts';
import { TargetUnavailable } from '../../../core/lease.ts';

/** The fields of a role that are lists of statements, as the API calls them. */
export type StatementsField =
  'creation_statements' | 'renew_statements' | 'revocation_statements' | 'rollback_statements' | 'rotation_statements';

/** How the refusal of a statement begins: its field, and which of its statements it is, from 0. */
export const atStatement = (field: StatementsField, index: number): string => `${field}[${index}]`;

/** Fills in the statements of a field. Throws RequestError 400 that names the one which can't be. */
export function filledEach<T>(field: StatementsField, statements: readonly string[], fill: (statement: string) => T): T[] {
  return statements.map((statement, index) => {
    try {
      return fill(statement);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      throw new RequestError(400, `${atStatement(field, index)}: ${error.message}`, { cause: error });
    }
  });
}

/** What to do about revocation statements after which the user can log in. */
export const orRemoveIt = 'drop it, or take its login away; leave the statements out for the usual way';

/** Of a user whom the statements of its role were to remove. */
export function userLeft(name: string): RequestError {
  return new RequestError(500, `revocation_statements left the user "${name}", who can still log in: ${orRemoveIt}`);
}

/** Of a static role. */
export function noSuchUser(name: string): RequestError {
  return new RequestError(400, `username: there is no user "${name}" in the database`);
}

/** Did the database refuse what it was asked for itself, rather than the way to it or our login? */
export function isRefusal(error: unknown): boolean {
  return error instanceof RequestError && !(error instanceof TargetUnavailable) && !(error instanceof LoginRefused);
}
