import { givingWay } from '../base/giving-way.ts';
import type { Random } from '../base/random.ts';
import { drawCharacters, maxAlphabet } from './charset.ts';
import { type HclDocument, type HclValue, parseHcl } from './hcl-syntax.ts';
import { asString, type LabelledBlock, labelledBlocks, quoteHcl } from './hcl-value.ts';

/** What a generated password looks like: characters of all rules together, and at least so many of each. */
export interface PasswordPolicy {
  /** In characters (Unicode code points). */
  readonly length: number;
  readonly rules: readonly CharsetRule[];
}

export interface CharsetRule {
  readonly charset: string;
  readonly minChars: number;
}

export const minPasswordLength = 4;
export const maxPasswordLength = 100;
export const maxPasswordRules = 32;
const maxTextLength = 64 * 1024;
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u;

/** What a policy without rules stands for. */
export const builtInRules: readonly CharsetRule[] = [
  { charset: 'abcdefghijklmnopqrstuvwxyz', minChars: 1 },
  { charset: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', minChars: 1 },
  { charset: '0123456789', minChars: 1 },
  { charset: '-', minChars: 1 },
];

/**
 * Reads the text of a password policy (https://developer.hashicorp.com/vault/docs/concepts/password-policies) or its
 * JSON form: `length = 20` and any number of `rule "charset" { charset = "abc" min-chars = 1 }`. Throws HclError.
 */
export function parsePasswordPolicy(text: string): PasswordPolicy {
  const document = parseHcl(text, maxTextLength);
  let length: number | null = null;
  const rules: CharsetRule[] = [];
  let last = 0;
  for (const item of document.items) {
    const [key] = item.keys;
    last = key?.at ?? last;
    if (key?.text === 'length') length = wholeNumber(document, item.value);
    else if (key?.text === 'rule') {
      const blocks = labelledBlocks(document, item, 'a rule names its type: rule "charset" { … }');
      rules.push(...blocks.map((block) => ruleOf(document, block)));
    } else throw document.problem(last, `a password policy has length and rule, no ${JSON.stringify(key?.text)}`);
  }
  if (length === null) throw document.problem(last, 'a password policy needs a length: length = 20');
  const policy = { length, rules: rules.length === 0 ? builtInRules : rules };
  const problem = passwordPolicyProblem(policy);
  if (problem !== null) throw document.problem(last, problem.message);
  return policy;
}

/** What makes a policy impossible or unsafe, with a JSON pointer to it; null: nothing. */
export function passwordPolicyProblem({
  length,
  rules,
}: PasswordPolicy): { readonly at: string; readonly message: string } | null {
  if (length < minPasswordLength || length > maxPasswordLength) {
    return { at: '/length', message: `a password has ${minPasswordLength} to ${maxPasswordLength} characters, not ${length}` };
  }
  if (rules.length > maxPasswordRules) return { at: '/rules', message: `there are more than ${maxPasswordRules} rules` };
  for (const [index, { charset }] of rules.entries()) {
    if (!printable.test(charset))
      return { at: `/rules/${index}/charset`, message: 'a charset consists of printable characters, at least one' };
  }
  const needed = rules.reduce((sum, rule) => sum + rule.minChars, 0);
  if (needed > length) return { at: '/length', message: `the rules require ${needed} characters, but the length is ${length}` };
  const size = alphabetOf(rules).length;
  if (size < 2) return { at: '/rules', message: 'with one character there is only one password' };
  return size > maxAlphabet ? { at: '/rules', message: `the charsets have more than ${maxAlphabet} different characters` } : null;
}

/** Candidates between two turns of all others. */
const atOnce = 20;

/**
 * A password, each one that fits the rules with the same chance: candidates are drawn from the whole alphabet until one
 * fits, never bent to fit. Null: none of `tries` did. Rules that hardly anything fits keep nobody else waiting.
 */
export async function drawPassword(policy: PasswordPolicy, random: Random, tries: number): Promise<string | null> {
  const giveWay = givingWay(atOnce);
  const alphabet = alphabetOf(policy.rules);
  const needs = policy.rules
    .filter(({ minChars }) => minChars > 0)
    .map(({ charset, minChars }) => ({ charset: new Set(charset), minChars }));
  for (let attempt = 0; attempt < tries; attempt++) {
    if (attempt > 0) await giveWay();
    const candidate = drawCharacters(random, policy.length, alphabet);
    const fits = needs.every(
      ({ charset, minChars }) => candidate.filter((character) => charset.has(character)).length >= minChars,
    );
    if (fits) return candidate.join('');
  }
  return null;
}

/** The canonical text: `parsePasswordPolicy` of it gives the same policy. */
export function passwordPolicyHcl({ length, rules }: PasswordPolicy): string {
  const blocks = rules.map(
    ({ charset, minChars }) => `\nrule "charset" {\n  charset = ${quoteHcl(charset)}\n  min-chars = ${minChars}\n}\n`,
  );
  return `length = ${length}\n${blocks.join('')}`;
}

/** Equal meaning, equal policy: the characters of a charset and the rules sorted, one rule for each charset. */
export function normalizePasswordPolicy({ length, rules }: PasswordPolicy): PasswordPolicy {
  const byCharset = new Map<string, number>();
  for (const { charset, minChars } of rules.length === 0 ? builtInRules : rules) {
    const sorted = alphabetOf([{ charset, minChars }]).join('');
    byCharset.set(sorted, Math.max(minChars, byCharset.get(sorted) ?? 0));
  }
  const merged = [...byCharset].map(([charset, minChars]) => ({ charset, minChars }));
  return { length, rules: merged.sort((a, b) => (a.charset < b.charset ? -1 : 1)) };
}

function alphabetOf(rules: readonly CharsetRule[]): string[] {
  return [...new Set(rules.flatMap(({ charset }) => Array.from(charset)))].sort();
}

function ruleOf(document: HclDocument, { label, at, body }: LabelledBlock): CharsetRule {
  if (label !== 'charset') throw document.problem(at, `no type of rule ${JSON.stringify(label)}: there is charset`);
  let charset: string | null = null;
  let minChars = 0;
  for (const { keys, value } of body.items) {
    const [key] = keys;
    if (key?.text === 'charset') charset = asString(document, value);
    else if (key?.text === 'min-chars') minChars = wholeNumber(document, value);
    else throw document.problem(key?.at ?? at, `a charset rule has charset and min-chars, no ${JSON.stringify(key?.text)}`);
  }
  if (charset === null) throw document.problem(at, 'a charset rule needs charset = "…"');
  return { charset, minChars };
}

function wholeNumber(document: HclDocument, value: HclValue): number {
  if (value.kind === 'scalar' && typeof value.value === 'number' && Number.isInteger(value.value) && value.value >= 0)
    return value.value;
  throw document.problem(value.at, 'expected a whole number that is not negative');
}
