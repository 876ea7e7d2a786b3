import type { IncomingMessage } from 'node:http';
import { parseDuration } from '../base/duration.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';

/** What the headers of a request say, apart from its framing. */
export interface RequestHeaders {
  readonly token: string | null;
  /** Seconds. */
  readonly wrapTtl: number | null;
  /** The media type in lower case, without its parameters; '': none. */
  readonly mediaType: string;
  /** As Request.headers has them. */
  readonly others: Readonly<Record<string, string>>;
}

/** A second one of these means that somebody tries to be understood in two ways. */
const single = new Set([
  'access-control-request-method',
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'origin',
  'transfer-encoding',
  'x-vault-namespace',
  'x-vault-token',
  'x-vault-wrap-format',
  'x-vault-wrap-ttl',
]);

/** They may carry a credential. */
const withheld = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-vault-token']);

/** `behindProxy`: what it says of earlier hops counts. Throws RequestError 400, 415 or 431. */
export function readHeaders(message: IncomingMessage, maxHeaders: number, behindProxy: boolean): RequestHeaders {
  const { headers, rawHeaders } = message;
  if (rawHeaders.length > maxHeaders * 2) throw new RequestError(431, `more than ${maxHeaders} headers`);
  const others: Record<string, string> = {};
  let names = 0;
  for (const name in headers) {
    names++;
    const value = headers[name];
    if (withheld.has(name) || value === undefined || (name === 'x-forwarded-for' && !behindProxy)) continue;
    others[name] = typeof value === 'string' ? value : value.join(', ');
  }
  if (names * 2 !== rawHeaders.length) refuseDuplicates(rawHeaders);
  if (message.httpVersionMajor !== 1) throw badRequest('only HTTP/1.0 and HTTP/1.1 are spoken here');
  const transferEncoding = headers['transfer-encoding'];
  if (transferEncoding !== undefined && (message.httpVersionMinor === 0 || transferEncoding.toLowerCase() !== 'chunked')) {
    throw badRequest('Transfer-Encoding may only be "chunked", and only in HTTP/1.1');
  }
  if (headers.host === undefined && message.httpVersionMinor > 0) throw badRequest('the Host header is missing');
  // What a client asks for by a header is done or refused, never passed over.
  if (text(headers['x-vault-namespace']) !== '') {
    throw badRequest('X-Vault-Namespace is set, and this server has no namespaces: unset VAULT_NAMESPACE');
  }
  if (text(headers['x-vault-wrap-format']) !== '') {
    throw badRequest('X-Vault-Wrap-Format is set, and this server wraps into plain tokens only');
  }
  const encoding = text(headers['content-encoding']).toLowerCase();
  if (encoding !== '' && encoding !== 'identity') throw new RequestError(415, `Content-Encoding ${encoding} is not supported`);
  return {
    token: tokenOf(text(headers['x-vault-token']), headers.authorization),
    wrapTtl: wrapTtlOf(text(headers['x-vault-wrap-ttl'])),
    mediaType: mediaTypeOf(headers['content-type']),
    others,
  };
}

function text(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : '';
}

function refuseDuplicates(rawHeaders: readonly string[]): void {
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (seen.has(name) && single.has(name)) throw badRequest(`the header ${name} came twice`);
    seen.add(name);
  }
}

function tokenOf(own: string, authorization: string | undefined): string | null {
  const bearer = authorization === undefined ? null : /^bearer +(.*)$/i.exec(authorization);
  const borne = bearer?.[1]?.trim() ?? '';
  if (own === '') return borne === '' ? null : borne;
  if (borne !== '' && borne !== own) throw badRequest('X-Vault-Token and Authorization carry different tokens');
  return own;
}

function wrapTtlOf(value: string): number | null {
  if (value === '') return null;
  const seconds = parseDuration(value);
  if (seconds === null) throw badRequest('error parsing X-Vault-Wrap-TTL header: it must be a duration such as "60s"');
  if (seconds < 0) throw badRequest('error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative');
  return seconds === 0 ? null : Math.ceil(seconds);
}

function mediaTypeOf(value: string | undefined): string {
  if (value === undefined) return '';
  const end = value.indexOf(';');
  return (end === -1 ? value : value.slice(0, end)).trim().toLowerCase();
}
