import type { Json, JsonObject } from '../../src/base/json.ts';
import type { AclQuestion } from '../../src/core/caller.ts';
import type { Policy, PolicyRule } from '../../src/policy/rule.ts';

/**
 * The semantics of Vault's ACLs the slow way, for comparison: every rule is looked at for every question, and nothing
 * is prepared. Written after the rules, not after src/.
 */
export interface Verdict {
  readonly allowed: boolean;
  readonly granting: readonly string[];
  readonly capabilities: readonly string[];
}

interface Pattern {
  readonly path: string;
  readonly rules: readonly { readonly policy: string; readonly rule: PolicyRule }[];
}

export function decide(policies: readonly Policy[], question: AclQuestion): Verdict {
  const patterns = patternsOf(policies);
  const listing = question.verb === 'list';
  const path = listing && !question.path.endsWith('/') ? `${question.path}/` : question.path;
  const found = find(patterns, path, listing);
  const forCapabilities = find(patterns, question.path, true);
  const allowed = found !== null && allows(found, question);
  return {
    allowed,
    granting: allowed ? grantingOf(found, question.verb) : [],
    capabilities: forCapabilities === null ? ['deny'] : capabilitiesOf(forCapabilities),
  };
}

function patternsOf(policies: readonly Policy[]): readonly Pattern[] {
  const all = policies.flatMap(({ name, rules }) => rules.map((rule) => ({ policy: name, rule })));
  const usable = all.filter(({ rule }) => !rule.path.includes('{{'));
  const paths = [...new Set(usable.map(({ rule }) => rule.path))];
  return paths.map((path) => ({ path, rules: usable.filter(({ rule }) => rule.path === path) }));
}

function find(patterns: readonly Pattern[], path: string, listing: boolean): Pattern | null {
  const bare = path.replace(/\/$/, '');
  const exactly = (wanted: string) => patterns.find((pattern) => isExact(pattern.path) && pattern.path === wanted) ?? null;
  return (
    exactly(path) ??
    (listing ? exactly(bare) : null) ??
    best(patterns, path) ??
    (listing && bare !== path ? best(patterns, bare) : null)
  );
}

const isSegmentPattern = (path: string): boolean =>
  path.split('/').some((segment, index) => segment.startsWith('+') && (index > 0 || segment === '+'));
const isExact = (path: string): boolean => !path.endsWith('*') && !isSegmentPattern(path);

function best(patterns: readonly Pattern[], path: string): Pattern | null {
  const matching = patterns.filter((pattern) => !isExact(pattern.path) && matches(pattern.path, path));
  return matching.reduce<Pattern | null>(
    (winner, next) => (winner === null || goesBefore(next.path, winner.path) ? next : winner),
    null,
  );
}

function matches(pattern: string, path: string): boolean {
  const rest = pattern.endsWith('*');
  const body = rest ? pattern.slice(0, -1) : pattern;
  if (!isSegmentPattern(pattern)) return path.startsWith(body);
  const [wanted, given] = [body.split('/'), path.split('/')];
  if (rest ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((segment, index) => {
    const part = given[index] ?? '';
    return segment === '+' || segment === part || (rest && index === wanted.length - 1 && part.startsWith(segment));
  });
}

/** Does pattern `a` have the higher priority? */
function goesBefore(a: string, b: string): boolean {
  const [left, right] = [features(a), features(b)];
  for (const [index, mine] of left.entries()) {
    const other = right[index];
    if (typeof mine === 'number' && typeof other === 'number' && mine !== other) return mine > other;
  }
  return Buffer.compare(Buffer.from(a.replace(/\*$/, '')), Buffer.from(b.replace(/\*$/, ''))) > 0;
}

/** A greater number goes first, the first differing one decides. */
function features(pattern: string): readonly number[] {
  const body = pattern.replace(/\*$/, '');
  const bytes = (text: string): number => Buffer.from(text).length;
  const firstWildcard = isSegmentPattern(pattern) ? bytes(pattern.slice(0, pattern.indexOf('+'))) : bytes(body);
  const plus = body.split('/').filter((segment) => segment === '+').length;
  return [firstWildcard, pattern.endsWith('*') ? 0 : 1, -plus, bytes(body)];
}

function capabilitiesOf({ rules }: Pattern): readonly string[] {
  const all = new Set<string>(rules.flatMap(({ rule }) => rule.capabilities));
  return all.has('deny') || all.size === 0 ? ['deny'] : [...all].sort();
}

function grantingOf({ rules }: Pattern, verb: string): readonly string[] {
  return [
    ...new Set(rules.filter(({ rule }) => (rule.capabilities as readonly string[]).includes(verb)).map(({ policy }) => policy)),
  ];
}

function allows(pattern: Pattern, { verb, data, wrapTtl, sudo }: AclQuestion): boolean {
  const capabilities = capabilitiesOf(pattern);
  if (!capabilities.includes(verb) || (sudo && !capabilities.includes('sudo'))) return false;
  const rules = pattern.rules.map(({ rule }) => rule);
  const min = Math.min(...rules.map((rule) => rule.minWrappingTtl ?? Infinity));
  const max = Math.min(...rules.map((rule) => rule.maxWrappingTtl ?? Infinity));
  if ((min < Infinity || max < Infinity) && wrapTtl === null) return false;
  if (min < Infinity && (wrapTtl ?? 0) < min) return false;
  if (max < Infinity && (wrapTtl ?? 0) > max) return false;
  if (verb === 'list' || verb === 'delete') return true;
  return parametersAllow(rules, data);
}

function parametersAllow(rules: readonly PolicyRule[], data: JsonObject): boolean {
  const sent = Object.entries(data);
  if (!rules.flatMap((rule) => rule.requiredParameters ?? []).every((name) => Object.hasOwn(data, name))) return false;
  const denied = listOf(rules, 'deniedParameters');
  const allowed = listOf(rules, 'allowedParameters');
  if (sent.length === 0) return true;
  if (denied.some(([name]) => name === '*')) return false;
  for (const [key, value] of sent) if (isIn(denied, key.toLowerCase(), value)) return false;
  if (allowed.length === 0) return true;
  const any = allowed.some(([name]) => name === '*');
  return sent.every(([key, value]) => {
    const named = allowed.some(([name]) => name === key.toLowerCase());
    return named ? isIn(allowed, key.toLowerCase(), value) : any;
  });
}

type Entries = readonly (readonly [name: string, values: readonly Json[]])[];

function listOf(rules: readonly PolicyRule[], field: 'allowedParameters' | 'deniedParameters'): Entries {
  return rules.flatMap((rule) => Object.entries(rule[field] ?? {}));
}

function isIn(entries: Entries, name: string, value: Json): boolean {
  const lists = entries.filter(([key]) => key === name).map(([, values]) => values);
  return lists.some((values) => values.length === 0 || values.some((item) => fits(item, value)));
}

function fits(item: Json, value: Json): boolean {
  if (typeof item !== 'string' || typeof value !== 'string')
    return JSON.stringify(sorted(item)) === JSON.stringify(sorted(value));
  if (item.length < 2 || !/^\*|\*$/.test(item)) return item === value;
  const core = item.replace(/^\*/, '').replace(/\*$/, '');
  const pattern = core.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  return new RegExp(`${item.startsWith('*') ? '' : '^'}${pattern}${item.endsWith('*') ? '' : '$'}`, 's').test(value);
}

/** Objects with sorted members, and marked so that `{}` is not `[]`. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return { object: members.map(([key, member]) => [key, sorted(member)]) };
}
