import { connect, isIP, type Socket } from 'node:net';
import type { ConnectionOptions, SslOptions } from 'mysql2';
import { readFields, type Fields } from '../../../../protocol/field.ts';
import { badRequest } from '../../../../protocol/request-error.ts';
import { checkPem } from '../pem-fields.ts';
import type { ConnectionFields } from '../plugin.ts';
import { addressOf, type Address } from './address.ts';

export const mysqlFields = {
  tls_ca: {
    type: 'string',
    description: 'Certificates (PEM) of the authorities that may have signed that of the server.',
    default: '',
  },
  tls_certificate_key: {
    type: 'string',
    description: 'Our certificate and its key (PEM), one after the other, for servers that want one.',
    default: '',
  },
  tls_server_name: { type: 'string', description: 'The name that the certificate of the server must have.', default: '' },
  tls_skip_verify: { type: 'bool', description: 'Encrypt without a look at the certificate of the server.', default: false },
} as const satisfies Fields;

/** How long a connection may take to come about, in milliseconds. */
const connectWithin = 10_000;

/** How one client connects. */
export interface ClientSettings {
  readonly options: ConnectionOptions;
  socket(): Socket;
}

/** Throws RequestError 400 for what no client can connect with. */
export function checkSettings(connection: ConnectionFields): void {
  clientSettings(connection);
}

/** See DatabasePlugin.destination: behind one address the name in TLS may choose the server. Throws RequestError 400. */
export function destinationOf({ url, username, password, details }: ConnectionFields): string {
  const { socket, host, port, database } = addressOf(url, username, password);
  const { tls_server_name: name } = readFields(mysqlFields, details);
  return JSON.stringify(socket === null ? [host.toLowerCase(), port, database, name.toLowerCase()] : [socket, database]);
}

/** See DatabasePlugin.address. */
export function addressText({ url, username, password }: ConnectionFields): string {
  const { socket, host, port } = addressOf(url, username, password);
  return socket ?? `${host}:${port}`;
}

/** Throws RequestError 400. */
export function clientSettings({ url, username, password, details }: ConnectionFields): ClientSettings {
  const address = addressOf(url, username, password);
  const { socket, host, port, user, database } = address;
  const fields = readFields(mysqlFields, details);
  const ssl = socket === null ? tlsSettings(address, fields) : null;
  const name = fields.tls_server_name || host;
  return {
    options: {
      // Only for TLS, which knows no IP addresses as names of servers: with a dot at its end it is compared as one.
      host: isIP(name) ? `${name}.` : name,
      user,
      password: address.password,
      ...(database === '' ? {} : { database }),
      ...(ssl === null ? {} : { ssl }),
      connectTimeout: connectWithin,
      flags: ['-LOCAL_FILES'],
      charset: 'utf8mb4',
      supportBigNumbers: true,
      bigNumberStrings: true,
    },
    socket: () => (socket === null ? connect({ host, port, noDelay: true, keepAlive: true }) : connect(socket)),
  };
}

interface TlsFields {
  readonly tls_ca: string;
  readonly tls_certificate_key: string;
  readonly tls_server_name: string;
  readonly tls_skip_verify: boolean;
}

/** Null: without TLS. A field that is of TLS asks for it, whatever the URL says. */
function tlsSettings({ tls }: Address, fields: TlsFields): SslOptions | null {
  const { tls_ca: ca, tls_certificate_key: pair, tls_server_name: name, tls_skip_verify: unverified } = fields;
  const { certificate, key } = certificateAndKey(pair);
  checkPem(
    { ca, certificate, key },
    { ca: 'tls_ca', certificate: 'the certificate in tls_certificate_key', key: 'the key in tls_certificate_key' },
  );
  if (ca === '' && pair === '' && name === '' && !unverified && tls?.encrypted !== true) return null;
  const verified = !unverified && (tls?.encrypted !== true || tls.verified);
  return {
    ...(ca === '' ? {} : { ca }),
    ...(pair === '' ? {} : { cert: certificate, key }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: verified,
    verifyIdentity: verified && (tls?.encrypted !== true || tls.named),
  };
}

function certificateAndKey(pem: string): { readonly certificate: string; readonly key: string } {
  const blocks = pem.match(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g) ?? [];
  const isKey = (block: string): boolean => /^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(block);
  const certificate = blocks.filter((block) => !isKey(block)).join('\n');
  const key = blocks.find(isKey) ?? '';
  if (pem !== '' && (certificate === '' || key === '')) {
    throw badRequest('tls_certificate_key needs a certificate and its key (PEM), one after the other');
  }
  return { certificate, key };
}
