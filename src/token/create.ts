import { instantText } from '../base/instant.ts';
import { runOf } from '../core/corridor.ts';
import { allPolicies } from '../core/authenticate.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import type { Identity } from '../core/ports.ts';
import { readFields, type Body, type Fields } from '../protocol/field.ts';
import type { Reply, ReplyAuth } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import { globMatches, resolvePolicies } from './policies.ts';
import { readTokenRole, type TokenRole } from './role.ts';
import { entityMember, isRoot, maxDepth, newAccessor, newServiceToken, tokenPrefixes, type TokenRecord } from './token.ts';
import { callerOf, hasSudo, type TokenDesk, type Tokens } from './tokens.ts';
import { grantedTtl, leastLimit } from './ttl.ts';

const fields = {
  id: { type: 'string', description: 'The token itself, instead of a random one; needs sudo.', default: '' },
  policies: {
    type: 'strings',
    description: 'A subset of the policies of the parent, unless a role or sudo allows others.',
    default: [],
  },
  no_default_policy: { type: 'bool', description: 'Do not add the policy `default`.', default: false },
  no_parent: { type: 'bool', description: 'Make an orphan; needs sudo.', default: false },
  display_name: { type: 'string', description: 'A name for the audit log; it gets the prefix `token-`.', default: '' },
  meta: { type: 'stringMap', description: 'Text by name, which the audit log shows.' },
  num_uses: { type: 'int', description: 'How often it may be used; 0: without limit.', default: 0 },
  renewable: { type: 'bool', description: 'Can it be renewed?', default: true },
  ttl: { type: 'duration', description: 'How long it lives unless it is renewed.', default: 0 },
  lease: { type: 'duration', description: 'Use ttl.', default: 0 },
  explicit_max_ttl: { type: 'duration', description: 'Its greatest age, whatever renewals say.', default: 0 },
  period: {
    type: 'duration',
    description: 'It lives for this long after each renewal, without a maximum; needs sudo.',
    default: 0,
  },
  type: { type: 'string', description: 'service or batch.', default: '' },
  entity_alias: { type: 'string', description: 'Whose token it is: an alias at auth/token that the role allows.', default: '' },
} as const satisfies Fields;
type Wanted = Body<typeof fields>;

/** `create`, `create-orphan` and `create/<role>`. */
export function createRoutes(desk: TokenDesk): readonly Route[] {
  return [
    {
      path: 'create',
      summary: 'Makes a token.',
      operations: {
        write: {
          summary: 'Makes a child of the token that asks.',
          fields,
          handle: (context) => create(desk, context, false, null),
        },
      },
    },
    {
      path: 'create-orphan',
      summary: 'Makes a token without a parent.',
      operations: { write: { summary: 'Makes an orphan.', fields, handle: (context) => create(desk, context, true, null) } },
    },
    {
      path: 'create/:role',
      summary: 'Makes a token as a token role says.',
      operations: {
        write: { summary: 'Makes it.', fields, handle: async (context) => create(desk, context, false, await roleOf(context)) },
      },
    },
  ];
}

async function roleOf(context: RouteContext): Promise<TokenRole> {
  const name = context.params['role'] ?? '';
  const role = await readTokenRole(context.storage, name);
  if (role === null) throw badRequest(`unknown role ${name}`);
  if (role.expires !== null && role.expires <= context.now) {
    throw badRequest(`the role ${name} expired at ${instantText(role.expires)}; give it a later date, or use another`);
  }
  return role;
}

async function create(desk: TokenDesk, context: RouteContext, orphanRoute: boolean, role: TokenRole | null): Promise<Reply> {
  const wanted = readFields(fields, context.data);
  const caller = callerOf(context);
  if (caller.tokenType === 'batch') throw badRequest('batch tokens cannot create more tokens');
  const tokens = await desk.openFor(context);
  const parent = await tokens.records.get(caller.tokenId);
  if (parent === null) throw badRequest('parent token lookup failed: no parent found');
  // Otherwise it could escape its limit.
  if (parent.numUses > 0) throw badRequest('restricted use token cannot generate child tokens');
  if (wanted.num_uses < 0) throw badRequest('number of uses cannot be negative');
  for (const name of ['ttl', 'lease', 'explicit_max_ttl', 'period'] as const) {
    if (wanted[name] < 0) throw badRequest(`${name} must be positive`);
  }
  const sudo = hasSudo(context);
  const type = tokenType(wanted, role);
  const entityOfAlias = await entityFor(desk, context, wanted.entity_alias, role);
  const orphan = isOrphan(wanted, orphanRoute, role, sudo);
  if (wanted.period > 0 && !sudo) throw badRequest('root or sudo privileges required to create periodic token');
  const policies = resolvePolicies({
    requested: wanted.policies,
    noDefaultPolicy: wanted.no_default_policy,
    parent: parent.policies,
    sudo,
    role,
  });
  if (type === 'batch' && policies.includes('root')) throw badRequest('batch tokens cannot be root tokens');

  const warnings: string[] = [];
  const life = lifeOf(context, wanted, role, policies, warnings);
  if (life.expiresAt === null && parent.expiresAt !== null) {
    throw badRequest('expiring root tokens cannot create non-expiring root tokens');
  }
  const depth = orphan ? 0 : parent.depth + 1;
  if (depth > maxDepth) {
    throw badRequest(`tokens descend from each other over at most ${maxDepth} steps; create an orphan instead`);
  }
  const numUses = leastLimit(wanted.num_uses, role?.numUses ?? 0);
  const suffix = role?.pathSuffix === undefined || role.pathSuffix === '' ? '' : `/${role.pathSuffix}`;
  const record: TokenRecord = {
    accessor: type === 'batch' ? '' : newAccessor(context.random),
    parent: orphan ? null : caller.tokenId,
    depth,
    policies,
    path: `${context.request.path}${suffix}`,
    meta: wanted.meta ?? null,
    displayName: displayName(wanted.display_name),
    ...entityMember(entityOfAlias ?? (orphan ? '' : (parent.entityId ?? ''))),
    role: role?.name ?? null,
    grant: role === null ? null : { mountId: context.mount.id, role: role.name },
    mountId: null,
    numUses,
    usesLeft: numUses,
    createdAt: context.now,
    creationTtl: life.ttl,
    lastTtl: life.ttl,
    renewedAt: null,
    expiresAt: life.expiresAt,
    due: type === 'batch' ? null : life.expiresAt,
    explicitMaxTtl: wanted.explicit_max_ttl,
    maxTtl: 0,
    period: wanted.period,
    renewable: type === 'service' && life.expiresAt !== null && wanted.renewable && (role?.renewable ?? true),
    boundCidrs: life.expiresAt === null ? [] : role !== null ? role.boundCidrs : orphan ? [] : parent.boundCidrs,
    // Whoever must make room has a root token made.
    ...(type === 'batch' || policies.includes('root') ? {} : await desk.counted(context)),
  };
  for (const policy of policies) {
    if (!(await desk.parts.policyExists(runOf(context).core, policy))) warnings.push(`Policy "${policy}" does not exist`);
  }
  const token =
    type === 'batch'
      ? carried(context, tokens, wanted, record)
      : await stored(desk, context, tokens, wanted.id, record, warnings);
  const auth = replyAuth(token, record, type, orphan, await desk.identityOf(context, record));
  return { auth, ...(warnings.length > 0 ? { warnings } : {}) };
}

/** The id of the entity that the caller may name as the one behind the new token; null: none was named. */
async function entityFor(desk: TokenDesk, context: RouteContext, alias: string, role: TokenRole | null): Promise<string | null> {
  if (alias === '') return null;
  if (role === null) throw badRequest("'entity_alias' is only allowed in combination with token role");
  if (!role.allowedEntityAliases.some((allowed) => globMatches(allowed, alias))) throw badRequest("invalid 'entity_alias' value");
  return desk.parts.identity.entityOf(context, context.mount.accessor, { name: alias, metadata: {} });
}

function carried(context: RouteContext, tokens: Tokens, wanted: Wanted, record: TokenRecord): string {
  if (wanted.id !== '') throw badRequest('the ID of a batch token cannot be chosen');
  return tokens.batchToken(record, context.random);
}

async function stored(
  desk: TokenDesk,
  context: RouteContext,
  tokens: Tokens,
  chosen: string,
  record: TokenRecord,
  warnings: string[],
): Promise<string> {
  if (chosen === '') {
    const token = newServiceToken(context.random);
    await tokens.records.add(tokens.idOf(token), record);
    return token;
  }
  checkChosen(context, chosen);
  warnings.push('A token that a person chose can be guessed as well as any password; leave the ID out to get a random one');
  const id = tokens.idOf(chosen);
  const former = await tokens.records.get(id);
  if (former !== null && !(await desk.works(context, tokens, { id, type: 'service', record: former }))) {
    await (await desk.revocation(context)).tree(id);
  }
  // What still descends from a former token of this ID would come to life again.
  if (await tokens.records.isTaken(id)) throw badRequest('cannot create a token with a duplicate ID');
  await tokens.records.add(id, record);
  return chosen;
}

/** The `auth` part of the reply that gives or renews a token. `identity`: who is behind it; null: nobody. */
export function replyAuth(
  token: string,
  record: TokenRecord,
  type: 'service' | 'batch',
  orphan: boolean,
  identity: Identity | null,
): ReplyAuth {
  const ofIdentity = identity?.policies ?? [];
  return {
    client_token: token,
    accessor: record.accessor,
    policies: allPolicies(record.policies, ofIdentity),
    token_policies: record.policies,
    identity_policies: ofIdentity,
    metadata: record.meta,
    lease_duration: record.lastTtl,
    renewable: record.renewable,
    entity_id: record.entityId ?? '',
    token_type: type,
    orphan,
    num_uses: record.numUses,
  };
}

function tokenType(wanted: Wanted, role: TokenRole | null): 'service' | 'batch' {
  let type: string = wanted.type;
  if (role?.tokenType === 'service' || role?.tokenType === 'batch') type = role.tokenType;
  else if (role?.tokenType === 'default-batch' && type === '') type = 'batch';
  if (type === '' || type === 'service') return 'service';
  if (type !== 'batch') throw badRequest("invalid 'token_type' value");
  for (const name of ['explicit_max_ttl', 'num_uses', 'period'] as const) {
    if (wanted[name] !== 0) throw badRequest(`batch tokens cannot have "${name}" set`);
  }
  // A limit that the role sets must not be lost because the token is of the other type.
  if ((role?.numUses ?? 0) !== 0) throw badRequest('batch tokens cannot have "num_uses" set, and the role sets it');
  if ((role?.period ?? 0) !== 0) throw badRequest('batch tokens cannot have "period" set, and the role sets it');
  return 'batch';
}

function isOrphan(wanted: Wanted, orphanRoute: boolean, role: TokenRole | null, sudo: boolean): boolean {
  if (role !== null) return role.orphan;
  if (wanted.no_parent && !sudo) throw badRequest('root or sudo privileges required to create orphan token');
  return wanted.no_parent || orphanRoute;
}

interface Life {
  /** Seconds; 0: without end. */
  readonly ttl: number;
  /** Milliseconds since the epoch; null: never. */
  readonly expiresAt: number | null;
}

/** How long it lives. Only a root token for which nobody asked for an end has none. */
function lifeOf(
  context: RouteContext,
  wanted: Wanted,
  role: TokenRole | null,
  policies: readonly string[],
  warnings: string[],
): Life {
  const explicitMaxTtl = lesser(wanted.explicit_max_ttl, role?.explicitMaxTtl ?? 0, 'Explicit max TTL', warnings);
  const period = lesser(wanted.period, role?.period ?? 0, 'Period', warnings);
  const ttl = wanted.ttl > 0 ? wanted.ttl : wanted.lease;
  if (isRoot({ policies }) && ttl === 0 && period === 0 && explicitMaxTtl === 0) return { ttl: 0, expiresAt: null };
  const granted = grantedTtl({
    increment: 0,
    // A root token that has nothing but an explicit maximum lives until then.
    ttl: isRoot({ policies }) && ttl === 0 ? explicitMaxTtl : ttl,
    period,
    maxTtl: 0,
    explicitMaxTtl,
    config: context.mount.config,
    issuedAt: context.now,
    now: context.now,
  });
  warnings.push(...granted.warnings);
  return granted;
}

function lesser(asked: number, role: number, name: string, warnings: string[]): number {
  const least = leastLimit(asked, role);
  if (asked === 0 || role === 0) return least;
  warnings.push(`${name} specified both during creation call and in role; using the lesser value of ${least} seconds`);
  return least;
}

function checkChosen(context: RouteContext, id: string): void {
  if (!hasSudo(context)) throw badRequest('root or sudo privileges required to specify token id');
  const prefix = tokenPrefixes.find((known) => id.startsWith(known));
  if (prefix !== undefined) throw badRequest(`custom token ID cannot have the '${prefix}' prefix`);
  if (id.includes('.')) throw badRequest("custom token ID cannot have a '.' in the value");
  if (!/^[\x21-\x7e]{1,256}$/.test(id)) {
    throw badRequest('custom token ID must be 1 to 256 printable ASCII characters without spaces');
  }
}

function displayName(sent: string): string {
  if (sent === '') return 'token';
  return `token-${sent}`.replaceAll(/[^a-zA-Z0-9-]/g, '-').replace(/-$/, '');
}
