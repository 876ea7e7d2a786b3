import type { Acl, AclAnswer, AclQuestion, Capability } from '../core/mount-type.ts';
import { mergeRules } from './merge.ts';
import { type ParameterCheck, parameterCheck } from './parameters.ts';
import { PathIndex } from './path-index.ts';
import { isTemplated, type Policy, type PolicyRule, type RuleCapability } from './rule.ts';

const refused: AclAnswer = { allowed: false, granting: [] };

/** The policy `root`: everything, everywhere. It only counts alone. */
export const rootAcl: Acl = {
  allows: () => ({ allowed: true, granting: [{ name: 'root', type: 'acl' }] }),
  capabilities: () => ['root'],
  reaches: () => true,
};

/** What all policies of a set say about one pattern. */
interface Permission {
  readonly capabilities: ReadonlySet<RuleCapability>;
  readonly granting: ReadonlyMap<RuleCapability, AclAnswer['granting']>;
  readonly parameters: ParameterCheck | null;
  /** Seconds; 0: no limit. */
  readonly minWrappingTtl: number;
  readonly maxWrappingTtl: number;
}

/**
 * The union of policies, with the semantics of Vault's ACLs. The rule for exactly the path goes first, then the most
 * specific pattern; rules of several policies for the same pattern are merged, and nothing else is: a more specific
 * rule takes the place of a broader one, whether it gives more or less. A list is asked of `x/`, and where nothing
 * matches that, of `x`. Templated paths grant nothing as long as callers have no entity.
 */
export function compileAcl(policies: readonly Policy[]): Acl {
  return new CompiledAcl(permissions(policies));
}

class CompiledAcl implements Acl {
  readonly #index: PathIndex<Permission>;
  /** The patterns that give something. */
  readonly #granting: readonly string[];

  constructor(byPattern: ReadonlyMap<string, Permission>) {
    this.#index = new PathIndex(byPattern);
    this.#granting = [...byPattern]
      .filter(([, { capabilities }]) => capabilities.size > 0 && !capabilities.has('deny'))
      .map(([pattern]) => pattern);
  }

  allows({ verb, path, data, wrapTtl, sudo }: AclQuestion): AclAnswer {
    const permission = this.#find(verb === 'list' && !path.endsWith('/') ? `${path}/` : path, verb === 'list');
    if (permission === undefined || !permission.capabilities.has(verb)) return refused;
    if (sudo && !permission.capabilities.has('sudo')) return refused;
    if (!wrappingFits(permission, wrapTtl)) return refused;
    if (verb !== 'list' && verb !== 'delete' && permission.parameters?.(data) === false) return refused;
    return { allowed: true, granting: permission.granting.get(verb) ?? [] };
  }

  capabilities(path: string): readonly Capability[] {
    const found = this.#find(path, true)?.capabilities;
    return found === undefined || found.size === 0 ? ['deny'] : [...found].sort();
  }

  reaches(prefix: string): boolean {
    return this.#granting.some((pattern) => {
      const wildcard = pattern.search(/[*+]/);
      // A rule for `kv` also counts for a list of `kv/`.
      if (wildcard === -1) return `${pattern}/`.startsWith(prefix);
      const literal = pattern.slice(0, wildcard);
      return literal.startsWith(prefix) || prefix.startsWith(literal);
    });
  }

  #find(path: string, listing: boolean): Permission | undefined {
    const bare = listing && path.endsWith('/') ? path.slice(0, -1) : null;
    return (
      this.#index.exact(path) ??
      (bare === null ? undefined : this.#index.exact(bare)) ??
      this.#index.pattern(path) ??
      (bare === null ? undefined : this.#index.pattern(bare))
    );
  }
}

/** Limits of merged rules may exclude each other: then nothing fits. */
function wrappingFits({ minWrappingTtl, maxWrappingTtl }: Permission, wrapTtl: number | null): boolean {
  if (maxWrappingTtl > 0 && (wrapTtl === null || wrapTtl > maxWrappingTtl)) return false;
  return minWrappingTtl === 0 || (wrapTtl !== null && wrapTtl >= minWrappingTtl);
}

function permissions(policies: readonly Policy[]): ReadonlyMap<string, Permission> {
  const merged = new Map<string, { rule: PolicyRule; readonly granting: Map<RuleCapability, Set<string>> }>();
  for (const { name, rules } of policies) {
    for (const rule of rules) {
      if (isTemplated(rule.path)) continue;
      let entry = merged.get(rule.path);
      if (entry === undefined) merged.set(rule.path, (entry = { rule, granting: new Map() }));
      else entry.rule = mergeRules(entry.rule, rule);
      for (const capability of rule.capabilities) {
        const names = entry.granting.get(capability);
        if (names === undefined) entry.granting.set(capability, new Set([name]));
        else names.add(name);
      }
    }
  }
  return new Map([...merged].map(([path, { rule, granting }]) => [path, permissionOf(rule, granting)]));
}

function permissionOf(rule: PolicyRule, granting: ReadonlyMap<RuleCapability, ReadonlySet<string>>): Permission {
  return {
    capabilities: new Set(rule.capabilities),
    granting: new Map(
      [...granting].map(([capability, names]) => [capability, [...names].map((name) => ({ name, type: 'acl' as const }))]),
    ),
    parameters: parameterCheck(rule),
    minWrappingTtl: rule.minWrappingTtl ?? 0,
    maxWrappingTtl: rule.maxWrappingTtl ?? 0,
  };
}
