import type { Barrier } from '../barrier/barrier.ts';
import type { View } from '../barrier/view.ts';
import { type Fields, readFields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';
import type { CrossOrigin, Service } from '../protocol/request-line.ts';
import type { TransactionalStore } from '../storage/transaction.ts';
import { configured } from './configured.ts';
import { runOf } from './corridor.ts';
import type { Route, RouteContext } from './mount-type.ts';

/** Whose pages may call the server, as set. The record `config/cors` of the core's view; there is none where no page may. */
interface CorsConfig {
  /** As browsers write them, or `*` alone: any. */
  readonly origins: readonly string[];
  /** Names of request headers beside the standard ones. */
  readonly headers: readonly string[];
  readonly credentials: boolean;
}

const recordPath = 'config/cors';
const maxOrigins = 1000;
const maxHeaders = 100;
const longest = 512;
/** A field name (RFC 9110 section 5.1). */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;

/** What every client of the API may send, so that whoever sets an origin need not know. */
const standardHeaders = [
  'Content-Type',
  'Authorization',
  'X-Vault-Token',
  'X-Vault-MFA',
  'X-Vault-No-Request-Forwarding',
  'X-Vault-Wrap-Format',
  'X-Vault-Wrap-TTL',
  'X-Requested-With',
  'X-Vault-AWS-IAM-Server-ID',
  'X-Vault-Policy-Override',
];

const fields = {
  enable: { type: 'bool', description: 'Accepted for compatibility: a write switches it on, a delete off.' },
  allowed_origins: {
    type: 'strings',
    description: 'The origins whose pages may call this server, written as browsers do: https://app.example.com; or "*" alone.',
    default: [],
  },
  allowed_headers: {
    type: 'strings',
    description: 'Names of request headers that they may send beside the standard ones.',
    default: [],
  },
  allow_credentials: { type: 'bool', description: 'Whether browsers may send cookies and certificates along.', default: false },
} as const satisfies Fields;

/** `sys/config/cors`: which pages of other sites may call the server. */
export const corsRoute: Route = {
  path: 'config/cors',
  summary: 'Which pages of other sites browsers let call this server: none unless set.',
  operations: {
    read: { summary: 'Reads it.', sudo: true, handle: read },
    write: { summary: 'Replaces it as a whole, and switches it on.', sudo: true, fields, configures: true, handle: write },
    delete: { summary: 'Switches it off.', sudo: true, configures: true, handle: remove },
  },
};

async function read(context: RouteContext): Promise<Reply> {
  const config = await readConfig(runOf(context).core);
  if (config === null) return { data: { enabled: false } };
  return {
    data: {
      allow_credentials: config.credentials,
      allowed_headers: allowedHeaders(config),
      allowed_origins: config.origins,
      enabled: true,
    },
  };
}

async function write(context: RouteContext): Promise<Reply> {
  const body = readFields(fields, context.data);
  const origins = body.allowed_origins;
  const headers = body.allowed_headers;
  if (origins.length === 0) throw badRequest('at least one origin or the wildcard must be provided');
  if (origins.includes('*') && origins.length > 1) {
    throw badRequest("to allow all origins the '*' must be the only value for allowed_origins");
  }
  if (origins.length > maxOrigins) throw badRequest(`more than ${maxOrigins} origins`);
  if (origins.some((origin) => origin === '' || origin.length > longest)) {
    throw badRequest(`an origin has 1 to ${longest} characters`);
  }
  if (headers.length > maxHeaders) throw badRequest(`more than ${maxHeaders} headers`);
  const wrong = headers.find((name) => !headerName.test(name));
  if (wrong !== undefined) throw badRequest(`${JSON.stringify(wrong)} can't be the name of a header`);
  const config: CorsConfig = { origins, headers, credentials: body.allow_credentials };
  await runOf(context).core.putJson(recordPath, config);
  return noContent;
}

async function remove(context: RouteContext): Promise<Reply> {
  await runOf(context).core.delete(recordPath);
  return noContent;
}

function readConfig(core: View): Promise<CorsConfig | null> {
  return core.getJson<CorsConfig>(recordPath);
}

const allowedHeaders = ({ headers }: CorsConfig): readonly string[] => [...standardHeaders, ...headers];

/** See Service.crossOrigin: what the configuration of a store says. */
export function createCrossOrigin(parts: {
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
}): Service['crossOrigin'] {
  const allowed = configured(parts, async (_tx, core) => allowedBy(await readConfig(core)));
  return async (origin) => {
    const now = await allowed();
    if (now === null) return null;
    if (!now.origins.has('*') && !now.origins.has(origin)) throw new RequestError(403, 'origin not allowed');
    return now.terms;
  };
}

/** Null: no page of another site may call. */
function allowedBy(config: CorsConfig | null): { readonly origins: ReadonlySet<string>; readonly terms: CrossOrigin } | null {
  if (config === null) return null;
  return { origins: new Set(config.origins), terms: { headers: allowedHeaders(config), credentials: config.credentials } };
}
