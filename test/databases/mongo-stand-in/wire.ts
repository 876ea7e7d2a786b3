// Part of a stand-in for MongoDB (see mongo-stand-in.ts): no MongoDB.
import { BSON, type Document } from 'mongodb';

const opReply = 1;
const opQuery = 2004;
const opMsg = 2013;
const largestMessage = 48_000_000;
const checksumPresent = 1;
const moreToCome = 2;

/** A command as it came: its document with `$db`, and how it wants to be answered. */
export interface Incoming {
  readonly requestId: number;
  readonly legacy: boolean;
  /** No answer is wanted. */
  readonly oneWay: boolean;
  readonly body: Document;
}

/**
 * Cuts what a socket gives into messages of MongoDB's wire protocol: OP_MSG, and the OP_QUERY to `admin.$cmd` by which
 * clients say hello. Throws for anything else.
 */
export class MessageReader {
  #held: Buffer = Buffer.alloc(0);

  *take(data: Buffer): Generator<Incoming> {
    this.#held = Buffer.concat([this.#held, data]);
    while (this.#held.length >= 16) {
      const length = this.#held.readInt32LE(0);
      if (length < 16 || length > largestMessage) throw new Error(`a message of ${length} bytes`);
      if (this.#held.length < length) return;
      const message = this.#held.subarray(0, length);
      this.#held = this.#held.subarray(length);
      yield parsed(message);
    }
  }
}

function parsed(message: Buffer): Incoming {
  const requestId = message.readInt32LE(4);
  const opcode = message.readInt32LE(12);
  if (opcode === opMsg) return { requestId, legacy: false, ...sections(message) };
  if (opcode !== opQuery) throw new Error(`opcode ${opcode} is none that is spoken here`);
  const end = message.indexOf(0, 20);
  const collection = message.toString('utf8', 20, end);
  if (!collection.endsWith('.$cmd')) throw new Error(`OP_QUERY to ${collection}`);
  const body = BSON.deserialize(message.subarray(end + 9), { allowObjectSmallerThanBufferSize: true });
  return { requestId, legacy: true, oneWay: false, body: { $db: collection.slice(0, -5), ...body } };
}

function sections(message: Buffer): { readonly oneWay: boolean; readonly body: Document } {
  const flags = message.readUInt32LE(16);
  const end = message.length - ((flags & checksumPresent) === 0 ? 0 : 4);
  let body: Document = {};
  const lists: Document = {};
  for (let at = 20; at < end;) {
    const size = message.readInt32LE(at + 1);
    if (size < 5 || at + 1 + size > end) throw new Error('a section that is longer than its message');
    if (message[at] === 0) body = BSON.deserialize(message.subarray(at + 1, at + 1 + size), { promoteValues: true });
    else {
      const nameEnd = message.indexOf(0, at + 5);
      lists[message.toString('utf8', at + 5, nameEnd)] = documents(message.subarray(nameEnd + 1, at + 1 + size));
    }
    at += 1 + size;
  }
  return { oneWay: (flags & moreToCome) !== 0, body: { ...body, ...lists } };
}

function documents(bytes: Buffer): readonly Document[] {
  const found: Document[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = bytes.readInt32LE(at);
    if (size < 5 || at + size > bytes.length) throw new Error('a document that is longer than its section');
    found.push(BSON.deserialize(bytes.subarray(at, at + size)));
    at += size;
  }
  return found;
}

/** The answer to a message, in the form in which it was asked. */
export function answer({ requestId, legacy }: Incoming, id: number, body: Document): Buffer {
  const document = BSON.serialize(body, { ignoreUndefined: true });
  const prefix = Buffer.alloc(legacy ? 36 : 21);
  prefix.writeInt32LE(prefix.length + document.length, 0);
  prefix.writeInt32LE(id, 4);
  prefix.writeInt32LE(requestId, 8);
  prefix.writeInt32LE(legacy ? opReply : opMsg, 12);
  if (legacy) prefix.writeInt32LE(1, 32);
  return Buffer.concat([prefix, document]);
}
