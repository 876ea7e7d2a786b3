import { parseDuration } from '../base/duration.ts';
import { Fault } from '../base/error.ts';
import { type Endpoint, parseEndpoint } from './endpoint.ts';
import { type Proxy, proxyFor } from './proxy.ts';
import { type TlsSettings, tlsSettings } from './tls.ts';
import { type Environment, type Setting, variable } from './variable.ts';

/** What a command line says of the connection; each counts more than its variable. */
export interface ConnectionFlags {
  readonly caCert?: string;
  readonly caPath?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly tlsServerName?: string;
  readonly tlsSkipVerify?: boolean;
  readonly namespace?: string;
}

/** How to talk to one server. It holds no token, but the key of a client certificate. */
export interface ClientSettings {
  readonly endpoint: Endpoint;
  readonly tls: TlsSettings;
  readonly proxy: Proxy | null;
  /** For a whole request, answer included. Milliseconds. */
  readonly timeout: number;
  /** True: somebody chose the timeout, so it holds for long requests too. */
  readonly timeoutChosen: boolean;
  readonly maxRetries: number;
  /** Requests per second, and how many at once after a pause; null: any number. */
  readonly rateLimit: { readonly rate: number; readonly burst: number } | null;
}

const defaultTimeout = 60_000;
const defaultRetries = 2;

/**
 * The settings for the server at `address`. `cwd`: what file names are relative to. Throws Fault `usage`, `file` or `tls`
 * that names the variable or option which is wrong.
 */
export function clientSettings(env: Environment, address: Setting, flags: ConnectionFlags, cwd: string): ClientSettings {
  refuseNamespace(env, flags.namespace);
  const endpoint = parseEndpoint(address);
  const timeout = variable(env, 'CLIENT_TIMEOUT');
  return {
    endpoint,
    tls: endpoint.secure ? tlsSettings(tlsSources(env, flags), cwd) : plain,
    proxy: proxyFor(env, endpoint),
    timeout: timeout === null ? defaultTimeout : milliseconds(timeout),
    timeoutChosen: timeout !== null,
    maxRetries: wholeNumber(variable(env, 'MAX_RETRIES'), defaultRetries, 100),
    rateLimit: rateLimit(variable(env, 'RATE_LIMIT')),
  };
}

const plain: TlsSettings = { ca: null, cert: null, key: null, serverName: null, verify: true };

function tlsSources(env: Environment, flags: ConnectionFlags) {
  const source = (flag: string | undefined, option: string, name: string): Setting | null =>
    flag === undefined ? variable(env, name) : { value: flag, origin: `-${option}` };
  const flagged = flags.caCert !== undefined || flags.caPath !== undefined;
  return {
    // An authority on the command line stands for itself, whatever the environment says of others.
    caFile: flagged && flags.caCert === undefined ? null : source(flags.caCert, 'ca-cert', 'CACERT'),
    caText: flagged ? null : variable(env, 'CACERT_BYTES'),
    caFolder: source(flags.caPath, 'ca-path', 'CAPATH'),
    certFile: source(flags.clientCert, 'client-cert', 'CLIENT_CERT'),
    keyFile: source(flags.clientKey, 'client-key', 'CLIENT_KEY'),
    serverName: source(flags.tlsServerName, 'tls-server-name', 'TLS_SERVER_NAME'),
    skipVerify: flags.tlsSkipVerify ?? boolean(variable(env, 'SKIP_VERIFY')),
  };
}

/** There are no namespaces: whoever asks for one would work in another place than they think. */
function refuseNamespace(env: Environment, flag: string | undefined): void {
  const named = flag === undefined ? variable(env, 'NAMESPACE') : { value: flag, origin: '-namespace' };
  if (named === null || /^\/?(root\/?)?$/.test(named.value)) return;
  throw new Fault('usage', `${named.origin} names a namespace, and there are none`, { hint: `Leave ${named.origin} empty.` });
}

function milliseconds({ value, origin }: Setting): number {
  const seconds = parseDuration(value);
  if (seconds === null || seconds <= 0)
    throw new Fault('usage', `${origin} is no duration`, { hint: 'It is a number of seconds, or such as 90s or 5m.' });
  return Math.min(seconds * 1000, 2 ** 31 - 1);
}

function wholeNumber(setting: Setting | null, otherwise: number, most: number): number {
  if (setting === null) return otherwise;
  if (!/^\d{1,9}$/.test(setting.value)) throw new Fault('usage', `${setting.origin} is no whole number`);
  return Math.min(Number(setting.value), most);
}

function rateLimit(setting: Setting | null): ClientSettings['rateLimit'] {
  if (setting === null) return null;
  const [, rate, burst] = /^(\d+(?:\.\d+)?)(?::(\d+))?$/.exec(setting.value) ?? [];
  if (rate === undefined || Number(rate) === 0)
    throw new Fault('usage', `${setting.origin} is no rate`, { hint: 'It is RATE or RATE:BURST, in requests per second.' });
  return { rate: Number(rate), burst: Math.max(1, Number(burst ?? Math.floor(Number(rate)))) };
}

function boolean(setting: Setting | null): boolean {
  if (setting === null) return false;
  if (/^(1|t|true)$/i.test(setting.value)) return true;
  if (/^(0|f|false)$/i.test(setting.value)) return false;
  throw new Fault('usage', `${setting.origin} is neither true nor false`);
}
