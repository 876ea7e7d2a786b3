import { Fault } from '../base/error.ts';
import { ioCode } from '../base/io-reason.ts';
import type { Endpoint } from './endpoint.ts';

/** Why no answer came. `sent`: the request may have reached the server. */
export class Failure extends Error {
  readonly fault: Fault;
  readonly sent: boolean;

  constructor(fault: Fault, sent: boolean) {
    super(fault.message);
    this.fault = fault;
    this.sent = sent;
  }
}

const unknownIssuer: readonly string[] = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
];

/**
 * What a failed connection means, for people. The error itself is left behind: those of a parser carry the bytes that
 * they could not read.
 */
export function connectionFault(error: unknown, endpoint: Endpoint): Fault {
  const code = ioCode(error) ?? '';
  const text = error instanceof Error ? error.message : '';
  const { address } = endpoint;
  if (endpoint.socketPath !== null) return socketFault(code, address);
  if (unknownIssuer.includes(code))
    return new Fault('tls', `the certificate of ${address} is not signed by a certificate authority that is known here`, {
      hint: 'Name the file of its authority with -ca-cert or VAULT_CACERT.',
    });
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return new Fault('tls', `the certificate of ${address} is for another name`, {
      hint: 'Use a name that it holds in -address, or say which one is meant with -tls-server-name.',
    });
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return new Fault('tls', `the certificate of ${address} ${code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet'}`, {
      hint: 'The server needs a new one; if it has one, check the clock of this machine.',
    });
  if (endpoint.secure && (/wrong version number|packet length too long|http request/i.test(text) || code === 'EPROTO'))
    return new Fault('tls', `${address} does not speak TLS as it should`, {
      hint: `Is the server one without TLS? Then its address is ${address.replace(/^https/, 'http')}`,
    });
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || /alert|handshake|certificate/i.test(text))
    return new Fault('tls', `no TLS connection with ${address}: ${shortReason(text)}`, {
      hint: 'A server that asks for a certificate needs -client-cert and -client-key.',
    });
  if (code.startsWith('HPE_'))
    return new Fault('unreachable', `${address} does not answer in HTTP`, {
      hint: endpoint.secure ? 'Check the port.' : `Does it speak TLS? Then its address is ${address.replace(/^http/, 'https')}`,
    });
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'nothing listens there (connection refused)',
    ENOTFOUND: 'there is no host of this name',
    EAI_AGAIN: "the name of the host can't be looked up now",
    ECONNRESET: 'the connection was closed before an answer came',
    EPIPE: 'the connection was closed before an answer came',
    EHOSTUNREACH: 'there is no way to this host',
    ENETUNREACH: 'there is no way to its network',
    ETIMEDOUT: 'the connection timed out',
  };
  return new Fault('unreachable', `no connection to ${address}: ${reasons[code] ?? shortReason(code === '' ? text : code)}`, {
    hint:
      code === 'ECONNREFUSED'
        ? 'Is the server running, and is this its address?'
        : 'Check the address (-address, VAULT_ADDR) and the network.',
  });
}

function socketFault(code: string, address: string): Fault {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such socket',
    ECONNREFUSED: 'no server listens on it any more',
    EACCES: 'permission is denied',
    ENAMETOOLONG: 'its path is longer than a socket may have',
    EINVAL: 'its path is longer than a socket may have',
  };
  return new Fault(
    'unreachable',
    `no connection to ${address}: ${reasons[code] ?? 'the connection was closed before an answer came'}`,
    {
      hint: 'Is the server running?',
    },
  );
}

/** May the port speak TLS where its address says HTTP, or the reverse? */
export function isOfScheme(error: unknown): boolean {
  const code = ioCode(error) ?? '';
  const text = error instanceof Error ? error.message : '';
  return (
    ['ECONNRESET', 'EPIPE', 'EPROTO'].includes(code) ||
    code.startsWith('HPE_') ||
    /wrong version number|packet length too long|http request/i.test(text)
  );
}

/** The words of OpenSSL without the numbers around them. */
function shortReason(text: string): string {
  const reason = /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+)/i.exec(text)?.[1] ?? text;
  return reason.split('\n')[0]?.slice(0, 120) ?? '';
}
