import { namedPolicies, refuseInternal } from '../core/policy-names.ts';
import { badRequest } from '../protocol/request-error.ts';

/** The policies of an entity or a group, as `namedPolicies`. Throws RequestError 400 for those that none may have, too. */
export function identityPolicies(names: readonly string[]): readonly string[] {
  const policies = namedPolicies(names);
  if (policies.includes('root')) throw badRequest('policies cannot contain root');
  refuseInternal(policies);
  return policies;
}
