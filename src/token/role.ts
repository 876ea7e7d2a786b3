import { parseCidr } from '../base/cidr.ts';
import { instantText, parseInstant } from '../base/instant.ts';
import type { View } from '../barrier/view.ts';
import { listFolder } from '../core/list-folder.ts';
import { systemLeaseTtl, type Route, type RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { pageFields } from '../protocol/page.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import { policySet } from './policies.ts';

/** A token role: what tokens made at auth/token/create/<name> may and must be. Durations in seconds. */
export interface TokenRole {
  readonly name: string;
  readonly allowedPolicies: readonly string[];
  readonly disallowedPolicies: readonly string[];
  readonly allowedPoliciesGlob: readonly string[];
  readonly disallowedPoliciesGlob: readonly string[];
  readonly allowedEntityAliases: readonly string[];
  readonly orphan: boolean;
  readonly renewable: boolean;
  readonly pathSuffix: string;
  readonly period: number;
  readonly explicitMaxTtl: number;
  readonly boundCidrs: readonly string[];
  readonly numUses: number;
  readonly noDefaultPolicy: boolean;
  readonly tokenType: TokenRoleType;
  /** Milliseconds since the epoch; null: never. */
  readonly expires: number | null;
}

const types = ['default-service', 'default-batch', 'service', 'batch'] as const;
type TokenRoleType = (typeof types)[number];

/** `core` is the core's view. Null: there is no such role. */
export async function readTokenRole(core: View, name: string): Promise<TokenRole | null> {
  return core.getJson<TokenRole>(`token/roles/${name}`);
}

/** The role's word on the tokens it gave (see MountType.grant). */
export function roleGrant(role: TokenRole | null): number | 'never' | null {
  return role === null ? null : (role.expires ?? 'never');
}

/** The `expires` field of a role: a moment in milliseconds, null for `''`. Throws RequestError 400 for anything else. */
export function readExpires(text: string): number | null {
  if (text === '') return null;
  const moment = parseInstant(text);
  if (moment === null) throw badRequest('expires must be a date (2027-01-31) or an RFC 3339 time (2027-01-31T12:00:00Z)');
  return moment;
}

/** Blocks of addresses as they were sent. Throws RequestError 400 naming the field and the first that is none. */
export function readCidrs(field: string, blocks: readonly string[]): readonly string[] {
  const wrong = blocks.find((block) => parseCidr(block) === null);
  if (wrong !== undefined)
    throw badRequest(`error parsing ${field}: ${JSON.stringify(wrong.slice(0, 64))} is no address or CIDR block`);
  return [...new Set(blocks)];
}

const fields = {
  allowed_policies: {
    type: 'strings',
    description: 'The policies that tokens of this role may have; a token may then have others than its parent.',
  },
  disallowed_policies: { type: 'strings', description: 'Policies that no token of this role may have.' },
  allowed_policies_glob: { type: 'strings', description: 'As allowed_policies, with patterns in which `*` stands for any text.' },
  disallowed_policies_glob: { type: 'strings', description: 'As disallowed_policies, with patterns.' },
  allowed_entity_aliases: { type: 'strings', description: 'Which aliases `entity_alias` may name; `*` stands for any text.' },
  orphan: { type: 'bool', description: 'Tokens of this role have no parent.' },
  renewable: { type: 'bool', description: 'Tokens of this role can be renewed; true unless told.' },
  path_suffix: { type: 'string', description: 'Added to the path that the tokens show.' },
  token_period: { type: 'duration', description: 'Tokens live for this long after each renewal, without a maximum.' },
  token_explicit_max_ttl: { type: 'duration', description: 'The greatest age of a token, whatever else says.' },
  token_bound_cidrs: { type: 'strings', description: 'The addresses from which the tokens work.' },
  token_num_uses: { type: 'int', description: 'How often a token may be used; 0: without limit.' },
  token_no_default_policy: { type: 'bool', description: 'Do not add the policy `default` to tokens.' },
  token_type: { type: 'string', description: 'service, batch, default-service or default-batch.' },
  period: { type: 'duration', description: 'Use token_period.' },
  explicit_max_ttl: { type: 'duration', description: 'Use token_explicit_max_ttl.' },
  bound_cidrs: { type: 'strings', description: 'Use token_bound_cidrs.' },
  expires: {
    type: 'string',
    description: 'A date or RFC 3339 time from which on this role and its tokens grant nothing; empty: never.',
  },
} as const satisfies Fields;

const suffixForm = /^\w[\w.-]*\w$/;

export const roleRoutes: readonly Route[] = [
  {
    path: 'roles',
    summary: 'The token roles.',
    operations: {
      list: {
        summary: 'Lists their names.',
        fields: pageFields,
        handle: (context) => listFolder(context, context.storage, 'token/roles'),
      },
    },
  },
  {
    path: 'roles/:role',
    summary: 'A token role: what tokens made with it may and must be.',
    exists: async (context) => (await readTokenRole(context.storage, nameOf(context))) !== null,
    operations: {
      read: { summary: 'Reads it.', forPlans: true, handle: read },
      write: { summary: 'Makes or changes it; what is not sent stays as it is.', fields, configures: true, handle: write },
      delete: { summary: 'Deletes it, which ends its tokens.', configures: true, handle: remove },
    },
  },
];

async function read(context: RouteContext): Promise<Reply> {
  const role = await readTokenRole(context.storage, nameOf(context));
  if (role === null) throw notFound();
  return {
    data: {
      name: role.name,
      allowed_policies: role.allowedPolicies,
      disallowed_policies: role.disallowedPolicies,
      allowed_policies_glob: role.allowedPoliciesGlob,
      disallowed_policies_glob: role.disallowedPoliciesGlob,
      allowed_entity_aliases: role.allowedEntityAliases,
      orphan: role.orphan,
      renewable: role.renewable,
      path_suffix: role.pathSuffix,
      period: role.period,
      token_period: role.period,
      explicit_max_ttl: role.explicitMaxTtl,
      token_explicit_max_ttl: role.explicitMaxTtl,
      token_type: role.tokenType,
      token_no_default_policy: role.noDefaultPolicy,
      ...(role.boundCidrs.length > 0 ? { token_bound_cidrs: role.boundCidrs, bound_cidrs: role.boundCidrs } : {}),
      ...(role.numUses > 0 ? { token_num_uses: role.numUses } : {}),
      expires: role.expires === null ? '' : instantText(role.expires),
    },
  };
}

async function write(context: RouteContext): Promise<Reply> {
  const name = nameOf(context);
  const body = readFields(fields, context.data);
  const before = (await readTokenRole(context.storage, name)) ?? unset(name);
  const set = <T>(sent: readonly T[] | undefined): readonly T[] | undefined =>
    sent === undefined ? undefined : [...new Set(sent)].sort();
  const role: TokenRole = {
    name,
    allowedPolicies: body.allowed_policies === undefined ? before.allowedPolicies : policySet(body.allowed_policies, false),
    disallowedPolicies:
      body.disallowed_policies === undefined ? before.disallowedPolicies : policyNames(body.disallowed_policies),
    allowedPoliciesGlob: set(body.allowed_policies_glob) ?? before.allowedPoliciesGlob,
    disallowedPoliciesGlob: set(body.disallowed_policies_glob) ?? before.disallowedPoliciesGlob,
    allowedEntityAliases: set(body.allowed_entity_aliases) ?? before.allowedEntityAliases,
    orphan: body.orphan ?? before.orphan,
    renewable: body.renewable ?? before.renewable,
    pathSuffix: body.path_suffix ?? before.pathSuffix,
    period: body.token_period ?? body.period ?? before.period,
    explicitMaxTtl: body.token_explicit_max_ttl ?? body.explicit_max_ttl ?? before.explicitMaxTtl,
    boundCidrs: readCidrs('token_bound_cidrs', body.token_bound_cidrs ?? body.bound_cidrs ?? before.boundCidrs),
    numUses: body.token_num_uses ?? before.numUses,
    noDefaultPolicy: body.token_no_default_policy ?? before.noDefaultPolicy,
    tokenType: body.token_type === undefined ? before.tokenType : readType(body.token_type),
    expires: body.expires === undefined ? before.expires : readExpires(body.expires),
  };
  check(role);
  await context.storage.putJson(`token/roles/${name}`, role);
  const warnings: string[] = [];
  for (const member of ['period', 'explicit_max_ttl', 'bound_cidrs'] as const) {
    if (body[member] !== undefined && body[`token_${member}`] !== undefined) {
      warnings.push(`Both 'token_${member}' and deprecated '${member}' value supplied, ignoring the deprecated value`);
    }
  }
  if (role.explicitMaxTtl > systemLeaseTtl) {
    warnings.push(
      `Given explicit max TTL of ${role.explicitMaxTtl} is greater than system/mount allowed value of ${systemLeaseTtl} seconds; tokens get the lesser of the two`,
    );
  }
  return warnings.length > 0 ? { warnings } : noContent;
}

async function remove(context: RouteContext): Promise<Reply> {
  await context.storage.delete(`token/roles/${nameOf(context)}`);
  return noContent;
}

function nameOf(context: RouteContext): string {
  return context.params['role'] ?? '';
}

function unset(name: string): TokenRole {
  return {
    name,
    allowedPolicies: [],
    disallowedPolicies: [],
    allowedPoliciesGlob: [],
    disallowedPoliciesGlob: [],
    allowedEntityAliases: [],
    orphan: false,
    renewable: true,
    pathSuffix: '',
    period: 0,
    explicitMaxTtl: 0,
    boundCidrs: [],
    numUses: 0,
    noDefaultPolicy: false,
    tokenType: 'default-service',
    expires: null,
  };
}

/** Unlike the policies that a token gets, a list of refused ones may hold `root` beside others. */
function policyNames(names: readonly string[]): readonly string[] {
  for (const name of names) policySet([name], false);
  return [...new Set(names)].sort();
}

function readType(text: string): TokenRoleType {
  const type = types.find((known) => known === text);
  if (type === undefined) throw badRequest(`invalid 'token_type' value ${JSON.stringify(text.slice(0, 64))}`);
  return type;
}

function check(role: TokenRole): void {
  if (role.period < 0) throw badRequest("error parsing role fields: 'token_period' cannot be negative");
  if (role.explicitMaxTtl < 0) throw badRequest("error parsing role fields: 'token_explicit_max_ttl' cannot be negative");
  if (role.numUses < 0) throw badRequest("error parsing role fields: 'token_num_uses' cannot be negative");
  if (role.pathSuffix !== '' && (!suffixForm.test(role.pathSuffix) || role.pathSuffix.includes('..'))) {
    throw badRequest(
      'given role path suffix contains invalid characters; it holds letters, digits, "_", "-" and single dots inside',
    );
  }
  if (role.tokenType !== 'batch') return;
  const refuse = (what: string): never => {
    throw badRequest(`'token_type' cannot be 'batch' when role is set to generate ${what}`);
  };
  if (!role.orphan) refuse('non-orphan tokens');
  if (role.period !== 0) refuse('periodic tokens');
  if (role.renewable) refuse('renewable tokens');
  if (role.explicitMaxTtl !== 0) refuse('tokens with an explicit max TTL');
  if (role.numUses !== 0) refuse('tokens with limited use count');
}
