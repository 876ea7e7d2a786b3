import { Fault } from '../base/error.ts';
import type { Endpoint } from './endpoint.ts';
import { type Environment, type Setting, variable } from './variable.ts';

/** An HTTP proxy on the way to a server. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** The value of `Proxy-Authorization`, or null. */
  readonly authorization: string | null;
}

/**
 * The proxy that stands before an endpoint, or null. `VAULT_PROXY_ADDR` and `VAULT_HTTP_PROXY` count for every server;
 * `HTTPS_PROXY` and `HTTP_PROXY` for those that `NO_PROXY` does not name, and never for this machine. Throws Fault `usage`.
 */
export function proxyFor(env: Environment, endpoint: Endpoint): Proxy | null {
  if (endpoint.socketPath !== null) return null;
  const own = variable(env, 'PROXY_ADDR') ?? variable(env, 'HTTP_PROXY');
  if (own !== null) return parseProxy(own);
  const name = endpoint.secure ? 'https_proxy' : 'http_proxy';
  const general = plainVariable(env, name.toUpperCase()) ?? plainVariable(env, name);
  if (general === null || isExcepted(env, endpoint)) return null;
  return parseProxy(general);
}

function plainVariable(env: Environment, name: string): Setting | null {
  const value = env[name]?.trim() ?? '';
  return value === '' ? null : { value, origin: name };
}

function isExcepted(env: Environment, { host, port }: Endpoint): boolean {
  if (host === 'localhost' || host === '::1' || /^127\./.test(host)) return true;
  return (env.NO_PROXY ?? env.no_proxy ?? '').split(',').some((item) => {
    const [, name = '', only] = /^(.*?)(?::(\d+))?$/.exec(item.trim().toLowerCase()) ?? [];
    if (name === '') return false;
    if (name === '*') return true;
    if (only !== undefined && Number(only) !== port) return false;
    const suffix = name.replace(/^\*?\./, '');
    return host.toLowerCase() === suffix || host.toLowerCase().endsWith(`.${suffix}`);
  });
}

function parseProxy({ value, origin }: Setting): Proxy {
  let url: URL;
  try {
    url = new URL(value.includes('://') ? value : `http://${value}`);
  } catch {
    throw noProxy(origin);
  }
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') throw noProxy(origin);
  const secure = url.protocol === 'https:';
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    secure,
    authorization: url.username === '' ? null : `Basic ${Buffer.from(credentials).toString('base64')}`,
  };
}

function noProxy(origin: string): Fault {
  return new Fault('usage', `${origin} is no address of a proxy`, { hint: 'It is http://HOST:PORT.' });
}
