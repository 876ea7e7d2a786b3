import { namedPolicies, refuseInternal } from '../core/policy-names.ts';
import { badRequest } from '../protocol/request-error.ts';

/** The policies of a token, as `namedPolicies`; `root` makes every other one moot. */
export function policySet(names: readonly string[], addDefault: boolean): string[] {
  const given = namedPolicies(addDefault ? [...names, 'default'] : names);
  return given.includes('root') ? ['root'] : given;
}

/** What a token role says about policies. */
export interface PolicyRules {
  readonly allowedPolicies: readonly string[];
  readonly disallowedPolicies: readonly string[];
  readonly allowedPoliciesGlob: readonly string[];
  readonly disallowedPoliciesGlob: readonly string[];
  readonly noDefaultPolicy: boolean;
}

/** What is known of a token to be made, as far as its policies go. */
export interface PolicyRequest {
  readonly requested: readonly string[];
  readonly noDefaultPolicy: boolean;
  /** The policies of the token that asks. */
  readonly parent: readonly string[];
  /** Has the token that asks `sudo` on the path? */
  readonly sudo: boolean;
  readonly role: PolicyRules | null;
}

/**
 * The policies of a token to be made, as the Vault API has it: those of a role that allows or disallows any; else the
 * parent's, or a subset of them, or with sudo any. Throws RequestError 400 to refuse.
 */
export function resolvePolicies(request: PolicyRequest): string[] {
  const { role, requested, parent, noDefaultPolicy } = request;
  let policies: string[];
  if (role !== null && hasRules(role)) policies = byRole(request, role);
  else if (requested.length === 0) policies = policySet(parent, false);
  else if (request.sudo) policies = policySet(requested, !noDefaultPolicy);
  else {
    policies = policySet(requested, false);
    // Whoever has every policy may pass on any: that is the sudo case.
    if (!policies.every((name) => parent.includes(name))) throw badRequest('child policies must be subset of parent');
    policies = policySet(policies, !noDefaultPolicy && parent.includes('default'));
  }
  if (noDefaultPolicy) policies = policies.filter((name) => name !== 'default');
  refuseInternal(policies);
  if (policies.includes('root') && !parent.includes('root')) {
    throw badRequest('root tokens may not be created without parent token being root');
  }
  return policies;
}

function hasRules(role: PolicyRules): boolean {
  return [role.allowedPolicies, role.disallowedPolicies, role.allowedPoliciesGlob, role.disallowedPoliciesGlob].some(
    (list) => list.length > 0,
  );
}

function byRole(request: PolicyRequest, role: PolicyRules): string[] {
  const addDefault =
    !request.noDefaultPolicy &&
    !role.noDefaultPolicy &&
    !matches('default', role.disallowedPolicies, role.disallowedPoliciesGlob);
  const allows = role.allowedPolicies.length > 0 || role.allowedPoliciesGlob.length > 0;
  const allowed = policySet(role.allowedPolicies, addDefault);
  let policies: string[];
  if (request.requested.length === 0) policies = allows ? allowed : policySet(request.parent, addDefault);
  else {
    policies = policySet(request.requested, addDefault);
    if (allows && !policies.every((name) => matches(name, allowed, role.allowedPoliciesGlob))) {
      throw badRequest(
        `token policies (${quoted(policies)}) must be subset of the role's allowed policies (${quoted(allowed)}) or glob policies (${quoted(role.allowedPoliciesGlob)})`,
      );
    }
  }
  const refused = policies.find((name) => matches(name, role.disallowedPolicies, role.disallowedPoliciesGlob));
  if (refused !== undefined) throw badRequest(`token policy "${refused}" is disallowed by this role`);
  return policies;
}

function quoted(names: readonly string[]): string {
  return `[${names.map((name) => JSON.stringify(name)).join(' ')}]`;
}

function matches(name: string, exact: readonly string[], globs: readonly string[]): boolean {
  return exact.includes(name) || globs.some((glob) => globMatches(glob, name));
}

/** `*` stands for any text, anywhere in the pattern. */
export function globMatches(glob: string, text: string): boolean {
  const [head = '', ...rest] = glob.split('*');
  if (rest.length === 0) return glob === text;
  const tail = rest.pop() ?? '';
  if (!text.startsWith(head) || text.length < head.length + tail.length || !text.endsWith(tail)) return false;
  const end = text.length - tail.length;
  let from = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, from);
    if (found === -1 || found + part.length > end) return false;
    from = found + part.length;
  }
  return true;
}
