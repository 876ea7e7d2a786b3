import type { JsonObject } from '../base/json.ts';
import type { Acl } from '../core/caller.ts';
import type { Route } from '../core/mount-type.ts';
import { permissionDenied } from '../protocol/request-error.ts';
import { compiledRules, rootAcl } from './acl.ts';
import type { PolicyRule } from './rule.ts';

/** All that the policies of the caller say, for a user interface that hides what they don't allow. */
export const resultantAclRoute: Route = {
  path: 'internal/ui/resultant-acl',
  summary: 'What the policies of this token say.',
  operations: {
    read: {
      summary: 'Shows the rules for exact paths and for prefixes.',
      handle: ({ caller }) => {
        if (caller === null) throw permissionDenied();
        return Promise.resolve({ data: shownAcl(caller.acl) });
      },
    },
  },
};

/** Rules with a `+` are not told: the API has no place for them. */
function shownAcl(acl: Acl): JsonObject {
  if (acl === rootAcl) return { root: true };
  const exact: Record<string, JsonObject> = {};
  const glob: Record<string, JsonObject> = {};
  for (const rule of compiledRules(acl)) {
    if (rule.path.split('/').includes('+')) continue;
    if (rule.path.endsWith('*')) glob[rule.path.slice(0, -1)] = shownRule(rule);
    else exact[rule.path] = shownRule(rule);
  }
  return { root: false, exact_paths: exact, glob_paths: glob };
}

function shownRule(rule: PolicyRule): JsonObject {
  return {
    capabilities: rule.capabilities.length === 0 ? ['deny'] : [...rule.capabilities].sort(),
    ...(rule.minWrappingTtl === undefined ? {} : { min_wrapping_ttl: rule.minWrappingTtl }),
    ...(rule.maxWrappingTtl === undefined ? {} : { max_wrapping_ttl: rule.maxWrappingTtl }),
    ...(rule.allowedParameters === undefined ? {} : { allowed_parameters: rule.allowedParameters }),
    ...(rule.deniedParameters === undefined ? {} : { denied_parameters: rule.deniedParameters }),
    ...(rule.requiredParameters === undefined ? {} : { required_parameters: rule.requiredParameters }),
  };
}
