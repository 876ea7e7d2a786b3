import { isFreeIdentifier, isIdentifier } from '../base/name.ts';
import { badRequest } from '../protocol/request-error.ts';

/** Built-in policies that nobody may write or delete. `root` is not stored. */
export const fixedPolicies: readonly string[] = ['root', 'response-wrapping'];

/** What is wrong with a name for a policy, or null. Case counts, but a name may not be a built-in one in another case. */
export function policyNameProblem(name: string): string | null {
  if (!isIdentifier(name)) {
    return 'a policy name has 1 to 128 letters, digits, ".", "_", "@" or "-" and starts with a letter or digit';
  }
  if (name === 'default' || fixedPolicies.includes(name) || isFreeIdentifier(name, [...fixedPolicies, 'default'])) return null;
  return `the policy name ${JSON.stringify(name)} is reserved: it differs from ${JSON.stringify(name.toLowerCase())} only in case`;
}

/** Throws RequestError 400 for a built-in policy that can't be changed in this way. */
export function refuseBuiltIn(name: string, action: 'update' | 'delete'): void {
  if (fixedPolicies.includes(name)) throw badRequest(`cannot ${action} ${JSON.stringify(name)} policy`);
  if (action === 'delete' && name === 'default') throw badRequest('cannot delete default policy');
}
