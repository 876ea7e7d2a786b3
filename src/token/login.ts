import type { Login, RouteContext } from '../core/mount-type.ts';
import { refuseInternal } from '../core/policy-names.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import { replyAuth } from './create.ts';
import { policySet } from './policies.ts';
import { entityMember, newAccessor, newServiceToken, type TokenRecord } from './token.ts';
import type { TokenDesk } from './tokens.ts';
import { grantedTtl } from './ttl.ts';

/** Makes the token of a login: an orphan that rests on the role which granted it. Throws RequestError 400 to refuse. */
export async function issueToken(desk: TokenDesk, context: RouteContext, login: Login): Promise<Reply> {
  const { mount, now } = context;
  const policies = policySet(login.policies, !login.noDefaultPolicy);
  if (policies.includes('root')) throw badRequest('auth methods cannot create root tokens');
  refuseInternal(policies);
  const forced = mount.config.tokenType;
  const type = forced === 'service' || forced === 'batch' ? forced : login.type;
  if (type === 'batch' && (login.numUses !== 0 || login.period !== 0)) {
    throw badRequest('batch tokens can have neither a limit of uses nor a period; the role or the mount must change');
  }
  const granted = grantedTtl({
    increment: 0,
    ttl: login.ttl,
    period: login.period,
    maxTtl: login.maxTtl,
    explicitMaxTtl: login.explicitMaxTtl,
    config: mount.config,
    issuedAt: now,
    now,
  });
  const { identity } = desk.parts;
  const entityId = login.alias === null ? '' : await identity.entityOf(context, mount.accessor, login.alias);
  const record: TokenRecord = {
    accessor: type === 'batch' ? '' : newAccessor(context.random),
    parent: null,
    depth: 0,
    policies,
    path: context.request.path,
    meta: login.metadata,
    displayName: `${mount.path.replaceAll('/', '-')}-${login.displayName}`.replace(/-$/, ''),
    ...entityMember(entityId),
    role: null,
    grant: login.role === null ? null : { mountId: mount.id, role: login.role },
    mountId: mount.id,
    numUses: login.numUses,
    usesLeft: login.numUses,
    createdAt: now,
    creationTtl: granted.ttl,
    lastTtl: granted.ttl,
    renewedAt: null,
    expiresAt: granted.expiresAt,
    due: type === 'batch' ? null : granted.expiresAt,
    explicitMaxTtl: login.explicitMaxTtl,
    maxTtl: login.maxTtl,
    period: login.period,
    renewable: type === 'service' && login.renewable,
    boundCidrs: login.boundCidrs,
    ...(type === 'batch' ? {} : await desk.counted(context)),
  };
  const tokens = await desk.openFor(context);
  let token: string;
  if (type === 'batch') token = tokens.batchToken(record, context.random);
  else {
    token = newServiceToken(context.random);
    await tokens.records.add(tokens.idOf(token), record);
  }
  return {
    auth: replyAuth(token, record, type, true, await desk.identityOf(context, record)),
    ...(granted.warnings.length > 0 ? { warnings: granted.warnings } : {}),
  };
}
