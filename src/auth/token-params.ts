import type { JsonObject } from '../base/json.ts';
import type { Login, RouteContext } from '../core/mount-type.ts';
import { refuseInternal } from '../core/policy-names.ts';
import type { Body, Fields } from '../protocol/field.ts';
import { badRequest } from '../protocol/request-error.ts';
import { policySet } from '../token/policies.ts';
import { readCidrs } from '../token/role.ts';

/** What a role of any auth method says about the tokens of its logins. Durations in seconds, 0 for "not set". */
export interface TokenParams {
  readonly policies: readonly string[];
  readonly ttl: number;
  readonly maxTtl: number;
  readonly explicitMaxTtl: number;
  readonly period: number;
  readonly numUses: number;
  readonly boundCidrs: readonly string[];
  readonly strictlyBindIp: boolean;
  readonly noDefaultPolicy: boolean;
  readonly type: 'default' | 'service' | 'batch';
}

export const unsetTokenParams: TokenParams = {
  policies: [],
  ttl: 0,
  maxTtl: 0,
  explicitMaxTtl: 0,
  period: 0,
  numUses: 0,
  boundCidrs: [],
  strictlyBindIp: false,
  noDefaultPolicy: false,
  type: 'default',
};

/** The `token_…` fields that the roles of all auth methods have. */
export const tokenParamFields = {
  token_policies: { type: 'strings', description: 'The policies of the tokens.' },
  token_ttl: { type: 'duration', description: 'How long a token lives unless it is renewed.' },
  token_max_ttl: { type: 'duration', description: 'The greatest age of a token, asked again at each renewal.' },
  token_explicit_max_ttl: { type: 'duration', description: 'The greatest age of a token, fixed when it is made.' },
  token_period: { type: 'duration', description: 'Tokens live for this long after each renewal, without a maximum.' },
  token_num_uses: { type: 'int', description: 'How often a token may be used; 0: without limit.' },
  token_bound_cidrs: { type: 'strings', description: 'The addresses from which the tokens work.' },
  token_strictly_bind_ip: { type: 'bool', description: 'Bind each token to the address of its login.' },
  token_no_default_policy: { type: 'bool', description: 'Do not add the policy `default` to tokens.' },
  token_type: { type: 'string', description: 'service or batch; default: as the mount says.' },
} as const satisfies Fields;

/** The parameters after a write: what is not sent stays as it is. Throws RequestError 400 for what cannot be. */
export function changedTokenParams(before: TokenParams, body: Body<typeof tokenParamFields>): TokenParams {
  const params: TokenParams = {
    policies: body.token_policies === undefined ? before.policies : policySet(body.token_policies, false),
    ttl: body.token_ttl ?? before.ttl,
    maxTtl: body.token_max_ttl ?? before.maxTtl,
    explicitMaxTtl: body.token_explicit_max_ttl ?? before.explicitMaxTtl,
    period: body.token_period ?? before.period,
    numUses: body.token_num_uses ?? before.numUses,
    boundCidrs: readCidrs('token_bound_cidrs', body.token_bound_cidrs ?? before.boundCidrs),
    strictlyBindIp: body.token_strictly_bind_ip ?? before.strictlyBindIp,
    noDefaultPolicy: body.token_no_default_policy ?? before.noDefaultPolicy,
    type: body.token_type === undefined ? before.type : readType(body.token_type),
  };
  // A login would refuse it; better to say so at once.
  if (params.policies.includes('root')) throw badRequest('auth methods cannot create root tokens');
  refuseInternal(params.policies);
  for (const [name, value] of [
    ['token_ttl', params.ttl],
    ['token_max_ttl', params.maxTtl],
    ['token_explicit_max_ttl', params.explicitMaxTtl],
    ['token_period', params.period],
    ['token_num_uses', params.numUses],
  ] as const) {
    if (value < 0) throw badRequest(`'${name}' cannot be negative`);
  }
  if (params.maxTtl > 0 && params.ttl > params.maxTtl) throw badRequest("'token_ttl' cannot be greater than 'token_max_ttl'");
  if (params.type === 'batch' && params.period !== 0) {
    throw badRequest("'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens");
  }
  if (params.type === 'batch' && params.numUses !== 0) {
    throw badRequest("'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count");
  }
  if (params.strictlyBindIp && params.boundCidrs.length > 0) {
    throw badRequest("'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one");
  }
  return params;
}

/** As the Vault API shows it: a single address without its prefix. */
function shownBlock(block: string): string {
  return block.replace(block.includes(':') ? /\/128$/ : /\/32$/, '');
}

export function shownTokenParams(params: TokenParams): JsonObject {
  return {
    token_policies: params.policies,
    token_ttl: params.ttl,
    token_max_ttl: params.maxTtl,
    token_explicit_max_ttl: params.explicitMaxTtl,
    token_period: params.period,
    token_num_uses: params.numUses,
    token_bound_cidrs: params.boundCidrs.map(shownBlock),
    token_strictly_bind_ip: params.strictlyBindIp,
    token_no_default_policy: params.noDefaultPolicy,
    token_type: params.type,
  };
}

/** What these parameters say about a login from the address of the request. Throws RequestError 400 without an address to bind to. */
export function loginTerms(
  params: TokenParams,
  context: RouteContext,
): Omit<Login, 'role' | 'displayName' | 'metadata' | 'alias'> {
  let boundCidrs = params.boundCidrs;
  if (params.strictlyBindIp) {
    const { remote } = context.request;
    if (remote === null) throw badRequest('the role binds tokens to the address of their login, and this login has none');
    boundCidrs = [remote.address];
  }
  const byMount = context.mount.config.tokenType === 'default-batch' ? 'batch' : 'service';
  return {
    policies: params.policies,
    ttl: params.ttl,
    maxTtl: params.maxTtl,
    explicitMaxTtl: params.explicitMaxTtl,
    period: params.period,
    numUses: params.numUses,
    boundCidrs,
    noDefaultPolicy: params.noDefaultPolicy,
    type: params.type === 'default' ? byMount : params.type,
    renewable: true,
  };
}

function readType(text: string): TokenParams['type'] {
  switch (text) {
    case '':
    case 'default':
      return 'default';
    case 'service':
    case 'default-service':
      return 'service';
    case 'batch':
    case 'default-batch':
      return 'batch';
    default:
      throw badRequest(`invalid 'token_type' value ${JSON.stringify(text.slice(0, 64))}`);
  }
}
