import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../base/json.ts';
import { parseDuration } from '../base/duration.ts';
import { version } from '../base/version.ts';
import { type Body, type Fields, readFields } from '../protocol/field.ts';
import { badRequest } from '../protocol/request-error.ts';
import { defaultMountConfig, isSystemMount } from './system-mounts.ts';
import { systemLeaseTtl, type Mount, type MountConfig } from './mount-type.ts';
import { shownUserLockout, tunedUserLockout } from './user-lockout.ts';

/** What no path of a mount may begin with, in no case; an auth method's path without `auth/`. */
export const reservedMounts: Readonly<Record<'secret' | 'auth', readonly string[]>> = {
  secret: ['sys', 'auth', 'cubbyhole', 'identity', 'audit', 'token'],
  auth: ['token'],
};

const ttl = (what: string) => ({ type: 'any', description: `${what}; "system" or 0: the system’s.` }) as const;

const configFields = {
  default_lease_ttl: ttl('The TTL of what sets none'),
  max_lease_ttl: ttl('The greatest TTL'),
  force_no_cache: { type: 'bool', description: 'Accepted for compatibility.' },
  listing_visibility: { type: 'string', description: '`unauth` or `hidden`.' },
  token_type: { type: 'string', description: 'The type of the tokens that an auth method gives.' },
  audit_non_hmac_request_keys: { type: 'strings', description: 'Request fields that the audit log shows in the clear.' },
  audit_non_hmac_response_keys: { type: 'strings', description: 'Response fields that the audit log shows in the clear.' },
  passthrough_request_headers: { type: 'strings', description: 'Request headers that reach the plug-in.' },
  allowed_response_headers: { type: 'strings', description: 'Response headers that a plug-in may set.' },
  plugin_version: { type: 'string', description: 'Every engine and method has one version: the one of this build.' },
  user_lockout_config: { type: 'map', description: 'When users of an auth method are locked out after failed logins.' },
} as const satisfies Fields;

export const enableFields = {
  type: { type: 'string', description: 'The type of the engine or auth method.', default: '' },
  description: { type: 'string', description: 'For people.', default: '' },
  config: { type: 'map', description: 'As in tune.' },
  options: { type: 'stringMap', description: 'Options of the type, such as `version` of kv.' },
  plugin_name: { type: 'string', description: 'The type, where `type` is `plugin`.', default: '' },
  local: { type: 'bool', description: 'Kept and shown, for compatibility.', default: false },
  seal_wrap: { type: 'bool', description: 'Kept and shown, for compatibility.', default: false },
  external_entropy_access: { type: 'bool', description: 'Kept and shown, for compatibility.', default: false },
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
  refuseVersion(body.plugin_version, mount.type);
  const config: MountConfig = {
    defaultLeaseTtl: seconds(body.default_lease_ttl, 'default', current.defaultLeaseTtl),
    maxLeaseTtl: seconds(body.max_lease_ttl, 'max', current.maxLeaseTtl),
    forceNoCache: body.force_no_cache ?? current.forceNoCache,
    listingVisibility: body.listing_visibility ?? current.listingVisibility,
    tokenType: current.tokenType,
    auditNonHmacRequestKeys: body.audit_non_hmac_request_keys ?? current.auditNonHmacRequestKeys,
    auditNonHmacResponseKeys: body.audit_non_hmac_response_keys ?? current.auditNonHmacResponseKeys,
    passthroughRequestHeaders: body.passthrough_request_headers ?? current.passthroughRequestHeaders,
    allowedResponseHeaders: body.allowed_response_headers ?? current.allowedResponseHeaders,
    userLockout: current.userLockout ?? null,
  };
  if (!['', 'unauth', 'hidden'].includes(config.listingVisibility))
    throw badRequest(`invalid listing_visibility ${config.listingVisibility}`);
  const tokenType = body.token_type === undefined ? config.tokenType : tunedTokenType(body.token_type, mount);
  const { user_lockout_config: lockout } = body;
  if (lockout === undefined || Object.keys(lockout).length === 0) return { ...config, tokenType };
  if (!mount.locksOut) {
    throw badRequest(`tuning of user lockout configuration for auth type ${JSON.stringify(mount.type)} not allowed`);
  }
  return { ...config, tokenType, userLockout: tunedUserLockout(config.userLockout ?? null, lockout) };
}

/** The config of a new mount. Throws RequestError 400. */
export function newConfig(sent: JsonObject, mount: ConfiguredMount): MountConfig {
  // A secret engine gives no tokens, and the Vault API does not mind being told of what kind.
  const meant =
    mount.class === 'auth' ? sent : Object.fromEntries(Object.entries(sent).filter(([name]) => name !== 'token_type'));
  const config = tunedConfig(defaultMountConfig, meant, mount);
  if (config.maxLeaseTtl > 0 && config.defaultLeaseTtl > config.maxLeaseTtl) {
    throw badRequest('given default lease TTL greater than given max lease TTL');
  }
  checkDefaultTtl(config);
  return config;
}

/** Is there a default TTL which the maximum does not allow? Throws RequestError 400. */
export function checkDefaultTtl({ defaultLeaseTtl, maxLeaseTtl }: MountConfig): void {
  if (maxLeaseTtl > 0 && defaultLeaseTtl > maxLeaseTtl) {
    throw badRequest(
      `backend max lease TTL of ${maxLeaseTtl} would be less than backend default lease TTL of ${defaultLeaseTtl}`,
    );
  }
  if (maxLeaseTtl === 0 && defaultLeaseTtl > systemLeaseTtl) {
    throw badRequest(`given default lease TTL greater than system max lease TTL of ${systemLeaseTtl}`);
  }
}

function seconds(sent: Json | undefined, which: 'default' | 'max', current: number): number {
  if (sent === undefined || sent === '') return current;
  if (sent === 'system') return 0;
  const duration = parseDuration(sent);
  if (duration === null)
    // What was sent may be a secret that was put into the wrong field.
    throw badRequest(`unable to parse ${which} TTL: a duration is wanted, such as "1h"`);
  if (duration < 0) throw badRequest(`the ${which} TTL is not negative`);
  return Math.trunc(duration);
}

function tunedTokenType(type: string, mount: ConfiguredMount): string {
  if (mount.type === 'token') throw badRequest("'token_type' cannot be set for 'token' or 'ns_token' auth mounts");
  if (mount.class !== 'auth') throw badRequest("'token_type' can only be modified on auth mounts");
  if (!['', 'default-service', 'default-batch', 'service', 'batch'].includes(type)) {
    throw badRequest("invalid value for 'token_type'");
  }
  return type;
}

/** There is no other version of an engine than the one of this build. Throws RequestError 400. */
function refuseVersion(sent: string | undefined, type: string): void {
  if (sent === undefined || sent === '' || sent === runningVersion()) return;
  throw badRequest(`plugin not found in the catalog: ${type}, version=${sent}`);
}

/** The version of every engine and auth method, as the plugin catalog has it. */
export function runningVersion(): string {
  return `v${version()}+builtin`;
}

/** A mount as `sys/mounts` shows it. */
export function shownMount(mount: Mount): JsonObject {
  return {
    accessor: mount.accessor,
    config: shownConfig(mount),
    ...(isSystemMount(mount) ? {} : { deprecation_status: 'supported' }),
    description: mount.description,
    external_entropy_access: mount.externalEntropyAccess ?? false,
    local: mount.local,
    options: isSystemMount(mount) ? null : mount.options,
    plugin_version: '',
    running_plugin_version: runningVersion(),
    running_sha256: '',
    seal_wrap: mount.sealWrap,
    type: mount.type,
    uuid: shownUuid(mount),
  };
}

/** The ids of the system's mounts are names; what clients see is as unlike another store's as their accessors are. */
function shownUuid(mount: Mount): string {
  if (!isSystemMount(mount)) return mount.id;
  const hex = createHash('sha256').update(mount.accessor).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function shownConfig(mount: Mount): JsonObject {
  const lockout = mount.config.userLockout ?? null;
  return {
    ...shownBasics(mount),
    ...(lockout === null ? {} : { user_lockout_config: shownUserLockout(lockout) }),
  };
}

function shownBasics(mount: Mount): JsonObject {
  const { config } = mount;
  const givesTokens = mount.class === 'auth' || mount.type === 'token';
  const lists = {
    audit_non_hmac_request_keys: config.auditNonHmacRequestKeys,
    audit_non_hmac_response_keys: config.auditNonHmacResponseKeys,
    passthrough_request_headers: config.passthroughRequestHeaders,
    allowed_response_headers: config.allowedResponseHeaders,
  };
  return {
    default_lease_ttl: config.defaultLeaseTtl,
    force_no_cache: config.forceNoCache,
    max_lease_ttl: config.maxLeaseTtl,
    ...(config.listingVisibility === '' ? {} : { listing_visibility: config.listingVisibility }),
    ...(givesTokens ? { token_type: config.tokenType === '' ? 'default-service' : config.tokenType } : {}),
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
  };
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
    ...(Object.keys(mount.options).length === 0 ? {} : { options: mount.options }),
  };
}
