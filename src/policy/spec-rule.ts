import { parseDuration, shortDuration } from '../base/duration.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import type { SpecProblem } from '../kinds/kind.ts';
import { inPrintOrder, type Parameters, type PolicyRule } from './rule.ts';

/** A rule of a document: over `path` or over `secret`. */
export type SpecRule = Omit<PolicyRule, 'path'> & { readonly path?: string; readonly secret?: string };

/** The rule of a document that fits its schema. */
export function ruleFromSpec(item: JsonObject): SpecRule {
  const { path, secret } = item;
  const where = { ...(typeof path === 'string' && { path }), ...(typeof secret === 'string' && { secret }) };
  const capabilities = inPrintOrder(stringsOf(item['capabilities']));
  if (capabilities.includes('deny')) return { ...where, capabilities: ['deny'] };
  const allowedParameters = parametersOf(item['allowedParameters']);
  const deniedParameters = parametersOf(item['deniedParameters']);
  const requiredParameters = [...new Set(stringsOf(item['requiredParameters']).map((name) => name.toLowerCase()))];
  const minWrappingTtl = parseDuration(item['minWrappingTtl']);
  const maxWrappingTtl = parseDuration(item['maxWrappingTtl']);
  return {
    ...where,
    capabilities,
    ...(allowedParameters && { allowedParameters }),
    ...(deniedParameters && { deniedParameters }),
    ...(requiredParameters.length > 0 && { requiredParameters }),
    ...(minWrappingTtl && { minWrappingTtl }),
    ...(maxWrappingTtl && { maxWrappingTtl }),
  };
}

/** A rule as a document has it. */
export function ruleToSpec({ minWrappingTtl, maxWrappingTtl, ...rule }: PolicyRule): JsonObject {
  return {
    ...rule,
    ...(minWrappingTtl && { minWrappingTtl: shortDuration(minWrappingTtl) }),
    ...(maxWrappingTtl && { maxWrappingTtl: shortDuration(maxWrappingTtl) }),
  };
}

/** What the schema can't say about one rule, apart from its path. Pointers are relative to the rule. */
export function ruleItemProblems(item: JsonObject): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const capabilities = stringsOf(item['capabilities']);
  if (capabilities.includes('deny')) {
    const others = Object.keys(item).filter((key) => !['path', 'secret', 'capabilities'].includes(key));
    if (capabilities.length > 1)
      problems.push({ at: '/capabilities', message: 'deny stands alone: it takes every other capability away' });
    for (const key of others) problems.push({ at: `/${key}`, message: 'a rule that denies has no further limits' });
  }
  for (const field of ['allowedParameters', 'deniedParameters']) {
    if (isJsonObject(item[field])) problems.push(...parameterProblems(item[field], `/${field}`));
  }
  const limits = ['minWrappingTtl', 'maxWrappingTtl'].map((field) => {
    const seconds = parseDuration(item[field] ?? 0);
    if (seconds === null || seconds < 0 || !Number.isSafeInteger(seconds)) {
      problems.push({ at: `/${field}`, message: 'expected a duration of whole seconds, such as 90s or 1h' });
    }
    return seconds ?? 0;
  });
  const [min = 0, max = 0] = limits;
  if (max > 0 && min > max) problems.push({ at: '/maxWrappingTtl', message: 'it is less than minWrappingTtl' });
  return problems;
}

function parameterProblems(parameters: JsonObject, at: string): SpecProblem[] {
  const names = Object.keys(parameters).map((name) => name.toLowerCase());
  if (new Set(names).size < names.length) return [{ at, message: 'two names differ only in case, which does not count' }];
  return isWritable(parameters, 4) ? [] : [{ at, message: 'a value is null, a number that is too large, or nested too deep' }];
}

/** Can the policy language say this value? */
function isWritable(value: Json, depth: number): boolean {
  if (depth < 0 || value === null) return false;
  if (typeof value === 'number') return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object') return true;
  const members = Array.isArray(value) ? (value as readonly Json[]) : Object.values(value);
  return members.every((member) => isWritable(member, depth - 1));
}

function parametersOf(value: Json | undefined): Parameters | null {
  if (!isJsonObject(value) || Object.keys(value).length === 0) return null;
  return Object.fromEntries(
    Object.entries(value).map(([name, values]) => [name.toLowerCase(), Array.isArray(values) ? (values as readonly Json[]) : []]),
  );
}

function stringsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter((item) => typeof item === 'string') : [];
}
