import { isFreeIdentifier } from '../base/name.ts';
import { badRequest } from '../protocol/request-error.ts';

/** What only the store itself gives to a token. */
const internal = ['response-wrapping', 'control-group'];
const reserved = ['root', 'default', ...internal];

/**
 * The policies of an entity or a group: a set, sorted, without empty names. Throws RequestError 400 for `root`, for those that nobody may
 * assign, and for a name that is not canonical or differs from a reserved one only by case.
 */
export function identityPolicies(names: readonly string[]): readonly string[] {
  const given = names.filter((name) => name !== '');
  for (const name of given) {
    if (name === 'root') throw badRequest('policies cannot contain root');
    if (internal.includes(name)) throw badRequest(`cannot assign policy ${JSON.stringify(name)}`);
    if (name !== 'default' && !isFreeIdentifier(name, reserved)) {
      throw badRequest(`invalid policy name ${JSON.stringify(name.slice(0, 128))}`);
    }
  }
  return [...new Set(given)].sort();
}
