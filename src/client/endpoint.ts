import { Fault } from '../base/error.ts';
import type { Setting } from './variable.ts';

/** Where a server listens. */
export interface Endpoint {
  /** For messages and comparisons: `https://secrets.example.com:8200`, `unix:///run/secretctl.sock`. */
  readonly address: string;
  readonly secure: boolean;
  /** A name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Null: host and port count. */
  readonly socketPath: string | null;
  /** What stands before `/v1`: `''`, or a path without a slash at its end. */
  readonly basePath: string;
}

/** The endpoint of an address. Throws Fault `usage`, which does not repeat what is no address: it may be a secret. */
export function parseEndpoint({ value, origin }: Setting): Endpoint {
  if (value.startsWith('unix://')) return socketEndpoint(value.slice('unix://'.length), origin);
  let url: URL;
  try {
    url = new URL(value);
  } catch {
    throw noAddress(origin);
  }
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') throw noAddress(origin);
  if (url.username !== '' || url.password !== '')
    throw new Fault('usage', `the address in ${origin} holds a user name or a password`, {
      hint: 'A server is told who you are by a token: secretctl login',
    });
  if (url.search !== '' || url.hash !== '') throw noAddress(origin);
  const secure = url.protocol === 'https:';
  const basePath = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
  return {
    address: `${url.protocol}//${url.host}${basePath}`,
    secure,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    socketPath: null,
    basePath,
  };
}

/** The endpoint of a unix socket. Throws Fault `usage` where its path is not absolute. */
function socketEndpoint(path: string, origin: string): Endpoint {
  if (!path.startsWith('/') || path.includes('\0')) throw noAddress(origin);
  return { address: `unix://${path}`, secure: false, host: 'localhost', port: 80, socketPath: path, basePath: '' };
}

function noAddress(origin: string): Fault {
  return new Fault('usage', `${origin} is no address of a server`, {
    hint: 'An address is https://HOST:PORT, http://HOST:PORT, or unix:///PATH of a socket.',
  });
}
