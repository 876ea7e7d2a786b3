import { isIPv4, isIPv6 } from 'node:net';

/** A block of IP addresses. An IPv4 address mapped into IPv6 (`::ffff:10.0.0.1`) counts as the IPv4 address it is. */
export interface Cidr {
  /** 4 or 16 bytes; the bits behind the prefix are zero. */
  readonly network: Uint8Array;
  readonly prefix: number;
}

const mappedPrefix = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** `10.0.0.0/8`, `2001:db8::/32`, or a single address, which stands for itself alone. Null for anything else. */
export function parseCidr(text: string): Cidr | null {
  if (text.length > 64) return null;
  const [address = '', length, ...rest] = text.split('/');
  if (rest.length > 0) return null;
  const bytes = addressBytes(address);
  if (bytes === null) return null;
  let prefix = bytes.byteLength * 8;
  if (length !== undefined) {
    if (!/^(0|[1-9]\d{0,2})$/.test(length)) return null;
    // The prefix of a mapped address counts from the start of the IPv6 form.
    prefix = Number(length) - (bytes.byteLength === 4 && address.includes(':') ? 96 : 0);
    if (prefix < 0 || prefix > bytes.byteLength * 8) return null;
  }
  return { network: masked(bytes, prefix), prefix };
}

/** Is an address in one of these blocks? False for what is no address; a block that does not parse matches nothing. */
export function inCidrs(address: string, blocks: readonly string[]): boolean {
  const bytes = addressBytes(address);
  if (bytes === null) return false;
  return blocks.some((text) => {
    const block = parseCidr(text);
    return block !== null && contains(block, { network: bytes, prefix: bytes.byteLength * 8 });
  });
}

/** Does each of `inner` lie within one of `outer`? */
export function cidrsWithin(inner: readonly string[], outer: readonly string[]): boolean {
  const blocks = outer.map(parseCidr);
  return inner.every((text) => {
    const small = parseCidr(text);
    return small !== null && blocks.some((block) => block !== null && contains(block, small));
  });
}

/**
 * The one text of a block: network bits only, IPv6 as eight groups without leading zeros, a single address without its
 * prefix. Null where `text` is no block.
 */
export function canonicalCidr(text: string): string | null {
  const block = parseCidr(text);
  if (block === null) return null;
  const { network, prefix } = block;
  const address = network.byteLength === 4 ? network.join('.') : groups(network);
  return prefix === network.byteLength * 8 ? address : `${address}/${prefix}`;
}

function contains(block: Cidr, other: Cidr): boolean {
  if (block.network.byteLength !== other.network.byteLength || other.prefix < block.prefix) return false;
  return masked(other.network, block.prefix).every((byte, index) => byte === block.network[index]);
}

function masked(bytes: Uint8Array, prefix: number): Uint8Array {
  return bytes.map((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefix - index * 8));
    return byte & (0xff << (8 - bits));
  });
}

function addressBytes(text: string): Uint8Array | null {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!isIPv6(text) || text.includes('%')) return null;
  const [head = '', tail] = text.split('::');
  const before = groupBytes(head);
  const after = tail === undefined ? [] : groupBytes(tail);
  const zeros: number[] = tail === undefined ? [] : new Array<number>(16 - before.length - after.length).fill(0);
  const bytes = Uint8Array.from([...before, ...zeros, ...after]);
  return mappedPrefix.every((byte, index) => byte === bytes[index]) ? bytes.slice(12) : bytes;
}

function groupBytes(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function groups(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let index = 0; index < 16; index += 2) parts.push((((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0)).toString(16));
  return parts.join(':');
}
