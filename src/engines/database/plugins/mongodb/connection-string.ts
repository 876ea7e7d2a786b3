import { badRequest } from '../../../../protocol/request-error.ts';
import { filledText } from '../connection-url.ts';

/** A connection string of MongoDB in its parts, decoded. */
export interface ConnectionString {
  readonly srv: boolean;
  /** As written: `host:port,host:port`. */
  readonly hosts: string;
  /** '': none. */
  readonly username: string;
  readonly password: string;
  /** '': none. */
  readonly database: string;
  /** By the name in `connectionOptions`. */
  readonly options: ReadonlyMap<string, string | number | boolean>;
}

type OptionType = 'text' | 'number' | 'switch';

/**
 * The options that are taken. Others are refused: some have the driver read files of this machine, send commands by way
 * of other machines, or log in as the machine itself.
 */
const connectionOptions = {
  replicaSet: 'text',
  directConnection: 'switch',
  loadBalanced: 'switch',
  srvServiceName: 'text',
  srvMaxHosts: 'number',
  tls: 'switch',
  ssl: 'switch',
  tlsInsecure: 'switch',
  tlsAllowInvalidCertificates: 'switch',
  tlsAllowInvalidHostnames: 'switch',
  authSource: 'text',
  authMechanism: 'text',
  w: 'text',
  wtimeoutMS: 'number',
  journal: 'switch',
  connectTimeoutMS: 'number',
  socketTimeoutMS: 'number',
  serverSelectionTimeoutMS: 'number',
  heartbeatFrequencyMS: 'number',
  localThresholdMS: 'number',
  // Of those that follow, nothing of what is done here depends.
  appName: 'text',
  readPreference: 'text',
  readConcernLevel: 'text',
  retryReads: 'switch',
  retryWrites: 'switch',
  maxPoolSize: 'number',
  minPoolSize: 'number',
  maxIdleTimeMS: 'number',
  waitQueueTimeoutMS: 'number',
  uuidRepresentation: 'text',
} as const satisfies Readonly<Record<string, OptionType>>;

const form = /^mongodb(\+srv)?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^?#/]*))?(?:\?([^#]*))?$/;
const host = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+|%2F[A-Za-z0-9._%-]+)(?::\d{1,5})?$/;

/**
 * Reads a `connection_url` with its placeholders filled in. Throws RequestError 400, which quotes no part of it that may
 * be secret.
 */
export function parseConnectionString(url: string, username: string, password: string): ConnectionString {
  const match = form.exec(filledText(url, username, password));
  const [, srv, user = '', hosts = '', database = '', query = ''] = match ?? [];
  if (match === null || !hosts.split(',').every((each) => host.test(each))) {
    throw badRequest(
      'connection_url is not one of MongoDB, such as mongodb://{{username}}:{{password}}@db.example.com:27017/admin',
    );
  }
  const colon = user.indexOf(':');
  return {
    srv: srv !== undefined,
    hosts,
    username: decoded(colon === -1 ? user : user.slice(0, colon)),
    password: colon === -1 ? '' : decoded(user.slice(colon + 1)),
    database: decoded(database),
    options: optionsIn(query),
  };
}

function optionsIn(query: string): ConnectionString['options'] {
  const found = new Map<string, string | number | boolean>();
  for (const part of query.split('&').filter((each) => each !== '')) {
    const [written = '', ...rest] = part.split('=');
    const known = Object.entries(connectionOptions).find(([name]) => name.toLowerCase() === decoded(written).toLowerCase());
    if (known === undefined) {
      // What is no name may be a piece of a password that has a "?".
      const name = /^\w{1,40}$/.test(written)
        ? `the option "${written}", which is not offered`
        : 'something behind "?" that is no option';
      throw badRequest(`connection_url has ${name}`);
    }
    const [name, type] = known;
    if (found.has(name)) throw badRequest(`connection_url has the option "${name}" twice`);
    found.set(name, valueOf(name, type, decoded(rest.join('='))));
  }
  return found;
}

function valueOf(name: string, type: OptionType, text: string): string | number | boolean {
  if (text === '') throw badRequest(`connection_url has the option "${name}" without a value`);
  if (type === 'text') return text;
  if (type === 'number') {
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw badRequest(`connection_url has the option "${name}", which takes a whole number`);
  }
  if (text === 'true' || text === 'false') return text === 'true';
  throw badRequest(`connection_url has the option "${name}", which takes true or false`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badRequest('connection_url has a "%" that encodes nothing: write it as "%25"');
  }
}
