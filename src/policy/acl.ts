import type { Acl, AclAnswer, AclQuestion, Capability } from '../core/caller.ts';
import type { Identity } from '../core/ports.ts';
import { mergeRules } from './merge.ts';
import { type ParameterCheck, parameterCheck } from './parameters.ts';
import { goesFirst, PathIndex } from './path-index.ts';
import { isTemplated, type Policy, type PolicyRule, type RuleCapability } from './rule.ts';
import { fillPath } from './template.ts';

const refused: AclAnswer = { allowed: false, granting: [] };

/** The policy `root`: everything, everywhere. It only counts alone. */
export const rootAcl: Acl = {
  allows: () => ({ allowed: true, granting: [{ name: 'root', type: 'acl' }] }),
  capabilities: () => ['root'],
  reaches: () => true,
};

/** What all policies of a set say about one pattern. */
interface Permission {
  readonly rule: PolicyRule;
  readonly capabilities: ReadonlySet<RuleCapability>;
  readonly granting: ReadonlyMap<RuleCapability, AclAnswer['granting']>;
  readonly parameters: ParameterCheck | null;
}

/** A rule, and the name of the policy that has it. */
interface NamedRule {
  readonly policy: string;
  readonly rule: PolicyRule;
}

/** The union of policies for somebody who is nobody in particular. */
export function compileAcl(policies: readonly Policy[]): Acl {
  return new PolicySet(policies).acl(null);
}

/**
 * The union of policies, with the semantics of Vault's ACLs. The rule for exactly the path goes first, then the most
 * specific pattern; rules of several policies for the same pattern are merged, and nothing else is: a more specific
 * rule takes the place of a broader one, whether it gives more or less. A list is asked of `x/`, and where nothing
 * matches that, of `x`. Templated paths are filled in for each identity and lie above the others, which are compiled
 * once for all.
 */
export class PolicySet {
  readonly #common: Permissions;
  readonly #templated: readonly NamedRule[];
  readonly #forNobody: Acl;

  constructor(policies: readonly Policy[]) {
    const rules = policies.flatMap(({ name, rules: all }) => all.map((rule): NamedRule => ({ policy: name, rule })));
    this.#common = new Permissions(rules.filter(({ rule }) => !isTemplated(rule.path)));
    this.#templated = rules.filter(({ rule }) => isTemplated(rule.path));
    this.#forNobody = new CompiledAcl(this.#common, null);
  }

  /** How many of its rules depend on who asks. */
  get templatedRules(): number {
    return this.#templated.length;
  }

  /**
   * What it says for somebody; null: nobody in particular, for whom templated rules say nothing. So it is where a part
   * of the path is unknown, or a forbidden value would be in it. But where a rule that denies can't be written down for
   * such a value, nothing is allowed at all: somebody would choose a value in order not to be denied.
   */
  acl(identity: Identity | null): Acl {
    if (identity === null || this.#templated.length === 0) return this.#forNobody;
    const filled: NamedRule[] = [];
    for (const { policy, rule } of this.#templated) {
      const found = fillPath(rule.path, identity);
      if (found === 'forbidden' && rule.capabilities.includes('deny')) return nothing;
      if (typeof found === 'object') filled.push({ policy, rule: { ...rule, path: found.path } });
    }
    return filled.length === 0 ? this.#forNobody : new CompiledAcl(this.#common, new Permissions(filled, this.#common));
  }
}

/** Merged rules by their pattern. */
class Permissions {
  readonly byPattern: ReadonlyMap<string, Permission>;
  readonly index: PathIndex<Permission>;

  /** `below`: what else is said about these patterns, which is merged into them. */
  constructor(rules: readonly NamedRule[], below?: Permissions) {
    this.byPattern = merged(rules, below?.byPattern ?? new Map());
    this.index = new PathIndex(this.byPattern);
  }
}

class CompiledAcl implements Acl {
  readonly #common: Permissions;
  /** For one identity; its patterns stand in place of the same ones in `common`. */
  readonly #own: Permissions | null;

  constructor(common: Permissions, own: Permissions | null) {
    this.#common = common;
    this.#own = own;
  }

  allows({ verb, path, data, wrapTtl, sudo }: AclQuestion): AclAnswer {
    const permission = this.#find(verb === 'list' && !path.endsWith('/') ? `${path}/` : path, verb === 'list');
    if (permission === undefined || !permission.capabilities.has(verb)) return refused;
    if (sudo && !permission.capabilities.has('sudo')) return refused;
    if (!wrappingFits(permission.rule, wrapTtl)) return refused;
    if (verb !== 'list' && verb !== 'delete' && permission.parameters?.(data) === false) return refused;
    return { allowed: true, granting: permission.granting.get(verb) ?? [] };
  }

  capabilities(path: string): readonly Capability[] {
    const found = this.#find(path, true)?.capabilities;
    return found === undefined || found.size === 0 ? ['deny'] : [...found].sort();
  }

  reaches(prefix: string): boolean {
    for (const [pattern, { capabilities }] of this.permissions()) {
      if (capabilities.size > 0 && !capabilities.has('deny') && patternReaches(pattern, prefix)) return true;
    }
    return false;
  }

  /** Every pattern that counts, with what is said about it. */
  *permissions(): Iterable<readonly [pattern: string, permission: Permission]> {
    if (this.#own !== null) yield* this.#own.byPattern;
    for (const entry of this.#common.byPattern) if (this.#own?.byPattern.has(entry[0]) !== true) yield entry;
  }

  #find(path: string, listing: boolean): Permission | undefined {
    const bare = listing && path.endsWith('/') ? path.slice(0, -1) : null;
    return (
      this.#exact(path) ??
      (bare === null ? undefined : this.#exact(bare)) ??
      this.#pattern(path) ??
      (bare === null ? undefined : this.#pattern(bare))
    );
  }

  #exact(path: string): Permission | undefined {
    return this.#own?.index.exact(path) ?? this.#common.index.exact(path);
  }

  #pattern(path: string): Permission | undefined {
    return goesFirst(this.#own?.index.pattern(path), this.#common.index.pattern(path))?.value;
  }
}

/** The merged rules of a compiled set, those for the identity included; none for any other Acl. */
export function compiledRules(acl: Acl): readonly PolicyRule[] {
  return acl instanceof CompiledAcl ? [...acl.permissions()].map(([, { rule }]) => rule) : [];
}

const nothing: Acl = new CompiledAcl(new Permissions([]), null);

function patternReaches(pattern: string, prefix: string): boolean {
  const wildcard = pattern.search(/[*+]/);
  // A rule for `kv` also counts for a list of `kv/`.
  if (wildcard === -1) return `${pattern}/`.startsWith(prefix);
  const literal = pattern.slice(0, wildcard);
  return literal.startsWith(prefix) || prefix.startsWith(literal);
}

/** Limits of merged rules may exclude each other: then nothing fits. */
function wrappingFits({ minWrappingTtl: min = 0, maxWrappingTtl: max = 0 }: PolicyRule, wrapTtl: number | null): boolean {
  if (max > 0 && (wrapTtl === null || wrapTtl > max)) return false;
  return min === 0 || (wrapTtl !== null && wrapTtl >= min);
}

function merged(rules: readonly NamedRule[], below: ReadonlyMap<string, Permission>): ReadonlyMap<string, Permission> {
  const entries = new Map<string, { rule: PolicyRule; readonly granting: Map<RuleCapability, Set<string>> }>();
  for (const { policy, rule } of rules) {
    let entry = entries.get(rule.path);
    const other = entry?.rule ?? below.get(rule.path)?.rule;
    const whole = other === undefined ? rule : mergeRules(other, rule);
    if (entry !== undefined) entry.rule = whole;
    else entries.set(rule.path, (entry = { rule: whole, granting: namesOf(below.get(rule.path)) }));
    for (const capability of rule.capabilities) {
      const names = entry.granting.get(capability);
      if (names === undefined) entry.granting.set(capability, new Set([policy]));
      else names.add(policy);
    }
  }
  return new Map([...entries].map(([path, { rule, granting }]) => [path, permissionOf(rule, granting)]));
}

function namesOf(permission: Permission | undefined): Map<RuleCapability, Set<string>> {
  return new Map([...(permission?.granting ?? [])].map(([word, policies]) => [word, new Set(policies.map(({ name }) => name))]));
}

function permissionOf(rule: PolicyRule, granting: ReadonlyMap<RuleCapability, ReadonlySet<string>>): Permission {
  return {
    rule,
    capabilities: new Set(rule.capabilities),
    granting: new Map(
      [...granting].map(([capability, names]) => [capability, [...names].map((name) => ({ name, type: 'acl' as const }))]),
    ),
    parameters: parameterCheck(rule),
  };
}
