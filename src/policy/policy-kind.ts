import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { Kind, LensContext, LiveObject, ResourceName, SpecProblem, SpecSchema } from '../kinds/kind.ts';
import { HclError } from './hcl-error.ts';
import { parsePolicy, toHcl } from './hcl.ts';
import { normalizeRules } from './merge.ts';
import { patternProblem } from './pattern.ts';
import { maxPolicyLength, type PolicyRule, ruleCapabilities } from './rule.ts';
import { expandSecretRule, secretTarget } from './secret-rule.ts';
import { ruleFromSpec, ruleItemProblems, ruleToSpec } from './spec-rule.ts';
import { fixedPolicies } from './policy-name.ts';
import { templateProblem } from './template.ts';

const parameters = (description: string): SpecSchema => ({
  type: 'object',
  description,
  additionalProperties: {
    type: 'array',
    description: 'The values, a text with `*` at its start, its end or both; an empty list: any value.',
    items: { type: ['string', 'number', 'boolean', 'array', 'object'], description: 'A value.' },
  },
});

const wrappingTtl = (which: string): SpecSchema => ({
  type: 'string',
  format: 'duration',
  description: `The ${which} time for which the reply is wrapped. With either limit, wrapping is mandatory.`,
});

const rule: SpecSchema = {
  type: 'object',
  description:
    'What is allowed (or denied) on one pattern of paths. The most specific pattern alone decides, whatever others say.',
  required: ['capabilities'],
  oneOf: [{ required: ['path'] }, { required: ['secret'] }],
  additionalProperties: false,
  properties: {
    path: {
      type: 'string',
      minLength: 1,
      description:
        'An API path, without `/v1/`. `+` stands for one whole segment, `*` at the end for any rest, `{{identity.entity.name}}` and its like for what is known of the caller.',
      examples: ['db/creds/payments', 'kv/data/payments/*', 'kv/data/people/{{identity.entity.name}}/*'],
    },
    secret: {
      type: 'string',
      minLength: 1,
      description: 'The path of a secret as people know it, in a kv mount of either version: `data/` and the like are filled in.',
      examples: ['kv/payments/*'],
    },
    capabilities: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { type: 'string', enum: ruleCapabilities, description: 'A capability.' },
      description: 'What may be done; `deny` stands alone and beats all other rules for the same pattern.',
    },
    allowedParameters: parameters('Only these fields of a request, by name. The name `*`: any other, too.'),
    deniedParameters: parameters('None of these fields of a request, by name. The name `*`: no field at all.'),
    requiredParameters: {
      type: 'array',
      uniqueItems: true,
      items: { type: 'string', minLength: 1, description: 'The name of a field.' },
      description: 'Fields that a request must have.',
    },
    minWrappingTtl: wrappingTtl('shortest'),
    maxWrappingTtl: wrappingTtl('longest'),
  },
};

/**
 * A policy. Normalised, its rules are those of the API: a `secret` rule has become its `path` rules, rules for one path
 * are merged, all are sorted. So the plan shows what is really granted, a capability that someone added by hand is one
 * changed line at its path (folding paths back into `secret` would have the whole rule fall apart), and what was last
 * applied stays comparable when a mount changes its version. Layout and comments of the live text don't count.
 */
export const policyKind: Kind = {
  kind: 'Policy',
  description: 'What the tokens that have this policy may do.',
  spec: {
    type: 'object',
    description: 'The rules of the policy.',
    required: ['rules'],
    additionalProperties: false,
    properties: {
      rules: { type: 'array', minItems: 1, maxItems: 1000, items: rule, description: 'In any order: the order means nothing.' },
    },
  },
  mountField: null,
  mountKind: null,
  nameRule: 'identifier',
  reservedNames: [...fixedPolicies, 'default'],
  importId: "the policy's name",
  normalize: (spec, _resource, context) => {
    const { rules, unresolved } = rulesOf(spec, context);
    return { rules: [...normalizeRules(rules).map(ruleToSpec), ...unresolved] };
  },
  check,
  reads: (resource) => [{ operation: 'read', path: pathOf(resource) }],
  read: ([reply]) => (reply === null || reply === undefined ? null : live(reply)),
  write: ({ after }, resource, context) => {
    const { rules, unresolved } = rulesOf(after, context);
    // Without its mount a rule can't be written, and without the rule (it may be a deny) nor can the policy.
    if (unresolved.length > 0) throw new TypeError('a policy with an unknown mount was not checked');
    return [{ operation: 'write', path: pathOf(resource), data: { policy: toHcl(normalizeRules(rules)) } }];
  },
  remove: (resource) => [{ operation: 'delete', path: pathOf(resource), data: {} }],
};

function pathOf(resource: ResourceName): string {
  return `sys/policies/acl/${resource.name}`;
}

/** A live text that can't be read (another server took it) shows as the reason in place of the rules. */
function live(reply: JsonObject): LiveObject {
  const text = typeof reply['policy'] === 'string' ? reply['policy'] : '';
  try {
    return { spec: { rules: normalizeRules(parsePolicy(text)).map(ruleToSpec) }, mark: null };
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    return { spec: { rules: [], unparsable: error.message }, mark: null };
  }
}

/** All rules over API paths, and the items whose mount is unknown: those are `check`'s to report. */
function rulesOf(spec: JsonObject, context: LensContext): { readonly rules: PolicyRule[]; readonly unresolved: JsonObject[] } {
  const rules: PolicyRule[] = [];
  const unresolved: JsonObject[] = [];
  for (const item of itemsOf(spec)) {
    const { secret, path, ...rest } = ruleFromSpec(item);
    if (secret === undefined) {
      rules.push({ ...rest, path: path ?? '' });
      continue;
    }
    const target = secretTarget(secret, context);
    if ('problem' in target) unresolved.push(item);
    else rules.push(...expandSecretRule(rest, target));
  }
  return { rules, unresolved };
}

function itemsOf(spec: JsonObject): readonly JsonObject[] {
  return Array.isArray(spec['rules']) ? (spec['rules'] as readonly JsonObject[]).filter(isJsonObject) : [];
}

function check(spec: JsonObject, _resource: ResourceName, context: LensContext): readonly SpecProblem[] {
  const problems = itemsOf(spec).flatMap((item, index) =>
    ruleProblems(item, context).map((problem) => ({ ...problem, at: `/rules/${index}${problem.at}` })),
  );
  return problems.length > 0 ? problems : wholeProblems(normalizeRules(rulesOf(spec, context).rules));
}

function ruleProblems(item: JsonObject, context: LensContext): readonly SpecProblem[] {
  const problems = [...ruleItemProblems(item)];
  const { secret, path, ...rest } = ruleFromSpec(item);
  const field = secret === undefined ? '/path' : '/secret';
  const written = secret ?? path ?? '';
  const pattern = patternProblem(written) ?? templateProblem(written);
  if (pattern !== null) return [...problems, { at: field, message: pattern }];
  if (secret === undefined) return problems;
  const target = secretTarget(secret, context);
  if ('problem' in target) return [...problems, { at: field, message: target.problem }];
  if (rest.capabilities.includes('sudo')) {
    problems.push({
      at: '/capabilities',
      message: 'sudo means nothing on a secret',
      hint: 'use path for an API path that needs it',
    });
  }
  if (target.version === '2' && (rest.allowedParameters || rest.deniedParameters || rest.requiredParameters)) {
    problems.push({
      at: '',
      message: 'on kv version 2 all fields of a secret are one parameter, `data`, so a policy cannot tell them apart',
      hint: `use path: ${target.mount}/data/${target.rest}`,
    });
  }
  for (const expanded of expandSecretRule(rest, target)) {
    const problem = patternProblem(expanded.path);
    if (problem !== null) return [...problems, { at: field, message: `${expanded.path}: ${problem}` }];
  }
  return problems;
}

/** What only the rules together show. */
function wholeProblems(rules: readonly PolicyRule[]): readonly SpecProblem[] {
  for (const { path, minWrappingTtl = 0, maxWrappingTtl = 0 } of rules) {
    if (maxWrappingTtl > 0 && minWrappingTtl > maxWrappingTtl) {
      return [{ at: '/rules', message: `the wrapping limits of the rules for ${path} exclude each other` }];
    }
  }
  const text = toHcl(rules);
  if (text.length > maxPolicyLength) {
    return [{ at: '/rules', message: `the policy has ${text.length} characters as HCL, more than ${maxPolicyLength}` }];
  }
  return [];
}
