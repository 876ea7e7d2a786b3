/*
 * What stands in LMDB: a stored value is the sequence of its commit and then the bytes; one more record holds the state
 * of the whole store. Integers are big-endian and take eight bytes.
 */
const versionBytes = 8;

/** The sequence of the last commit and the newest epoch. */
export interface State {
  sequence: number;
  epoch: number;
}

/** UTF-8 has no byte 0xff, so this key is none of a caller's and behind all of them. */
export const stateKey = Buffer.of(0xff);

export function recordOf(version: number, value: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(versionBytes + value.byteLength);
  writeInteger(record, 0, version);
  record.set(value, versionBytes);
  return record;
}

export function versionOf(record: Uint8Array): number {
  return integer(record, 0);
}

/** A view of the value's bytes, not a copy. */
export function valueOf(record: Uint8Array): Uint8Array {
  return new Uint8Array(record.buffer, record.byteOffset + versionBytes, record.byteLength - versionBytes);
}

export function recordOfState(state: State): Buffer {
  const record = Buffer.alloc(16);
  writeInteger(record, 0, state.sequence);
  writeInteger(record, 8, state.epoch);
  return record;
}

export function stateOf(record: Uint8Array): State {
  return { sequence: integer(record, 0), epoch: integer(record, 8) };
}

function integer(bytes: Uint8Array, offset: number): number {
  let value = 0;
  for (let at = offset; at < offset + 8; at++) value = value * 256 + (bytes[at] ?? 0);
  return value;
}

function writeInteger(bytes: Buffer, offset: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), offset);
  bytes.writeUInt32BE(value % 2 ** 32, offset + 4);
}
