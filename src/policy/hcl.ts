import { goDuration, parseDuration } from '../base/duration.ts';
import type { Json } from '../base/json.ts';
import { type HclDocument, type HclValue, parseHcl } from './hcl-syntax.ts';
import { asList, asObject, asString, type LabelledBlock, labelledBlocks, quoteHcl } from './hcl-value.ts';
import { patternProblem } from './pattern.ts';
import {
  inPrintOrder,
  maxPolicyLength,
  type Parameters,
  type PolicyRule,
  type RuleCapability,
  ruleCapabilities,
} from './rule.ts';

const pathKeys = [
  'capabilities',
  'allowed_parameters',
  'denied_parameters',
  'required_parameters',
  'min_wrapping_ttl',
  'max_wrapping_ttl',
  'policy',
  'comment',
];

/** The one-word policies of old. */
const legacyPolicies = new Map<string, readonly RuleCapability[]>([
  ['deny', ['deny']],
  ['read', ['read', 'list']],
  ['write', ['create', 'read', 'update', 'delete', 'list']],
  ['sudo', ['create', 'read', 'update', 'delete', 'list', 'sudo']],
]);

/**
 * The rules of a policy's text, in Vault's policy language (https://developer.hashicorp.com/vault/docs/concepts/policies)
 * or its JSON form, in the order of the text. What this store does not enforce (`mfa_methods`, `control_group` …) is
 * refused, since without it the rule would grant more than it says. Throws HclError.
 */
export function parsePolicy(text: string): readonly PolicyRule[] {
  const document = parseHcl(text, maxPolicyLength);
  const rules: PolicyRule[] = [];
  for (const item of document.items) {
    const [key] = item.keys;
    if (key?.text === 'path') {
      for (const block of labelledBlocks(document, item, 'a block has one path: path "secret/x" { … }'))
        rules.push(ruleOf(document, block));
    } else if (key?.text === 'name') asString(document, item.value);
    else throw document.problem(key?.at ?? 0, `a policy consists of path blocks, it has no ${JSON.stringify(key?.text)}`);
  }
  return rules;
}

function ruleOf(document: HclDocument, { label, at, body }: LabelledBlock): PolicyRule {
  const path = label.startsWith('/') ? label.slice(1) : label;
  const problem = patternProblem(path);
  if (problem !== null) throw document.problem(at, problem);
  const parts = new Map<string, HclValue>();
  for (const { keys, value } of body.items) {
    const [key] = keys;
    if (key === undefined || keys.length !== 1 || !pathKeys.includes(key.text)) {
      const name = JSON.stringify(keys.map(({ text }) => text).join(' '));
      throw document.problem(key?.at ?? at, `a path block has no ${name}, only ${pathKeys.join(', ')}`);
    }
    parts.set(key.text, value);
  }
  const part = <T>(name: string, read: (document: HclDocument, value: HclValue) => T): T | undefined => {
    const value = parts.get(name);
    return value === undefined ? undefined : read(document, value);
  };
  part('comment', asString);
  const capabilities = [...(part('capabilities', capabilitiesOf) ?? []), ...(part('policy', legacyOf) ?? [])];
  const allowedParameters = part('allowed_parameters', parametersOf);
  const deniedParameters = part('denied_parameters', parametersOf);
  const requiredParameters = part('required_parameters', namesOf);
  const minWrappingTtl = part('min_wrapping_ttl', secondsOf);
  const maxWrappingTtl = part('max_wrapping_ttl', secondsOf);
  if (minWrappingTtl && maxWrappingTtl && maxWrappingTtl < minWrappingTtl) {
    throw document.problem(at, 'max_wrapping_ttl is less than min_wrapping_ttl');
  }
  if (capabilities.includes('deny')) return { path, capabilities: ['deny'] };
  return {
    path,
    capabilities: inPrintOrder(capabilities),
    ...(hasMembers(allowedParameters) && { allowedParameters }),
    ...(hasMembers(deniedParameters) && { deniedParameters }),
    ...(requiredParameters?.length && { requiredParameters }),
    ...(minWrappingTtl && { minWrappingTtl }),
    ...(maxWrappingTtl && { maxWrappingTtl }),
  };
}

function capabilitiesOf(document: HclDocument, value: HclValue): RuleCapability[] {
  return asList(document, value).map((item) => {
    const word = asString(document, item);
    const known = ruleCapabilities.find((capability) => capability === word);
    if (known === undefined)
      throw document.problem(item.at, `no capability ${JSON.stringify(word)}: there are ${ruleCapabilities.join(', ')}`);
    return known;
  });
}

function legacyOf(document: HclDocument, value: HclValue): readonly RuleCapability[] {
  const word = asString(document, value);
  const capabilities = legacyPolicies.get(word);
  if (capabilities === undefined) {
    throw document.problem(value.at, `no policy ${JSON.stringify(word)}: there are ${[...legacyPolicies.keys()].join(', ')}`);
  }
  return capabilities;
}

function parametersOf(document: HclDocument, value: HclValue): Parameters {
  const members = new Map<string, readonly Json[]>();
  for (const { keys, value: list } of asObject(document, value).items) {
    const [key] = keys;
    if (key === undefined || keys.length > 1)
      throw document.problem(list.at, 'expected one name of a parameter, "=" and a list of values');
    const name = key.text.toLowerCase();
    if (members.has(name))
      throw document.problem(key.at, `the parameter ${JSON.stringify(name)} is given twice (case does not count)`);
    members.set(
      name,
      asList(document, list).map((item) => jsonOf(document, item)),
    );
  }
  return Object.fromEntries(members);
}

function namesOf(document: HclDocument, value: HclValue): string[] {
  return [...new Set(asList(document, value).map((item) => asString(document, item).toLowerCase()))];
}

function secondsOf(document: HclDocument, value: HclValue): number {
  const seconds = value.kind === 'scalar' ? parseDuration(value.value) : null;
  if (seconds === null || seconds < 0 || !Number.isSafeInteger(seconds)) {
    throw document.problem(value.at, 'expected a duration of whole seconds, such as "90s" or "1h"');
  }
  return seconds;
}

function jsonOf(document: HclDocument, value: HclValue): Json {
  if (value.kind === 'scalar') return value.value;
  if (value.kind === 'list') return value.items.map((item) => jsonOf(document, item));
  return Object.fromEntries(
    value.items.map(({ keys, value: member }) => {
      const [key] = keys;
      if (key === undefined || keys.length > 1) throw document.problem(member.at, 'expected one key, "=" and a value');
      return [key.text, jsonOf(document, member)];
    }),
  );
}

function hasMembers(parameters: Parameters | undefined): parameters is Parameters {
  return parameters !== undefined && Object.keys(parameters).length > 0;
}

/** The one canonical text of rules: `parsePolicy(toHcl(rules))` gives the same rules again. */
export function toHcl(rules: readonly PolicyRule[]): string {
  return rules.map(blockText).join('\n');
}

function blockText(rule: PolicyRule): string {
  const lines = [`path ${quoteHcl(rule.path)} {`, `  capabilities = ${valueText([...rule.capabilities])}`];
  if (rule.allowedParameters) lines.push(parametersText('allowed_parameters', rule.allowedParameters));
  if (rule.deniedParameters) lines.push(parametersText('denied_parameters', rule.deniedParameters));
  if (rule.requiredParameters) lines.push(`  required_parameters = ${valueText(rule.requiredParameters)}`);
  if (rule.minWrappingTtl) lines.push(`  min_wrapping_ttl = ${quoteHcl(goDuration(rule.minWrappingTtl))}`);
  if (rule.maxWrappingTtl) lines.push(`  max_wrapping_ttl = ${quoteHcl(goDuration(rule.maxWrappingTtl))}`);
  return `${lines.join('\n')}\n}\n`;
}

function parametersText(name: string, parameters: Parameters): string {
  const members = Object.entries(parameters).map(([key, values]) => `    ${quoteHcl(key)} = ${valueText(values)}\n`);
  return `  ${name} = {\n${members.join('')}  }`;
}

function valueText(value: Json): string {
  if (typeof value === 'string') return quoteHcl(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(valueText).join(', ')}]`;
  return `{ ${Object.entries(value)
    .map(([key, member]) => `${quoteHcl(key)} = ${valueText(member)}`)
    .join(', ')} }`;
}
