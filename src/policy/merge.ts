import { canonicalJson, type Json } from '../base/json.ts';
import { inPrintOrder, type Parameters, type PolicyRule } from './rule.ts';

/**
 * What two rules for the same path say together: the union of their capabilities, where `deny` beats all; of two
 * wrapping limits the lower; of parameters the union, where any value beats a list of values. A rule that names no
 * allowed parameters does not widen those of the other.
 */
export function mergeRules(a: PolicyRule, b: PolicyRule): PolicyRule {
  if (a.capabilities.includes('deny')) return a;
  if (b.capabilities.includes('deny')) return b;
  const allowedParameters = mergeParameters(a.allowedParameters, b.allowedParameters);
  const deniedParameters = mergeParameters(a.deniedParameters, b.deniedParameters);
  const requiredParameters = [...new Set([...(a.requiredParameters ?? []), ...(b.requiredParameters ?? [])])];
  const minWrappingTtl = lower(a.minWrappingTtl, b.minWrappingTtl);
  const maxWrappingTtl = lower(a.maxWrappingTtl, b.maxWrappingTtl);
  return {
    path: a.path,
    capabilities: inPrintOrder([...a.capabilities, ...b.capabilities]),
    ...(allowedParameters && { allowedParameters }),
    ...(deniedParameters && { deniedParameters }),
    ...(requiredParameters.length > 0 && { requiredParameters }),
    ...(minWrappingTtl && { minWrappingTtl }),
    ...(maxWrappingTtl && { maxWrappingTtl }),
  };
}

/** Equal meaning, equal rules: one rule for each path, sorted by path, with every list that is a set sorted. */
export function normalizeRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const byPath = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const other = byPath.get(rule.path);
    byPath.set(rule.path, other === undefined ? rule : mergeRules(other, rule));
  }
  return [...byPath.values()].sort((a, b) => compare(a.path, b.path)).map(sorted);
}

function sorted(rule: PolicyRule): PolicyRule {
  return {
    ...rule,
    ...(rule.allowedParameters && { allowedParameters: sortedParameters(rule.allowedParameters) }),
    ...(rule.deniedParameters && { deniedParameters: sortedParameters(rule.deniedParameters) }),
    ...(rule.requiredParameters && { requiredParameters: [...new Set(rule.requiredParameters)].sort(compare) }),
  };
}

function sortedParameters(parameters: Parameters): Parameters {
  const entries = Object.entries(parameters).sort(([a], [b]) => compare(a, b));
  return Object.fromEntries(entries.map(([name, values]) => [name, sortedValues(values)]));
}

function sortedValues(values: readonly Json[]): readonly Json[] {
  const byText = new Map(values.map((value) => [canonicalJson(value), value]));
  return [...byText].sort(([a], [b]) => compare(a, b)).map(([, value]) => value);
}

function mergeParameters(a: Parameters | undefined, b: Parameters | undefined): Parameters | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const merged = new Map(Object.entries(a));
  for (const [name, values] of Object.entries(b)) {
    const others = merged.get(name);
    const any = values.length === 0 || others?.length === 0;
    merged.set(name, any ? [] : [...(others ?? []), ...values]);
  }
  return Object.fromEntries(merged);
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  return a !== undefined && b !== undefined ? Math.min(a, b) : (a ?? b);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
