import { unsupportedVerb } from './asked.ts';
import type { Connection } from './connection.ts';
import { refuseConnection } from './refuse-connection.ts';

/**
 * Node's parser knows no `LIST`. It fails in the middle of the verb, and tells where: so the bytes from there on are put
 * back with a verb of the same length that it knows, and a new parser reads them. What follows on the connection is read
 * by that parser as ever, until the next LIST.
 */
const verb = 'LIST ';
const stand = 'LINK ';

/** Is this failure of the parser the verb LIST? Then it is taken over. */
export function takeOverList(connection: Connection, packet: Buffer, failedAt: number): boolean {
  // "LI" still fits LINK. Where it came in an earlier packet there is no other way to know it: no verb that the parser
  // knows fails at an "S" after two letters but this one, or one that nobody sends.
  const start = failedAt - 2;
  const seen = Buffer.concat([Buffer.from(verb.slice(0, Math.max(0, -start)), 'latin1'), packet.subarray(Math.max(0, start))]);
  if (!begins(seen)) return false;
  const { socket } = connection;
  connection.stopParsing();
  socket.pause();
  if (seen.length < verb.length) {
    awaitVerb(connection, seen);
    return true;
  }
  putBack(connection, seen);
  return true;
}

function begins(seen: Buffer): boolean {
  return verb.startsWith(seen.toString('latin1', 0, verb.length));
}

/** The verb is not whole yet. */
function awaitVerb(connection: Connection, seen: Buffer): void {
  const { socket } = connection;
  const { limits } = connection.door;
  const settle = (): void => {
    socket.off('data', onData);
    socket.off('end', onEnd);
  };
  const onEnd = (): void => {
    settle();
    refuseConnection(connection, 400, 'the request ended early');
  };
  const onData = (chunk: Buffer): void => {
    settle();
    socket.pause();
    const more = Buffer.concat([seen, chunk]);
    if (!begins(more)) {
      const error = unsupportedVerb();
      refuseConnection(connection, error.status, error.message);
    } else if (more.length < verb.length) awaitVerb(connection, more);
    else putBack(connection, more);
  };
  socket.on('data', onData);
  socket.on('end', onEnd);
  connection.cutIn(limits.headersTimeout);
  socket.resume();
}

/** `seen` begins with the verb. */
function putBack(connection: Connection, seen: Buffer): void {
  const { socket } = connection;
  seen.write(stand, 0, 'latin1');
  socket.unshift(seen);
  // An earlier answer that drains may let the socket flow again.
  const keep = (chunk: Buffer): void => {
    socket.pause();
    socket.unshift(chunk);
  };
  socket.on('data', keep);
  connection.whenIdle(() => {
    connection.cutIn(Infinity);
    socket.off('data', keep);
    connection.detachParser();
    connection.nextIsList = true;
    connection.attachParser();
    socket.resume();
  });
}
