import { instantText } from '../../base/instant.ts';
import type { JsonObject } from '../../base/json.ts';
import { randomUuid } from '../../base/random.ts';
import type { View } from '../../barrier/view.ts';
import { listFolder } from '../../core/list-folder.ts';
import { systemLeaseTtl, type RenewalTerms, type Route, type RouteContext } from '../../core/mount-type.ts';
import { readFields, type Fields } from '../../protocol/field.ts';
import { pageFields } from '../../protocol/page.ts';
import { noContent, type Reply } from '../../protocol/reply.ts';
import { badRequest, notFound } from '../../protocol/request-error.ts';
import { readCidrs, readExpires } from '../../token/role.ts';
import { grantingOf } from '../grant-name.ts';
import { type LegacyFields, shownLegacy, withoutLegacy } from '../legacy-fields.ts';
import { changedTokenParams, shownTokenParams, tokenParamFields, type TokenParams, unsetTokenParams } from '../token-params.ts';
import { mountHash } from './key.ts';
import { discardSecretIds } from './secret-id-records.ts';

/** An AppRole role, below `role/<name>` of its mount. Durations in seconds. */
export interface AppRole {
  readonly name: string;
  /** A role of the same name made later has another one, so that nothing of the old one fits it. */
  readonly uid: string;
  readonly roleId: string;
  readonly bindSecretId: boolean;
  readonly secretIdBoundCidrs: readonly string[];
  readonly secretIdNumUses: number;
  readonly secretIdTtl: number;
  readonly localSecretIds: boolean;
  readonly token: TokenParams;
  /** The older names of fields that are shown besides (see LegacyFields); absent: none. */
  readonly legacy?: readonly string[];
  /** Milliseconds since the epoch; null: never. */
  readonly expires: number | null;
}

export const roleFields = {
  ...tokenParamFields,
  bind_secret_id: { type: 'bool', description: 'A login needs a secret id; true unless told.' },
  secret_id_bound_cidrs: { type: 'strings', description: 'The addresses from which one may log in.' },
  secret_id_num_uses: { type: 'int', description: 'How often a secret id may be used; 0: without limit.' },
  secret_id_ttl: { type: 'duration', description: 'How long a secret id lives; 0: without end.' },
  local_secret_ids: { type: 'bool', description: 'Kept for clients that send it; can only be set when the role is made.' },
  role_id: { type: 'string', description: 'The role id; a random one unless told.' },
  expires: {
    type: 'string',
    description: 'A date or RFC 3339 time from which on this role and its tokens grant nothing; empty: never.',
  },
  bound_cidr_list: { type: 'strings', description: 'Use secret_id_bound_cidrs.' },
  policies: { type: 'strings', description: 'Use token_policies.' },
  period: { type: 'duration', description: 'Use token_period.' },
} as const satisfies Fields;

const legacyFields: LegacyFields = { policies: 'token_policies', period: 'token_period' };

export const roleRoutes: readonly Route[] = [
  {
    path: 'role',
    summary: 'The roles of this mount.',
    operations: {
      list: {
        summary: 'Lists their names.',
        fields: pageFields,
        handle: (context) => listFolder(context, context.storage, 'role'),
      },
    },
  },
  {
    path: 'role/:role',
    summary: 'A role: who may log in, and what tokens that gives.',
    exists: async (context) => (await readRole(context)) !== null,
    operations: {
      read: {
        summary: 'Reads it.',
        forPlans: true,
        handle: async (context) => ({ data: shownRole(await existingRole(context)) }),
      },
      write: {
        summary: 'Makes or changes it; what is not sent stays as it is.',
        fields: roleFields,
        configures: true,
        handle: write,
      },
      delete: { summary: 'Deletes it with its secret ids, which ends its tokens.', configures: true, handle: remove },
    },
  },
];

/** The role that the path names, or null. */
export async function readRole(context: RouteContext): Promise<AppRole | null> {
  return roleNamed(context.storage, context.params['role'] ?? '');
}

export async function roleNamed(storage: View, name: string): Promise<AppRole | null> {
  return storage.getJson<AppRole>(`role/${name}`);
}

/** The role that the path names. Throws RequestError 404 where there is none. */
export async function existingRole(context: RouteContext): Promise<AppRole> {
  const role = await readRole(context);
  if (role === null) throw notFound();
  return role;
}

/** See MountType.grant. */
export async function roleGrant(storage: View, grant: string): Promise<number | 'never' | null> {
  const role = await grantingOf(grant, (name) => roleNamed(storage, name));
  return role === null ? null : (role.expires ?? 'never');
}

/** See MountType.renewal. */
export async function roleRenewal(storage: View, grant: string): Promise<RenewalTerms | null> {
  const role = await grantingOf(grant, (name) => roleNamed(storage, name));
  return role === null ? null : { ttl: role.token.ttl, maxTtl: role.token.maxTtl, period: role.token.period };
}

export function shownRole(role: AppRole): JsonObject {
  const token = shownTokenParams(role.token);
  return {
    ...token,
    ...shownLegacy(legacyFields, token, role.legacy ?? []),
    bind_secret_id: role.bindSecretId,
    secret_id_bound_cidrs: noneAsNull(role.secretIdBoundCidrs),
    secret_id_num_uses: role.secretIdNumUses,
    secret_id_ttl: role.secretIdTtl,
    local_secret_ids: role.localSecretIds,
    ...(role.expires === null ? {} : { expires: instantText(role.expires) }),
  };
}

/** The Vault API shows no list of addresses for those of secret ids that are not set. */
export const noneAsNull = (list: readonly string[]): readonly string[] | null => (list.length === 0 ? null : list);

/**
 * Writes what a role of this mount becomes when `sent` is changed of it. Throws RequestError 400 for what no role can
 * be, 404 for a role that is not there where it must be.
 */
export async function changeRole(context: RouteContext, before: AppRole, sent: JsonObject): Promise<readonly string[]> {
  const made = (await readRole(context)) === null;
  const { body: renamed, shown } = withoutLegacy(legacyFields, sent, before.legacy ?? []);
  const body = readFields(roleFields, renamed);
  if (body.local_secret_ids !== undefined && !made && body.local_secret_ids !== before.localSecretIds) {
    throw badRequest('local_secret_ids can only be modified during role creation');
  }
  const role: AppRole = {
    ...before,
    roleId: body.role_id ?? before.roleId,
    bindSecretId: body.bind_secret_id ?? before.bindSecretId,
    secretIdBoundCidrs: readCidrs(
      'secret_id_bound_cidrs',
      body.secret_id_bound_cidrs ?? body.bound_cidr_list ?? before.secretIdBoundCidrs,
    ),
    secretIdNumUses: body.secret_id_num_uses ?? before.secretIdNumUses,
    secretIdTtl: body.secret_id_ttl ?? before.secretIdTtl,
    localSecretIds: body.local_secret_ids ?? before.localSecretIds,
    token: changedTokenParams(before.token, body),
    legacy: shown,
    expires: body.expires === undefined ? before.expires : readExpires(body.expires),
  };
  check(role, context.mount.config.maxLeaseTtl || systemLeaseTtl);
  await indexRoleId(context, before, role);
  await context.storage.putJson(`role/${role.name}`, role);
  const warnings: string[] = [];
  const useless = /^default-(service|batch)$/.exec(body.token_type ?? '');
  if (useless !== null) warnings.push(`${useless[0]} has no useful meaning; adjusting to ${useless[1]}`);
  if (role.token.maxTtl > (context.mount.config.maxLeaseTtl || systemLeaseTtl)) {
    warnings.push(
      "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be truncated",
    );
  }
  return warnings;
}

async function write(context: RouteContext): Promise<Reply> {
  const before = (await readRole(context)) ?? newRole(context);
  const warnings = await changeRole(context, before, context.data);
  return warnings.length > 0 ? { warnings } : noContent;
}

async function remove(context: RouteContext): Promise<Reply> {
  const role = await readRole(context);
  if (role === null) return noContent;
  const hash = await mountHash(context.storage);
  await context.storage.delete(`role-id/${hash.roleId(role.roleId)}`);
  await context.storage.delete(`role/${role.name}`);
  await discardSecretIds(context.storage, role.uid);
  return noContent;
}

function newRole(context: RouteContext): AppRole {
  return {
    name: context.params['role'] ?? '',
    uid: randomUuid(context.random),
    roleId: randomUuid(context.random),
    bindSecretId: true,
    secretIdBoundCidrs: [],
    secretIdNumUses: 0,
    secretIdTtl: 0,
    localSecretIds: false,
    token: unsetTokenParams,
    expires: null,
  };
}

/** Keeps a role under another name; its secret ids hang on its uid and its role id follows. */
export async function moveRole(storage: View, role: AppRole, name: string): Promise<void> {
  const hash = await mountHash(storage);
  await storage.putJson(`role-id/${hash.roleId(role.roleId)}`, { role: name });
  await storage.putJson(`role/${name}`, { ...role, name });
  await storage.delete(`role/${role.name}`);
}

async function indexRoleId(context: RouteContext, before: AppRole, after: AppRole): Promise<void> {
  const hash = await mountHash(context.storage);
  const path = `role-id/${hash.roleId(after.roleId)}`;
  const holder = await context.storage.getJson<{ readonly role: string }>(path);
  if (holder !== null && holder.role !== after.name) throw badRequest('role_id already in use');
  if (before.roleId !== after.roleId) await context.storage.delete(`role-id/${hash.roleId(before.roleId)}`);
  await context.storage.putJson(path, { role: after.name });
}

function check(role: AppRole, maxTtl: number): void {
  if (role.roleId === '' || role.roleId.length > 4096)
    throw badRequest('invalid role_id supplied, or failed to generate a role_id');
  if (role.roleId.trim() !== role.roleId) throw badRequest('role_id begins or ends with white space, which a login takes away');
  if (role.secretIdNumUses < 0) throw badRequest('secret_id_num_uses cannot be negative');
  if (role.secretIdTtl < 0) throw badRequest('secret_id_ttl cannot be negative');
  if (role.token.period > maxTtl) {
    throw badRequest(
      `period of ${role.token.period} seconds is greater than the backend's maximum lease TTL of ${maxTtl} seconds`,
    );
  }
  if (!role.bindSecretId && role.secretIdBoundCidrs.length === 0 && role.token.boundCidrs.length === 0) {
    throw badRequest('at least one constraint should be enabled on the role');
  }
}
