import { Fault } from '../base/error.ts';
import { RequestError } from '../protocol/request-error.ts';

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

/** For the log, which only operators read. */
export function describe(error: unknown): string {
  if (error instanceof Fault) return error.hint === null ? error.message : `${error.message}. ${error.hint}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
