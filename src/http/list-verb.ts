import type { Connection } from './connection.ts';

/**
 * Node's parser knows no `LIST`. It fails in the middle of the verb, and tells where: so the bytes from there on are put
 * back with a verb of the same length that it knows, and a new parser reads them. What follows on the connection is read
 * by that parser as ever, until the next LIST.
 */
const verb = 'LIST';
const standIn = 'LINK';
/** The parser fails at this byte: "LI" still fits LINK. */
const failing = 2;

/** Is this failure of the parser the verb LIST? Then it is taken over. `packet[failedAt]` is where the parser failed. */
export function takeOverList(connection: Connection, packet: Buffer, failedAt: number): boolean {
  let seen: Buffer;
  if (connection.verbIsCut) {
    // It has read "LIN" for a "LIS" that ended a packet.
    connection.verbIsCut = false;
    seen = Buffer.concat([Buffer.from(verb.slice(0, failing + 1)), packet.subarray(failedAt)]);
    if (seen.length === failing + 1) return false;
  } else {
    // Letters that came in an earlier packet can't be looked at. They are "LI", or a verb that nobody sends: no other
    // that the parser knows goes wrong at an "S" after two letters.
    const start = failedAt - failing;
    seen = Buffer.concat([Buffer.from(verb.slice(0, Math.max(0, -start))), packet.subarray(Math.max(0, start))]);
  }
  const whole = seen.length >= verb.length;
  if (seen.toString('latin1', 0, verb.length) !== verb.slice(0, whole ? verb.length : failing + 1)) return false;
  seen.write(standIn, 0, Math.min(seen.length, verb.length), 'latin1');
  putBack(connection, seen, whole);
  return true;
}

function putBack(connection: Connection, bytes: Buffer, whole: boolean): void {
  const { socket } = connection;
  connection.stopParsing();
  // An earlier answer that drains may let the socket flow again. This listener also takes the socket from the parser,
  // which must come before the pause.
  const keep = (chunk: Buffer): void => {
    socket.pause();
    socket.unshift(chunk);
  };
  socket.on('data', keep);
  socket.pause();
  socket.unshift(bytes);
  connection.whenIdle(() => {
    socket.off('data', keep);
    connection.detachParser();
    connection.nextIsList = whole;
    connection.verbIsCut = !whole;
    connection.attachParser();
    socket.resume();
  });
}
