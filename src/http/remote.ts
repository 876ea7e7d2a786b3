import { isIP } from 'node:net';
import { inCidrs } from '../base/cidr.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { Remote } from '../protocol/request.ts';

/** An IPv4 address that the system shows as IPv6 (`::ffff:10.0.0.1`) as the IPv4 address it is. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/**
 * Who is behind a trusted proxy: the right-most address of `X-Forwarded-For` that is no trusted proxy itself, since
 * whatever stands to its left may be made up; the left-most where all are. Throws RequestError 400 for an entry that is
 * no address.
 */
export function forwardedRemote(forwardedFor: string, proxy: Remote, trustedProxies: readonly string[]): Remote {
  let remote = proxy;
  for (const entry of forwardedFor.split(',').reverse()) {
    remote = parseEntry(entry.trim(), proxy.port);
    if (!inCidrs(remote.address, trustedProxies)) break;
  }
  return remote;
}

/** Some proxies write the port too. */
function parseEntry(entry: string, port: number): Remote {
  if (isIP(entry) !== 0) return { address: plainAddress(entry), port };
  const [, four, six, digits] = /^(?:([\d.]+)|\[([\da-fA-F:.]+)\])(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const address = four ?? six ?? '';
  if (isIP(address) === 0) throw badRequest('X-Forwarded-For holds something that is no address');
  return { address: plainAddress(address), port: digits === undefined ? port : Number(digits) };
}
