import type { MongoClientOptions } from 'mongodb';
import { readFields, type Body, type Fields } from '../../../../protocol/field.ts';
import { badRequest } from '../../../../protocol/request-error.ts';
import { checkPem } from '../pem-fields.ts';
import type { ConnectionFields } from '../plugin.ts';
import { parseConnectionString, type ConnectionString } from './connection-string.ts';
import { defaultDatabase } from './statement.ts';
import { defaultWriteConcern, parseWriteConcern, type WriteConcern } from './write-concern.ts';

export const mongodbFields = {
  write_concern: {
    type: 'string',
    description: 'When a change counts as done: JSON, also in base64, with w or wmode, wtimeout, j. `majority` unless told.',
    default: '',
  },
  tls_ca: {
    type: 'string',
    description: 'Certificates (PEM) of the authorities that may have signed that of the server.',
    default: '',
  },
  tls_certificate_key: {
    type: 'string',
    description: 'Our certificate and its key (PEM). Without a password, it is also who we are.',
    default: '',
  },
  tls_server_name: {
    type: 'string',
    description: 'The name that the certificate of the server must have.',
    default: '',
  },
  tls_skip_verify: { type: 'bool', description: 'Encrypt without a look at the certificate of the server.', default: false },
  connect_timeout: {
    type: 'duration',
    description: 'How long a connection may take to come about; 10s unless told.',
    default: 0,
  },
  socket_timeout: { type: 'duration', description: 'How long the answer to a command may take; 30s unless told.', default: 0 },
  server_selection_timeout: {
    type: 'duration',
    description: 'How long the server that takes changes is looked for; 5s unless told.',
    default: 0,
  },
} as const satisfies Fields;

const mechanisms = ['DEFAULT', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'MONGODB-X509'];
/** Nothing waits longer than this, whatever the fields say, in milliseconds. */
const longestWait = 60_000;

/** All that a session needs to know of how MongoDB is reached. */
export interface MongodbSettings {
  /** Without who logs in: that is in the options. */
  readonly url: string;
  readonly options: MongoClientOptions;
  readonly writeConcern: WriteConcern;
  /** How long the answer to a command may take, in milliseconds. */
  readonly answerWithin: number;
  /** The user of the connection; '': none. */
  readonly username: string;
  readonly password: string;
  /** Where that user is. */
  readonly authSource: string;
  /** Where users are who were not made here. */
  readonly database: string;
}

/** Throws RequestError 400 for what no client can connect with. */
export function checkSettings(connection: ConnectionFields): void {
  mongodbSettings(connection);
  const { tls_ca: ca, tls_certificate_key: both } = readFields(mongodbFields, connection.details);
  const { certificate, key } = splitPem(both);
  if (both !== '' && (certificate === '' || key === '')) {
    throw badRequest('tls_certificate_key holds a certificate and its key, both in PEM: one of them is missing');
  }
  checkPem({ ca, certificate, key }, { ca: 'tls_ca', certificate: 'tls_certificate_key', key: 'the key in tls_certificate_key' });
}

/** See DatabasePlugin.address. */
export function addressText({ url, username, password }: ConnectionFields): string {
  return parseConnectionString(url, username, password).hosts;
}

/** See DatabasePlugin.destination: behind one address the name in TLS may choose the server. Throws RequestError 400. */
export function destinationOf({ url, username, password, details }: ConnectionFields): string {
  const { srv, hosts, database, options } = parseConnectionString(url, username, password);
  const { tls_server_name: name } = readFields(mongodbFields, details);
  const servers = hosts.split(',').map((each) => (each.startsWith('%2F') ? each : each.toLowerCase().replace(/:27017$/, '')));
  const option = (of: string): string => String(options.get(of) ?? '');
  return JSON.stringify([
    srv,
    servers.sort(),
    database || defaultDatabase,
    option('replicaSet'),
    option('srvServiceName'),
    name.toLowerCase(),
  ]);
}

/** Throws RequestError 400. */
export function mongodbSettings(connection: ConnectionFields): MongodbSettings {
  const string = parseConnectionString(connection.url, connection.username, connection.password);
  const fields = readFields(mongodbFields, connection.details);
  const username = string.username || connection.username;
  const password = string.password || connection.password;
  const byCertificate = mechanismOf(string, fields.tls_certificate_key !== '' && password === '');
  if (byCertificate && fields.tls_certificate_key === '')
    throw badRequest('to log in by a certificate, tls_certificate_key is needed');
  const authSource = (string.options.get('authSource') as string | undefined) ?? (string.database || defaultDatabase);
  const options = optionsOf(string, connection);
  return {
    url: `mongodb${string.srv ? '+srv' : ''}://${string.hosts}/`,
    options: {
      ...options,
      ...tlsOptions(string, fields),
      ...(byCertificate ? x509(username) : scram(string, username, password, authSource)),
    },
    writeConcern: fields.write_concern === '' ? writeConcernOf(string) : parseWriteConcern(fields.write_concern),
    answerWithin: options.socketTimeoutMS,
    username,
    password: byCertificate ? '' : password,
    authSource: byCertificate ? '$external' : authSource,
    database: string.database || defaultDatabase,
  };
}

function mechanismOf({ options }: ConnectionString, certificateAlone: boolean): boolean {
  const mechanism = options.get('authMechanism') as string | undefined;
  if (mechanism === undefined) return certificateAlone;
  if (!mechanisms.includes(mechanism)) {
    throw badRequest(`authMechanism is ${mechanism}, where one of ${mechanisms.join(', ')} is wanted`);
  }
  return mechanism === 'MONGODB-X509';
}

const x509 = (username: string): MongoClientOptions => ({
  authMechanism: 'MONGODB-X509',
  ...(username === '' ? {} : { auth: { username } }),
});

function scram({ options }: ConnectionString, username: string, password: string, authSource: string): MongoClientOptions {
  if (username === '') return {};
  const mechanism = options.get('authMechanism');
  return {
    auth: { username, password },
    authSource,
    ...(mechanism === undefined ? {} : { authMechanism: mechanism as 'SCRAM-SHA-256' }),
  };
}

/** Those options of the URL that the driver is told, and what no URL decides. */
function optionsOf(
  { options }: ConnectionString,
  connection: ConnectionFields,
): MongoClientOptions & { readonly socketTimeoutMS: number } {
  const passed = [
    'replicaSet',
    'directConnection',
    'loadBalanced',
    'srvServiceName',
    'srvMaxHosts',
    'heartbeatFrequencyMS',
    'localThresholdMS',
  ];
  const fields = readFields(mongodbFields, connection.details);
  const wait = (field: number, option: string, usual: number): number => {
    if (field < 0) throw badRequest('a timeout cannot be negative');
    return Math.min(field * 1000 || Number(options.get(option) ?? 0) || usual, longestWait);
  };
  const connectTimeoutMS = wait(fields.connect_timeout, 'connectTimeoutMS', 10_000);
  return {
    ...Object.fromEntries([...options].filter(([name]) => passed.includes(name))),
    appName: 'secretctl',
    connectTimeoutMS,
    socketTimeoutMS: wait(fields.socket_timeout, 'socketTimeoutMS', 30_000),
    serverSelectionTimeoutMS: wait(fields.server_selection_timeout, 'serverSelectionTimeoutMS', 5000),
    waitQueueTimeoutMS: connectTimeoutMS,
    maxPoolSize: connection.maxOpen,
    minPoolSize: 0,
    maxIdleTimeMS: idleTime(connection),
    retryReads: false,
    retryWrites: false,
  };
}

/** The driver ends a connection only where nobody uses it. */
function idleTime({ maxIdle, maxLifetime }: ConnectionFields): number {
  if (maxIdle === 0) return 1;
  return maxLifetime > 0 ? Math.min(60_000, maxLifetime * 1000) : 60_000;
}

function tlsOptions(string: ConnectionString, fields: Body<typeof mongodbFields>): MongoClientOptions {
  const { tls_ca: ca, tls_certificate_key: both, tls_server_name: servername, tls_skip_verify: skip } = fields;
  const said = string.options.get('tls') ?? string.options.get('ssl');
  const wanted = ca !== '' || both !== '' || servername !== '' || skip;
  if (said === false && wanted) throw badRequest('connection_url turns TLS off, which the tls_… fields ask for');
  if (said === false || (said === undefined && !wanted && !string.srv)) return { tls: false };
  const { certificate, key } = splitPem(both);
  const is = (name: string): boolean => string.options.get(name) === true;
  const anyName = is('tlsAllowInvalidHostnames') || is('tlsInsecure');
  return {
    tls: true,
    rejectUnauthorized: !(skip || is('tlsAllowInvalidCertificates') || is('tlsInsecure')),
    ...(anyName ? { checkServerIdentity: () => undefined } : {}),
    ...(ca === '' ? {} : { ca }),
    ...(certificate === '' ? {} : { cert: certificate, key }),
    ...(servername === '' ? {} : { servername }),
  };
}

function writeConcernOf({ options }: ConnectionString): WriteConcern {
  const w = options.get('w') as string | undefined;
  const journal = options.get('journal') as boolean | undefined;
  const wtimeout = Number(options.get('wtimeoutMS') ?? 0) || defaultWriteConcern.wtimeout;
  return {
    w: w === undefined ? defaultWriteConcern.w : /^\d+$/.test(w) ? Math.max(1, Number(w)) : w,
    wtimeout: Math.min(wtimeout, defaultWriteConcern.wtimeout),
    ...(journal === undefined ? {} : { j: journal }),
  };
}

/** The certificates and the key that stand in one text. */
function splitPem(both: string): { readonly certificate: string; readonly key: string } {
  const blocks = both.match(/-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g) ?? [];
  const isKey = (block: string): boolean =>
    block.startsWith('-----BEGIN') && /^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(block);
  return { certificate: blocks.filter((block) => !isKey(block)).join('\n'), key: blocks.filter(isKey).join('\n') };
}
