import type { View } from '../barrier/view.ts';
import type { JsonObject } from '../base/json.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';

/** The request headers that audit entries show, by lower-case name. */
export type AuditedHeaders = Readonly<Record<string, AuditedHeader>>;

interface AuditedHeader {
  /** Show the keyed hash in place of the value. */
  readonly hmac: boolean;
}

const recordPath = 'audit/request-headers';
const maxHeaders = 64;
// What opens something is never shown, whatever is configured.
const credentials = new Set(['x-vault-token', 'authorization', 'proxy-authorization', 'cookie']);

/** Does a header carry what opens something? Lower-case name. */
export function carriesCredential(name: string): boolean {
  return credentials.has(name);
}

export async function readAuditedHeaders(view: View): Promise<AuditedHeaders> {
  return (await view.getJson<AuditedHeaders>(recordPath)) ?? {};
}

const headerFields = {
  hmac: { type: 'bool', description: "Show the header's keyed hash in place of its value", default: false },
} as const satisfies Fields;

/**
 * `sys/config/auditing/request-headers`: which request headers the audit log shows. Names of headers have no case
 * (RFC 9110), so these are the one kind of name that is folded. The log follows (`AuditLog.follow`) after the commit.
 */
export const requestHeaderRoutes: readonly Route[] = [
  {
    path: 'config/auditing/request-headers',
    summary: 'The request headers that the audit log shows',
    operations: { read: { summary: 'Lists the headers', sudo: true, handle: list } },
  },
  {
    path: 'config/auditing/request-headers/:header',
    summary: 'One request header that the audit log shows',
    operations: {
      read: { summary: 'Reads how a header is shown', sudo: true, handle: read },
      write: { summary: 'Shows a header', fields: headerFields, sudo: true, configures: true, handle: show },
      delete: { summary: 'Shows a header no longer', sudo: true, configures: true, handle: hide },
    },
  },
];

async function list({ storage }: RouteContext): Promise<Reply> {
  return { data: { headers: (await readAuditedHeaders(storage)) as unknown as JsonObject } };
}

async function read({ storage, params }: RouteContext): Promise<Reply> {
  const asked = params['header'] ?? '';
  const headers = await readAuditedHeaders(storage);
  const name = asked.toLowerCase();
  const found = Object.hasOwn(headers, name) ? headers[name] : undefined;
  if (found === undefined) throw badRequest('Could not find header in config');
  return { data: { [asked]: { hmac: found.hmac } } };
}

async function show({ storage, params, data }: RouteContext): Promise<Reply> {
  const name = (params['header'] ?? '').toLowerCase();
  const { hmac } = readFields(headerFields, data);
  if (carriesCredential(name) && !hmac) {
    throw badRequest(`the header "${name}" carries a credential: it is shown with hmac=true only`);
  }
  const headers = await readAuditedHeaders(storage);
  const next = { ...headers, [name]: { hmac } };
  if (Object.keys(next).length > maxHeaders) throw badRequest(`more than ${maxHeaders} headers are audited`);
  await storage.putJson(recordPath, next);
  return noContent;
}

async function hide({ storage, params }: RouteContext): Promise<Reply> {
  const name = (params['header'] ?? '').toLowerCase();
  const headers = await readAuditedHeaders(storage);
  if (Object.hasOwn(headers, name)) {
    await storage.putJson(recordPath, Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name)));
  }
  return noContent;
}
