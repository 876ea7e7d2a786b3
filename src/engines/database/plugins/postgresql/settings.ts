import type { ConnectionOptions } from 'node:tls';
import type { ClientConfig } from 'pg';
import type { Fields } from '../../../../protocol/field.ts';
import { readFields } from '../../../../protocol/field.ts';
import { badRequest } from '../../../../protocol/request-error.ts';
import { filledUrl } from '../connection-url.ts';
import { checkPem } from '../pem-fields.ts';
import type { ConnectionFields } from '../plugin.ts';

export const postgresqlFields = {
  tls_ca: {
    type: 'string',
    description: 'Certificates (PEM) of the authorities that may have signed that of the server.',
    default: '',
  },
  tls_certificate: { type: 'string', description: 'Our certificate (PEM), for servers that want one.', default: '' },
  private_key: { type: 'string', description: 'The key (PEM) of our certificate.', default: '' },
  password_authentication: {
    type: 'string',
    description: '`password`: the server gets passwords as they are; `scram-sha-256`: only their verifiers.',
    default: 'password',
  },
} as const satisfies Fields;

const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];
/** How long a connection may take to come about, in milliseconds. */
const connectWithin = 10_000;
/** And a statement, by the server's own watch: one that hangs does not outlive the request by long. */
const statementWithin = 30_000;

/** Throws RequestError 400 for what no client can connect with. */
export function checkSettings(connection: ConnectionFields): void {
  clientSettings(connection);
  const { tls_ca: ca, tls_certificate: certificate, private_key: key } = readFields(postgresqlFields, connection.details);
  checkPem({ ca, certificate, key }, { ca: 'tls_ca', certificate: 'tls_certificate', key: 'private_key' });
}

/** See DatabasePlugin.destination. Throws RequestError 400. */
export function destinationOf(connection: ConnectionFields): string {
  const { host = '', port, database } = clientSettings(connection);
  return JSON.stringify([host.startsWith('/') ? host : host.toLowerCase(), port, database]);
}

/** See DatabasePlugin.address. */
export function addressText(connection: ConnectionFields): string {
  const { host = '', port } = clientSettings(connection);
  return host.startsWith('/') ? host : `${host}:${port}`;
}

/** A connection_url that is one of PostgreSQL. Throws RequestError 400. */
export function urlOf({ url: text, username, password }: Pick<ConnectionFields, 'url' | 'username' | 'password'>): URL {
  const url = filledUrl(text, username, password);
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw badRequest(`connection_url begins with ${url.protocol}//, where postgresql:// is wanted`);
  }
  const mode = url.searchParams.get('sslmode');
  if (mode !== null && !modes.includes(mode)) throw badRequest(`sslmode is ${mode}, where one of ${modes.join(', ')} is wanted`);
  return url;
}

/** How one client connects. Throws RequestError 400. */
export function clientSettings(connection: ConnectionFields, database?: string): ClientConfig {
  const url = urlOf(connection);
  const socket = url.searchParams.get('host');
  return {
    host: socket ?? (decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '') || 'localhost'),
    port: Number(url.port || url.searchParams.get('port') || 5432),
    user: decodeURIComponent(url.username) || connection.username,
    password: decodeURIComponent(url.password) || connection.password,
    database: database ?? (decodeURIComponent(url.pathname.slice(1)) || 'postgres'),
    ssl: socket?.startsWith('/') === true ? false : tlsSettings(connection, url),
    application_name: 'secretctl',
    connectionTimeoutMillis: connectWithin,
    statement_timeout: statementWithin,
    lock_timeout: statementWithin,
    keepAlive: true,
  };
}

/** As libpq has it: what `require` and less ask for is encryption, and whom it is with where an authority is given. */
function tlsSettings({ details }: ConnectionFields, url: URL): false | ConnectionOptions {
  const { tls_ca: ca, tls_certificate: cert, private_key: key } = readFields(postgresqlFields, details);
  const mode = url.searchParams.get('sslmode') ?? (ca === '' ? 'prefer' : 'verify-full');
  if (mode === 'disable' || mode === 'allow' || (mode === 'prefer' && ca === '' && cert === '')) return false;
  const verifies = mode === 'verify-full' || mode === 'verify-ca' || ca !== '';
  return {
    ...(ca === '' ? {} : { ca }),
    ...(cert === '' ? {} : { cert }),
    ...(key === '' ? {} : { key }),
    rejectUnauthorized: verifies,
    // The name in the certificate is that of the host only where the mode says so.
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
}
