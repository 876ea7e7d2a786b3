import { STATUS_CODES } from 'node:http';
import type { Connection } from './connection.ts';

/** Answers for a request that never became one, after the answers of those before it. */
export function refuseConnection(connection: Connection, status: number, message: string): void {
  connection.stopParsing();
  connection.whenIdle(() => {
    const body = `${JSON.stringify({ errors: [message] })}\n`;
    connection.end(
      [
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
        'Content-Type: application/json',
        'Cache-Control: no-store',
        'X-Content-Type-Options: nosniff',
        `Content-Length: ${Buffer.byteLength(body)}`,
        'Connection: close',
        '',
        body,
      ].join('\r\n'),
    );
  });
}
