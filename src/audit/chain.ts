import { hash } from 'node:crypto';
import { utf8 } from '../base/bytes.ts';

/** A place in the chain: the number of a line (1 for the first) and the hash that covers it and all before it. */
export interface Head {
  readonly seq: number;
  /** 64 lower-case hex digits. */
  readonly hash: string;
}

// Lines and chain of audit design 1; the version is part of what is hashed.
const prefix = utf8('secretctl/audit/1\0');

const lineAt = prefix.byteLength + 36;
// Nearly every line fits; it holds nothing that is not in the log.
const shortMessage = Buffer.alloc(8192);

/** Where the chain of a store begins: sequence 0 and `h_0 = SHA-256("secretctl/audit/1\0" ‖ store id)`. */
export function genesis(storeId: string): Head {
  return { seq: 0, hash: hash('sha256', Buffer.concat([prefix, utf8(storeId)]), 'hex') };
}

/**
 * `h_i = SHA-256("secretctl/audit/1\0" ‖ h_{i-1} ‖ u32 big-endian length ‖ line)` in hex. `previous` is `h_{i-1}` in
 * hex, `line` the bytes of the line without its newline. Throws a RangeError where `previous` is no such hash.
 */
export function chainHash(previous: string, line: Uint8Array): string {
  if (!isChainHash(previous)) throw new RangeError('a chain hash has 64 lower-case hex digits');
  const length = lineAt + line.byteLength;
  const message = length <= shortMessage.byteLength ? shortMessage : Buffer.allocUnsafe(length);
  message.set(prefix);
  message.write(previous, prefix.byteLength, 32, 'hex');
  message.writeUInt32BE(line.byteLength, prefix.byteLength + 32);
  message.set(line, lineAt);
  return hash('sha256', message.subarray(0, length), 'hex');
}

export function isChainHash(text: unknown): text is string {
  return typeof text === 'string' && text.length === 64 && /^[0-9a-f]{64}$/.test(text);
}
