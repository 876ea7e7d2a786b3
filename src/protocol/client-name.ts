import { canonicalCidr } from '../base/cidr.ts';
import type { Remote } from './request.ts';

/** Who comes without an address, over a unix socket: Node does not tell which user that is, so all of them are one. */
const onThisMachine = 'local';

/**
 * The client that limits count: an address of IPv4, a network of IPv6 (nobody is given less than 64 bits of addresses,
 * and could change among them), or `local` for all that come without an address.
 */
export function clientName(remote: Remote | null): string {
  if (remote === null || remote.address === '') return onThisMachine;
  const canonical = canonicalCidr(remote.address);
  if (canonical === null || !canonical.includes(':')) return canonical ?? remote.address;
  return canonicalCidr(`${canonical}/64`) ?? canonical;
}
