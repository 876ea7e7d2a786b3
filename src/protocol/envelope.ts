import { instantText } from '../base/instant.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { Reply, ReplyAuth, WrapInfo } from './reply.ts';

/**
 * The body of a reply as the Vault API has it (https://developer.hashicorp.com/vault/api-docs): every member is there,
 * null where there is nothing to say. For replies that have neither `json` nor `body`.
 */
export function replyEnvelope(requestId: string, reply: Reply): JsonObject {
  return {
    request_id: requestId,
    lease_id: reply.leaseId ?? '',
    renewable: reply.renewable ?? false,
    lease_duration: reply.leaseDuration ?? 0,
    data: reply.data ?? null,
    wrap_info: reply.wrapInfo === undefined ? null : wrapMembers(reply.wrapInfo),
    warnings: reply.warnings === undefined || reply.warnings.length === 0 ? null : reply.warnings,
    auth: reply.auth ? authMembers(reply.auth) : null,
  };
}

function authMembers(auth: ReplyAuth): JsonObject {
  const { identity_policies: identityPolicies, token_policies: tokenPolicies, ...rest } = auth;
  return {
    ...rest,
    // As the API has it, a list of policies that is empty is left out.
    ...(tokenPolicies.length > 0 ? { token_policies: tokenPolicies } : {}),
    ...(identityPolicies.length > 0 ? { identity_policies: identityPolicies } : {}),
    mfa_requirement: null,
  };
}

function wrapMembers(info: WrapInfo): JsonObject {
  return {
    token: info.token,
    accessor: info.accessor,
    ttl: info.ttl,
    creation_time: instantText(info.creationTime),
    creation_path: info.creationPath,
    ...(info.wrappedAccessor === '' ? {} : { wrapped_accessor: info.wrappedAccessor }),
  };
}

/** The reply of an envelope that `replyEnvelope` made, apart from its `wrap_info`; its status is 200. */
export function openEnvelope(body: JsonObject): Reply {
  const { data, auth, warnings, lease_id: leaseId, lease_duration: leaseDuration, renewable } = body;
  return {
    data: isJsonObject(data) ? data : null,
    ...(isJsonObject(auth) ? { auth: { token_policies: [], identity_policies: [], ...auth } as unknown as ReplyAuth } : {}),
    ...(Array.isArray(warnings) ? { warnings: warnings as readonly string[] } : {}),
    ...(typeof leaseId === 'string' && leaseId !== '' ? { leaseId } : {}),
    ...(typeof leaseDuration === 'number' && leaseDuration > 0 ? { leaseDuration } : {}),
    ...(renewable === true ? { renewable } : {}),
  };
}
