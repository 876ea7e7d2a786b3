import type { Json } from '../base/json.ts';

/** The words of a rule, in the order in which they are printed. `deny` always stands alone. */
export const ruleCapabilities = ['create', 'read', 'update', 'patch', 'delete', 'list', 'sudo', 'deny'] as const;
export type RuleCapability = (typeof ruleCapabilities)[number];

/** Values that a parameter may (or may not) have, by its name in lower case; an empty list: any value. */
export type Parameters = Readonly<Record<string, readonly Json[]>>;

/**
 * What one policy says about one pattern of paths, as the parser makes it: a leading `/` of the path is gone,
 * capabilities are distinct and in the order of `ruleCapabilities`, names of parameters are in lower case, a part
 * without content is absent, and a rule that denies has no other part.
 */
export interface PolicyRule {
  /** A path, or with a `*` at its end a prefix; a segment `+` stands for any one segment, `{{…}}` for a part of an identity. */
  readonly path: string;
  readonly capabilities: readonly RuleCapability[];
  /** Only these parameters; the name `*`: and any other. */
  readonly allowedParameters?: Parameters;
  /** None of these; the name `*`: no parameter at all. */
  readonly deniedParameters?: Parameters;
  /** Each of these must be there. Lower case. */
  readonly requiredParameters?: readonly string[];
  /** Seconds. A limit of either kind makes wrapping of the reply mandatory. */
  readonly minWrappingTtl?: number;
  readonly maxWrappingTtl?: number;
}

/** The rules of a named policy. */
export interface Policy {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
}

/** Characters of a policy's text. */
export const maxPolicyLength = 256 * 1024;

export function inPrintOrder(capabilities: Iterable<string>): RuleCapability[] {
  const given = new Set(capabilities);
  return ruleCapabilities.filter((capability) => given.has(capability));
}

/** Does the path hold a part of an identity? Such a rule grants nothing until it is filled in. */
export function isTemplated(path: string): boolean {
  return path.includes('{{');
}
