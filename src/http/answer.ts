import type { Json, JsonObject } from '../base/json.ts';
import { replyEnvelope } from '../protocol/envelope.ts';
import type { Reply, ReplyBody } from '../protocol/reply.ts';
import type { RequestError } from '../protocol/request-error.ts';

/** An HTTP answer before it is written. */
export interface Answer {
  readonly status: number;
  /** Null: none. */
  readonly contentType: string | null;
  readonly body: string | ReplyBody['bytes'];
  readonly headers?: Readonly<Record<string, string>>;
}

const json = 'application/json';
// Some clients read the type before they see that there is nothing (vault-java-driver), and the Vault API has one here too.
const nothing: Answer = { status: 204, contentType: 'application/json', body: '' };

/** Where the members of `data` stand beside the envelope too, for old clients: these paths and all below the second ones. */
const repeated = new Set([
  'sys/audit',
  'sys/auth',
  'sys/capabilities',
  'sys/capabilities-accessor',
  'sys/capabilities-self',
  'sys/config/auditing/request-headers',
  'sys/config/cors',
  'sys/ha-status',
  'sys/key-status',
  'sys/mounts',
  'sys/policy',
  'sys/rekey/backup',
  'sys/rekey/recovery-key-backup',
  'sys/remount',
  'sys/rotate',
  'sys/rotate/keyring',
  'sys/rotate/recovery/backup',
  'sys/rotate/root/backup',
  'sys/wrapping/wrap',
]);
const repeatedBelow = [
  'sys/audit/',
  'sys/audit-hash/',
  'sys/auth/',
  'sys/config/auditing/request-headers/',
  'sys/mounts/',
  'sys/policy/',
];

/** How the Vault API writes a reply. */
export function replyAnswer(requestId: string, path: string, reply: Reply): Answer {
  if (reply.body !== undefined) {
    return { status: reply.status ?? 200, contentType: reply.body.contentType, body: reply.body.bytes };
  }
  if (reply.json !== undefined) return jsonAnswer(reply.status ?? 200, reply.json);
  if (reply.status === 204 && reply.wrapInfo === undefined) return nothing;
  const status = reply.status === undefined || reply.status === 204 ? 200 : reply.status;
  // The envelope of a wrapped reply names no request: that of the token inside is nobody's business.
  const envelope = replyEnvelope(reply.wrapInfo === undefined ? requestId : '', reply);
  return jsonAnswer(status, reply.data && repeats(path) ? { ...reply.data, ...envelope } : envelope);
}

function repeats(path: string): boolean {
  return path.startsWith('sys/') && (repeated.has(path) || repeatedBelow.some((prefix) => path.startsWith(prefix)));
}

/** How the Vault API writes a refusal. */
export function errorAnswer(error: RequestError): Answer {
  return { ...jsonAnswer(error.status, { errors: error.errors }), headers: error.headers };
}

function jsonAnswer(status: number, value: Json | JsonObject): Answer {
  return { status, contentType: json, body: `${JSON.stringify(value)}\n` };
}
