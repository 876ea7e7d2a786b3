import type { JsonObject } from '../base/json.ts';
import { type Body, type Fields, readFields } from '../protocol/field.ts';
import { badRequest } from '../protocol/request-error.ts';
import { defaultMountConfig } from './system-mounts.ts';
import { systemLeaseTtl, type Mount, type MountConfig } from './mount-type.ts';
import { shownUserLockout, tunedUserLockout } from './user-lockout.ts';

/** What no path of a mount may begin with, in no case; an auth method's path without `auth/`. */
export const reservedMounts: Readonly<Record<'secret' | 'auth', readonly string[]>> = {
  secret: ['sys', 'auth', 'cubbyhole', 'identity', 'audit', 'token'],
  auth: ['token'],
};

const configFields = {
  default_lease_ttl: { type: 'duration', description: 'The TTL of what sets none; 0: the system default.' },
  max_lease_ttl: { type: 'duration', description: 'The greatest TTL; 0: the system maximum.' },
  force_no_cache: { type: 'bool', description: 'Accepted for compatibility.' },
  listing_visibility: { type: 'string', description: '`unauth` or `hidden`.' },
  token_type: { type: 'string', description: 'The type of the tokens that an auth method gives.' },
  audit_non_hmac_request_keys: { type: 'strings', description: 'Request fields that the audit log shows in the clear.' },
  audit_non_hmac_response_keys: { type: 'strings', description: 'Response fields that the audit log shows in the clear.' },
  passthrough_request_headers: { type: 'strings', description: 'Request headers that reach the plug-in.' },
  allowed_response_headers: { type: 'strings', description: 'Response headers that a plug-in may set.' },
  user_lockout_config: { type: 'map', description: 'When users of an auth method are locked out after failed logins.' },
} as const satisfies Fields;

export const enableFields = {
  type: { type: 'string', description: 'The type of the engine or auth method.', required: true },
  description: { type: 'string', description: 'For people.', default: '' },
  config: { type: 'map', description: 'As in tune.' },
  options: { type: 'stringMap', description: 'Options of the type, such as `version` of kv.' },
  local: { type: 'bool', description: 'Accepted for compatibility.', default: false },
  seal_wrap: { type: 'bool', description: 'Accepted for compatibility.', default: false },
} as const satisfies Fields;

export const tuneFields = {
  ...configFields,
  description: { type: 'string', description: 'For people.' },
  options: { type: 'stringMap', description: 'Options of the type.' },
} as const satisfies Fields;

/** What decides which settings a mount has. */
export interface ConfiguredMount {
  readonly class: Mount['class'];
  readonly type: string;
  /** See MountType.locksOut. */
  readonly locksOut: boolean;
}

/** The config after `sent`: members that were not sent keep their value. Throws RequestError 400. */
export function tunedConfig(current: MountConfig, sent: JsonObject, mount: ConfiguredMount): MountConfig {
  const body: Body<typeof configFields> = readFields(configFields, sent);
  const config: MountConfig = {
    defaultLeaseTtl: body.default_lease_ttl ?? current.defaultLeaseTtl,
    maxLeaseTtl: body.max_lease_ttl ?? current.maxLeaseTtl,
    forceNoCache: body.force_no_cache ?? current.forceNoCache,
    listingVisibility: body.listing_visibility ?? current.listingVisibility,
    tokenType: body.token_type ?? current.tokenType,
    auditNonHmacRequestKeys: body.audit_non_hmac_request_keys ?? current.auditNonHmacRequestKeys,
    auditNonHmacResponseKeys: body.audit_non_hmac_response_keys ?? current.auditNonHmacResponseKeys,
    passthroughRequestHeaders: body.passthrough_request_headers ?? current.passthroughRequestHeaders,
    allowedResponseHeaders: body.allowed_response_headers ?? current.allowedResponseHeaders,
    userLockout: current.userLockout ?? null,
  };
  if (config.defaultLeaseTtl < 0 || config.maxLeaseTtl < 0) throw badRequest('a TTL is not negative');
  if (config.defaultLeaseTtl > (config.maxLeaseTtl || systemLeaseTtl)) {
    throw badRequest(
      'default_lease_ttl is greater than max_lease_ttl (or than the system maximum of 768h, where that is not set)',
    );
  }
  if (!['', 'unauth', 'hidden'].includes(config.listingVisibility))
    throw badRequest('listing_visibility is "unauth" or "hidden"');
  if (config.tokenType !== '' && mount.class !== 'auth') throw badRequest('token_type is a setting of auth methods');
  if (!['', 'default-service', 'default-batch', 'service', 'batch'].includes(config.tokenType)) {
    throw badRequest('token_type is one of default-service, default-batch, service, batch');
  }
  const { user_lockout_config: lockout } = body;
  if (lockout === undefined || Object.keys(lockout).length === 0) return config;
  if (!mount.locksOut) {
    throw badRequest(`tuning of user lockout configuration for auth type ${JSON.stringify(mount.type)} not allowed`);
  }
  return { ...config, userLockout: tunedUserLockout(config.userLockout ?? null, lockout) };
}

export const newConfig = (sent: JsonObject, mount: ConfiguredMount): MountConfig => tunedConfig(defaultMountConfig, sent, mount);

/** A mount as `sys/mounts` shows it. */
export function shownMount(mount: Mount): JsonObject {
  return {
    accessor: mount.accessor,
    config: shownConfig(mount),
    deprecation_status: 'supported',
    description: mount.description,
    external_entropy_access: false,
    local: mount.local,
    options: Object.keys(mount.options).length === 0 ? null : mount.options,
    plugin_version: '',
    running_plugin_version: '',
    running_sha256: '',
    seal_wrap: mount.sealWrap,
    type: mount.type,
    uuid: mount.id,
  };
}

function shownConfig(mount: Mount): JsonObject {
  const { config } = mount;
  const lockout = config.userLockout ?? null;
  return {
    ...shownBasics(mount),
    ...(lockout === null ? {} : { user_lockout_config: shownUserLockout(lockout) }),
  };
}

function shownBasics(mount: Mount): JsonObject {
  const { config } = mount;
  return {
    default_lease_ttl: config.defaultLeaseTtl,
    force_no_cache: config.forceNoCache,
    max_lease_ttl: config.maxLeaseTtl,
    ...(config.listingVisibility === '' ? {} : { listing_visibility: config.listingVisibility }),
    ...(config.tokenType === ''
      ? mount.class === 'auth'
        ? { token_type: 'default-service' }
        : {}
      : { token_type: config.tokenType }),
    ...shownLists(config),
  };
}

function shownLists(config: MountConfig): JsonObject {
  const lists = {
    audit_non_hmac_request_keys: config.auditNonHmacRequestKeys,
    audit_non_hmac_response_keys: config.auditNonHmacResponseKeys,
    passthrough_request_headers: config.passthroughRequestHeaders,
    allowed_response_headers: config.allowedResponseHeaders,
  };
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}

/** What `tune` answers: TTLs as they take effect. */
export function shownTuning(mount: Mount): JsonObject {
  const { config } = mount;
  const lockout = config.userLockout ?? null;
  return {
    ...shownBasics(mount),
    ...(lockout === null ? {} : shownUserLockout(lockout)),
    default_lease_ttl: config.defaultLeaseTtl || systemLeaseTtl,
    max_lease_ttl: config.maxLeaseTtl || systemLeaseTtl,
    description: mount.description,
    options: Object.keys(mount.options).length === 0 ? null : mount.options,
  };
}
