import { RequestError } from '../protocol/request-error.ts';
import type { Request } from '../protocol/request.ts';
import type { AuditEntry, AuditPort } from './ports.ts';

/**
 * Writes entries to the audit log. Unaudited means refused: throws RequestError 500, whatever was asked, where no sink
 * takes them; `consequence` says what that means for the request.
 */
export async function writeAudit(audit: AuditPort, entries: readonly AuditEntry[], consequence: string): Promise<void> {
  try {
    await audit.append(entries);
  } catch (error) {
    const [request = null] = entries.map((entry) => entry.request).filter((asked) => asked !== null);
    throw new RequestError(500, `the audit log can't be written, ${consequence}: ${auditTrouble(request, error)}`, {
      cause: error,
    });
  }
}

/** What is wrong with the audit log, for who sent a request: it names files and receivers, which nobody far away need know. */
export function auditTrouble(request: Pick<Request, 'remote'> | null, error: unknown): string {
  return request !== null && request.remote !== null ? 'see the log of the server' : (error as Error).message;
}
