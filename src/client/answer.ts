import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { parseInstant } from '../base/instant.ts';
import { Fault } from '../base/error.ts';
import type { Reply, ReplyAuth, WrapInfo } from '../protocol/reply.ts';
import { RequestError } from '../protocol/request-error.ts';
import { isRefusalOfPlain, speaksTls } from './other-scheme.ts';

/** An answer whose body was read. */
export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
  /** As in the header, for what is no JSON. */
  readonly contentType: string;
}

/**
 * The reply that an answer of the Vault API says. Throws RequestError for a refusal, Fault `request-failed` for what no
 * server of this API answers. Neither repeats the body.
 */
export function replyOf({ status, body, contentType }: Answer, address: string): Reply {
  const json = body.byteLength === 0 ? null : parse(body);
  if (json === undefined) {
    if (address.startsWith('http:') && isRefusalOfPlain(status, body)) throw speaksTls(address);
    if (status >= 400)
      throw new RequestError(status, `the answer of ${address} is no JSON (${contentType || 'no content type'})`);
    throw foreign(address);
  }
  const object = isJsonObject(json) ? json : null;
  // A deleted version of a secret is not there (404), and has metadata; a path that is wrong is told where to go.
  if (status >= 400 && !(status === 404 && (isJsonObject(object?.data) || texts(object?.warnings).length > 0)))
    throw new RequestError(status, errorsOf(object, status), nextStep(object));
  if (json === null) return { status: status === 200 ? 204 : status };
  if (object === null) return { json };
  return 'request_id' in object && 'lease_id' in object ? envelope(object, status) : { json: object };
}

function parse(body: Uint8Array): Json | undefined {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as Json;
  } catch {
    return undefined;
  }
}

function errorsOf(object: JsonObject | null, status: number): readonly string[] {
  const errors = object?.errors;
  if (Array.isArray(errors))
    return (errors as readonly Json[]).map((error) => (typeof error === 'string' ? error : JSON.stringify(error)));
  return status === 404 ? [] : [`status ${status}`];
}

/** What a person does next, where a server is not open yet. */
function nextStep(object: JsonObject | null): { readonly cause?: Fault } {
  const errors = Array.isArray(object?.errors) ? object.errors.map(String) : [];
  const says = (words: string): boolean => errors.some((error) => error.includes(words));
  if (says('Vault is sealed')) {
    const hint = 'To unseal it: secretctl operator unseal. A new server first needs: secretctl operator init';
    return { cause: new Fault('sealed', 'the server is sealed', { hint }) };
  }
  if (says('not initialized') || says('not yet initialized'))
    return { cause: new Fault('sealed', 'the server is not initialized', { hint: 'To initialize it: secretctl operator init' }) };
  return {};
}

function foreign(address: string): Fault {
  return new Fault('request-failed', `${address} is no server of this API: its answer is no JSON`, {
    hint: 'Check the address (-address, VAULT_ADDR).',
  });
}

function envelope(object: JsonObject, status: number): Reply {
  const warnings = Array.isArray(object.warnings) ? object.warnings.filter((item) => typeof item === 'string') : [];
  const auth = isJsonObject(object.auth) ? authOf(object.auth) : null;
  const wrapInfo = isJsonObject(object.wrap_info) ? wrapInfoOf(object.wrap_info) : null;
  return {
    ...(status === 200 ? {} : { status }),
    data: isJsonObject(object.data) ? object.data : null,
    ...(auth === null ? {} : { auth }),
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(wrapInfo === null ? {} : { wrapInfo }),
    leaseId: text(object.lease_id),
    leaseDuration: number(object.lease_duration),
    renewable: object.renewable === true,
  };
}

function authOf(auth: JsonObject): ReplyAuth {
  return {
    client_token: text(auth.client_token),
    accessor: text(auth.accessor),
    policies: texts(auth.policies),
    token_policies: texts(auth.token_policies),
    identity_policies: texts(auth.identity_policies),
    metadata: isJsonObject(auth.metadata) ? (auth.metadata as Readonly<Record<string, string>>) : null,
    lease_duration: number(auth.lease_duration),
    renewable: auth.renewable === true,
    entity_id: text(auth.entity_id),
    token_type: auth.token_type === 'batch' ? 'batch' : 'service',
    orphan: auth.orphan === true,
    num_uses: number(auth.num_uses),
  };
}

function wrapInfoOf(info: JsonObject): WrapInfo {
  return {
    token: text(info.token),
    accessor: text(info.accessor),
    ttl: number(info.ttl),
    creationTime: parseInstant(text(info.creation_time)) ?? 0,
    creationPath: text(info.creation_path),
    wrappedAccessor: text(info.wrapped_accessor),
  };
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function number(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0;
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
