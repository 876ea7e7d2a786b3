import { createHash, timingSafeEqual } from 'node:crypto';
import { Fault } from '../base/error.ts';
import { maxKeyBytes, type StoredRecord } from './backend.ts';

/**
 * All records of a store at one commit, as they lie in the backend: values are ciphertext. Format 1, frozen by
 * test/vectors/snapshot.json; integers are big-endian:
 *
 *     "secretctl-snapshot/1\n"
 *     JSON of the header, "\n"
 *     for each record, in the order of keys:
 *         u16 length of the key (not 0), u32 length of the value, u64 version, key (UTF-8), value
 *     u16 0
 *     the SHA-256 of all bytes before
 *
 * The digest tells damage, not forgery: a record that is put in another place does not decrypt, one that was left out
 * or is older is not noticed. Who keeps snapshots keeps them where nobody else writes.
 */
export interface SnapshotHeader {
  readonly storeId: string;
  /** Of the last commit that it holds. */
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

const magic = Buffer.from('secretctl-snapshot/1\n');
const digestBytes = 32;
const headBytes = 14;
const maxHeaderBytes = 4096;
/** More than any record that a store takes. */
const maxValueBytes = 64 * 1024 * 1024;
const chunkBytes = 256 * 1024;

/** The bytes of a snapshot, in chunks of a few hundred KiB. */
export async function* encodeSnapshot(
  header: SnapshotHeader,
  pages: AsyncIterable<readonly StoredRecord[]>,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  const { storeId, sequence, createdAt } = header;
  let parts: Uint8Array[] = [magic, Buffer.from(`${JSON.stringify({ storeId, sequence, createdAt })}\n`)];
  let size = 0;
  const take = (): Buffer => {
    const chunk = Buffer.concat(parts);
    parts = [];
    size = 0;
    hash.update(chunk);
    return chunk;
  };
  for await (const page of pages) {
    for (const { key, version, value } of page) {
      const name = Buffer.from(key);
      const head = Buffer.alloc(headBytes);
      head.writeUInt16BE(name.byteLength, 0);
      head.writeUInt32BE(value.byteLength, 2);
      head.writeBigUInt64BE(BigInt(version), 6);
      parts.push(head, name, value);
      size += headBytes + name.byteLength + value.byteLength;
      if (size >= chunkBytes) yield take();
    }
  }
  parts.push(Buffer.alloc(2));
  yield take();
  yield hash.digest();
}

/** A snapshot that is read: the header, then the records. Both throw Fault `snapshot`; the last record ends in the check of the digest. */
export interface ReadSnapshot {
  readonly header: SnapshotHeader;
  readonly records: AsyncIterable<StoredRecord>;
}

/** Throws Fault `snapshot` for what is no snapshot. Nothing may be done with its records before all of them were read. */
export async function decodeSnapshot(bytes: AsyncIterable<Uint8Array>): Promise<ReadSnapshot> {
  const input = new Input(bytes);
  if (!(await input.take(magic.byteLength)).equals(magic)) throw damaged('it is none, or one of another version');
  const header = headerOf(await input.line(maxHeaderBytes));
  return { header, records: recordsOf(input, header) };
}

async function* recordsOf(input: Input, header: SnapshotHeader): AsyncGenerator<StoredRecord> {
  let last: Buffer | null = null;
  for (;;) {
    const keyBytes = (await input.take(2)).readUInt16BE(0);
    if (keyBytes === 0) break;
    const head = await input.take(headBytes - 2);
    const valueBytes = head.readUInt32BE(0);
    const version = Number(head.readBigUInt64BE(4));
    if (keyBytes > maxKeyBytes || valueBytes > maxValueBytes || version > header.sequence)
      throw damaged('a record is impossible');
    const key = await input.take(keyBytes);
    if (last !== null && Buffer.compare(last, key) >= 0) throw damaged('its records are out of order');
    last = key;
    yield { key: key.toString(), version, value: await input.take(valueBytes) };
  }
  const expected = input.digest();
  if (!timingSafeEqual(await input.take(digestBytes), expected)) throw damaged('its digest is wrong');
  if (!(await input.ended())) throw damaged('something follows its end');
}

function headerOf(line: Buffer): SnapshotHeader {
  try {
    const { storeId, sequence, createdAt } = JSON.parse(line.toString()) as SnapshotHeader;
    if (typeof storeId === 'string' && Number.isSafeInteger(sequence) && Number.isSafeInteger(createdAt)) {
      return { storeId, sequence, createdAt };
    }
  } catch {
    // Said below.
  }
  throw damaged('its header cannot be read');
}

function damaged(why: string): Fault {
  return new Fault('snapshot', `this snapshot can't be used: ${why}`, { hint: 'Use another one. Nothing was changed.' });
}

/** Takes bytes off a stream and hashes them. */
class Input {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #hash = createHash('sha256');
  #rest: Buffer = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#source = bytes[Symbol.asyncIterator]();
  }

  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#rest.byteLength === 0 && !(await this.#more())) throw damaged('it was cut off');
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.byteLength);
      missing -= part.byteLength;
      parts.push(part);
    }
    const taken = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    this.#hash.update(taken);
    return taken;
  }

  async line(limit: number): Promise<Buffer> {
    const bytes: number[] = [];
    while (bytes.length < limit) {
      const [byte = 0] = await this.take(1);
      if (byte === 0x0a) return Buffer.from(bytes);
      bytes.push(byte);
    }
    throw damaged('its header cannot be read');
  }

  digest(): Buffer {
    return this.#hash.copy().digest();
  }

  async ended(): Promise<boolean> {
    return this.#rest.byteLength === 0 && !(await this.#more());
  }

  async #more(): Promise<boolean> {
    for (;;) {
      const next = await this.#source.next();
      if (next.done === true) return false;
      this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
      if (this.#rest.byteLength > 0) return true;
    }
  }
}
