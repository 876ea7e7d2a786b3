import { unsupportedVerb } from './asked.ts';
import type { Connection } from './connection.ts';
import { takeOverList } from './list-verb.ts';
import { refuseConnection } from './refuse-connection.ts';

/** What Node's parser or its timers found wrong. */
export interface ParseFailure extends Error {
  readonly code?: string;
  readonly rawPacket?: Buffer;
  readonly bytesParsed?: number;
}

/** Called for everything that the parser can't read. Refuses it and closes the connection, except for a LIST. */
export function onParseFailure(connection: Connection, failure: ParseFailure): void {
  const { socket } = connection;
  if (connection.deaf || socket.destroyed) return;
  const { code = '', rawPacket, bytesParsed } = failure;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    // Of a request which waits for the answers of earlier ones.
    if (connection.current === null) refuseConnection(connection, 408, 'the request did not come in time');
    return;
  }
  if (code === 'HPE_INVALID_METHOD' && rawPacket !== undefined && bytesParsed !== undefined) {
    if (takeOverList(connection, rawPacket, bytesParsed)) return;
    const lineStart = rawPacket.lastIndexOf(0x0a, bytesParsed) + 1;
    if (/^[A-Z]{1,32} \//.test(rawPacket.toString('latin1', lineStart, lineStart + 40))) {
      const error = unsupportedVerb();
      refuseConnection(connection, error.status, error.message);
      return;
    }
  }
  if (!code.startsWith('HPE_')) {
    socket.destroy();
    return;
  }
  const [status, message] = refusals[code] ?? [400, 'the request is no valid HTTP/1.1'];
  const { latest } = connection;
  if (latest !== null && !latest.complete) latest.refuse(status, message);
  else refuseConnection(connection, status, message);
}

const refusals: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the headers are too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the chunk extensions are too large'],
};
