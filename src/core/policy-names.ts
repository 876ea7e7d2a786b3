import { isFreeIdentifier } from '../base/name.ts';
import { badRequest } from '../protocol/request-error.ts';

/** Policies that only the store itself gives to a token. */
const internal: readonly string[] = ['response-wrapping', 'control-group'];
const reserved: readonly string[] = ['root', 'default', ...internal];

/**
 * Names of policies that tokens, entities or groups shall have, as a set, sorted, without empty ones. Throws RequestError
 * 400 for a name that is not canonical, or that differs from a reserved one only by case.
 */
export function namedPolicies(names: readonly string[]): string[] {
  const given = names.filter((name) => name !== '');
  for (const name of given) {
    if (reserved.includes(name) || isFreeIdentifier(name, reserved)) continue;
    throw badRequest(`invalid policy name ${JSON.stringify(name.slice(0, 128))}`);
  }
  return [...new Set(given)].sort();
}

/** Throws RequestError 400 for a policy that nobody may assign. */
export function refuseInternal(policies: readonly string[]): void {
  const found = policies.find((name) => internal.includes(name));
  if (found !== undefined) throw badRequest(`cannot assign policy "${found}"`);
}
