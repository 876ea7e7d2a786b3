import type { View } from '../../barrier/view.ts';
import { cidrsWithin, inCidrs } from '../../base/cidr.ts';
import { instantText } from '../../base/instant.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Route, RouteContext } from '../../core/mount-type.ts';
import { readFields, type Fields } from '../../protocol/field.ts';
import type { Reply } from '../../protocol/reply.ts';
import { badRequest, type RequestError } from '../../protocol/request-error.ts';
import { grantName } from '../grant-name.ts';
import { loginTerms } from '../token-params.ts';
import { type MountHash, mountHash } from './key.ts';
import { type AppRole, roleNamed } from './role.ts';
import { type SecretIdRecord, SecretIdRecords } from './secret-id-records.ts';

const fields = {
  role_id: { type: 'string', description: 'The role id.', default: '' },
  secret_id: { type: 'string', description: 'The secret id, where the role wants one.', default: '' },
} as const satisfies Fields;

export const loginRoute: Route = {
  path: 'login',
  summary: 'Turns a role id and a secret id into a token.',
  operations: { write: { summary: 'Logs in.', fields, unauthenticated: true, handle: login } },
};

const maxInputLength = 4096;

/** See MountType.loginRole. */
export async function loginRole(storage: View, path: string, { role_id: roleId }: JsonObject): Promise<string | null> {
  if (path !== loginRoute.path || typeof roleId !== 'string' || roleId.length > maxInputLength) return null;
  return namedBy(storage, await mountHash(storage), roleId.trim());
}

async function namedBy(storage: View, hash: MountHash, roleId: string): Promise<string | null> {
  return (await storage.getJson<{ readonly role: string }>(`role-id/${hash.roleId(roleId)}`))?.role ?? null;
}

/** In the place of the role that is not there, so that the same work is done. */
const nobody = '00000000-0000-4000-8000-000000000000';

/**
 * Whoever has not shown both ids learns nothing: an unknown role, a missing and a wrong secret id look alike. Ids are
 * looked up by their keyed hash, so the time that takes says nothing of how much of one was right.
 */
async function login(context: RouteContext): Promise<Reply> {
  const body = readFields(fields, context.data);
  // As the Vault API has it: ids come out of files that end with a line break. Failures are counted by what is left.
  const [roleId, secretId] = [body.role_id.trim(), body.secret_id.trim()];
  if (roleId === '') throw badRequest('missing role_id');
  if (roleId.length > maxInputLength || secretId.length > maxInputLength) throw invalid();
  const hash = await mountHash(context.storage);
  const named = await namedBy(context.storage, hash, roleId);
  const role = named === null ? null : await roleNamed(context.storage, named);
  const attempt = await context.services.beginLogin(context, { name: roleId, known: role !== null });
  const secret = await secretOf(context, role?.uid ?? nobody, hash, secretId);
  if (role === null || (role.bindSecretId && secret === null)) throw await attempt.failed(invalid());
  if (role.expires !== null && role.expires <= context.now) {
    throw badRequest(`the role expired at ${instantText(role.expires)}; ask its owner for a later date`);
  }
  const used = role.bindSecretId ? secret : null;
  checkAddress(context, role.secretIdBoundCidrs, 'the role');
  if (used !== null) checkAddress(context, used.record.cidrs, 'the secret ID');
  const terms = loginTerms(role.token, context);
  const boundCidrs = used === null ? terms.boundCidrs : tokenCidrs(role, used.record, terms.boundCidrs);
  if (used !== null) await takeUse(context, used);
  await attempt.succeeded();
  const metadata = { ...used?.record.metadata, role_name: role.name };
  return context.services.issueToken(context, {
    ...terms,
    role: grantName(role),
    displayName: '',
    metadata,
    alias: { name: roleId, metadata },
    boundCidrs,
  });
}

interface Secret {
  readonly records: SecretIdRecords;
  readonly idHash: string;
  readonly accessorHash: string;
  readonly record: SecretIdRecord;
}

async function secretOf(context: RouteContext, uid: string, hash: MountHash, secretId: string): Promise<Secret | null> {
  const records = new SecretIdRecords(context.storage, uid);
  const idHash = hash.secretId(uid, secretId);
  const record = await records.get(idHash);
  if (record === null || (record.expiresAt !== null && record.expiresAt <= context.now)) return null;
  return { records, idHash, accessorHash: hash.accessor(uid, record.accessor), record };
}

/** The last use deletes it. Kept only where the login succeeds, in the same transaction as its token. */
async function takeUse(context: RouteContext, { records, idHash, accessorHash, record }: Secret): Promise<void> {
  if (record.usesLeft === 0) return;
  if (record.usesLeft === 1) await records.remove(idHash, accessorHash, record);
  else await records.put(idHash, { ...record, usesLeft: record.usesLeft - 1, updatedAt: context.now });
}

function checkAddress(context: RouteContext, blocks: readonly string[], whose: string): void {
  if (blocks.length === 0) return;
  const { remote } = context.request;
  if (remote === null) throw badRequest(`the CIDR restrictions on ${whose} need an address, and this login has none`);
  if (!inCidrs(remote.address, blocks)) {
    throw badRequest(`source address "${remote.address}" unauthorized through CIDR restrictions on ${whose}`);
  }
}

/** The addresses of a secret id go before those of its role, as long as they lie within them. */
function tokenCidrs(role: AppRole, record: SecretIdRecord, byRole: readonly string[]): readonly string[] {
  if (record.tokenCidrs.length === 0) return byRole;
  if (role.token.boundCidrs.length > 0 && !cidrsWithin(record.tokenCidrs, role.token.boundCidrs)) {
    throw badRequest('the addresses to which the secret ID binds tokens are no longer within those of the role; make a new one');
  }
  return role.token.strictlyBindIp ? byRole : record.tokenCidrs;
}

function invalid(): RequestError {
  return badRequest('invalid role or secret ID');
}
