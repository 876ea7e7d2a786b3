import { badRequest } from '../../../../protocol/request-error.ts';
import { filledUrl } from '../connection-url.ts';

/** Where a server is, and what its connection_url says besides. */
export interface Address {
  /** Null: at `host` and `port`. */
  readonly socket: string | null;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Null: the URL does not say. `named`: the certificate must be of this server. */
  readonly tls: { readonly encrypted: boolean; readonly verified: boolean; readonly named: boolean } | null;
}

const examples = '{{username}}:{{password}}@tcp(db.example.com:3306)/ or mysql://{{username}}:{{password}}@db.example.com/';

/**
 * Reads a connection_url: a `mysql://` URL, or a DSN of the Go driver (https://github.com/go-sql-driver/mysql#dsn-data-source-name),
 * which is what Vault's clients send. Throws RequestError 400, which quotes nothing of it.
 */
export function addressOf(url: string, username: string, password: string): Address {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return addressOfDsn(url, username, password);
  if (scheme === 'mysql' || scheme === 'mariadb') return addressOfUrl(filledUrl(url, username, password), username, password);
  throw badRequest(`connection_url begins with ${scheme}://, where one as ${examples} is wanted`);
}

function addressOfUrl(url: URL, username: string, password: string): Address {
  return {
    socket: url.searchParams.get('socket'),
    host: decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '') || 'localhost',
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username) || username,
    password: decodeURIComponent(url.password) || password,
    database: decodeURIComponent(url.pathname.slice(1)),
    tls: tlsOf(url.searchParams),
  };
}

/** The password is whatever stands between the first `:` and the last `@` that can end it: nothing of it is encoded. */
function addressOfDsn(dsn: string, username: string, password: string): Address {
  const match = /^(?:(.*)@)?([a-z0-9]*)(?:\(([^()]*)\))?\/([^/?]*)(?:\?(.*))?$/s.exec(dsn);
  if (match === null) throw badRequest(`connection_url is no address of a MySQL server, such as ${examples}`);
  const [, who = '', protocol = '', address = '', database = '', parameters = ''] = match;
  const fill = (text: string): string =>
    text.replace(/\{\{\s*(username|password)\s*\}\}|\{\{/g, (found, name?: string) => {
      if (name === undefined) throw badRequest('connection_url has a placeholder that is none of {{username}} and {{password}}');
      return name === 'username' ? username : password;
    });
  if ((address + database + parameters).includes('{{'))
    throw badRequest('connection_url has a placeholder at a place that has none');
  const colon = who.indexOf(':');
  const user = fill(colon === -1 ? who : who.slice(0, colon));
  return {
    ...placeOf(protocol, address),
    user: user || username,
    password: colon === -1 ? password : fill(who.slice(colon + 1)),
    database: decoded(database),
    tls: tlsOf(new URLSearchParams(parameters)),
  };
}

function placeOf(protocol: string, address: string): Pick<Address, 'socket' | 'host' | 'port'> {
  if (protocol === 'unix') return { socket: address || '/tmp/mysql.sock', host: 'localhost', port: 3306 };
  if (protocol !== 'tcp' && protocol !== '')
    throw badRequest(`connection_url has the protocol ${protocol}, where tcp or unix is wanted`);
  const match = /^(?:\[([^\]]*)\]|([^:,]*))(?::(\d{1,5}))?$/.exec(address);
  if (match === null) throw badRequest('connection_url is wanted with one host, and perhaps a port: tcp(db.example.com:3306)');
  const [, six, host, port] = match;
  return { socket: null, host: six ?? (host || '127.0.0.1'), port: Number(port ?? 3306) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badRequest('connection_url has a database name that is not percent-encoded');
  }
}

const off = { encrypted: false, verified: false, named: false };
const full = { encrypted: true, verified: true, named: true };
const unverified = { encrypted: true, verified: false, named: false };

/** `tls` as the Go driver has it, `ssl-mode` as MySQL's own clients have it. */
const tlsModes: Readonly<Record<string, Readonly<Record<string, NonNullable<Address['tls']>>>>> = {
  tls: { true: full, false: off, 'skip-verify': unverified },
  'ssl-mode': {
    DISABLED: off,
    REQUIRED: unverified,
    VERIFY_CA: { encrypted: true, verified: true, named: false },
    VERIFY_IDENTITY: full,
  },
};
/** What a driver in Go is told with these does not matter here. */
const withoutMeaning = new Set(
  (
    'allowNativePasswords charset checkConnLiveness clientFoundRows collation columnsWithAlias connectionAttributes ' +
    'interpolateParams loc maxAllowedPacket multiStatements parseTime readTimeout rejectReadOnly timeout writeTimeout socket'
  ).split(' '),
);

function tlsOf(parameters: URLSearchParams): Address['tls'] {
  let tls: Address['tls'] = null;
  for (const [name, value] of parameters) {
    const modes = Object.hasOwn(tlsModes, name) ? tlsModes[name] : undefined;
    if (modes === undefined) {
      if (withoutMeaning.has(name)) continue;
      throw badRequest(`connection_url has the parameter ${name}, which is not offered`);
    }
    const mode = Object.hasOwn(modes, value) ? modes[value] : undefined;
    if (mode === undefined) {
      throw badRequest(`${name} of connection_url is ${value}, where one of ${Object.keys(modes).join(', ')} is wanted`);
    }
    tls = mode;
  }
  return tls;
}
