import { Fault } from '../base/error.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';

/** The fault of the store's medium that a request failed of, or null. */
export function faultOfStore(error: unknown): Fault | null {
  const cause = error instanceof RequestError ? error.cause : null;
  return cause instanceof Fault && ['store-full', 'store-io', 'store-fenced'].includes(cause.code) ? cause : null;
}

/** For clients: no path of the server's disk. */
export function storeProblem({ code }: Fault): string {
  if (code === 'store-full') return 'the disk of the store is full: nothing was changed; ask an operator to make room';
  return `the store can't be used (${code}): see the log of the server`;
}

/** Why a store was not unsealed, as whoever gave a share is told: what failed besides stands in the log. */
export function unsealRefusal(error: unknown): RequestError {
  if (!(error instanceof Fault)) return new RequestError(500, 'internal error', { cause: error });
  if (error.code.startsWith('share-') || error.code === 'seal-migration') return badRequest(error.message);
  return new RequestError(500, `the seal does not open (${error.code}): see the log of the server`, { cause: error });
}

/** For the log, which only operators read. */
export function describe(error: unknown): string {
  if (error instanceof Fault) return error.hint === null ? error.message : `${error.message}. ${error.hint}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
