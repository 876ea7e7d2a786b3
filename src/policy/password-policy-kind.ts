import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { Kind, LiveObject, ResourceName } from '../kinds/kind.ts';
import { HclError } from './hcl-error.ts';
import {
  builtInRules,
  type CharsetRule,
  maxPasswordLength,
  maxPasswordRules,
  minPasswordLength,
  normalizePasswordPolicy,
  parsePasswordPolicy,
  type PasswordPolicy,
  passwordPolicyHcl,
  passwordPolicyProblem,
} from './password.ts';

/** A password policy. Normalised, charsets and rules are sorted: their order means nothing. */
export const passwordPolicyKind: Kind = {
  kind: 'PasswordPolicy',
  description: 'How passwords that the store generates look.',
  spec: {
    type: 'object',
    description: 'Length and rules of the passwords.',
    required: ['length'],
    additionalProperties: false,
    properties: {
      length: {
        type: 'integer',
        minimum: minPasswordLength,
        maximum: maxPasswordLength,
        description: 'How many characters a password has.',
      },
      rules: {
        type: 'array',
        minItems: 1,
        maxItems: maxPasswordRules,
        default: builtInRules.map((rule) => ({ ...rule })),
        description: 'The characters of all rules together are what passwords are drawn from.',
        items: {
          type: 'object',
          description: 'A set of characters, and how many of them a password has at least.',
          required: ['charset'],
          additionalProperties: false,
          properties: {
            charset: { type: 'string', minLength: 1, maxLength: 256, description: 'The characters themselves.' },
            minChars: { type: 'integer', minimum: 0, default: 0, description: 'How many of them at least.' },
          },
        },
      },
    },
  },
  mountField: null,
  mountKind: null,
  nameRule: 'identifier',
  importId: "the password policy's name",
  normalize: (spec) => toSpec(normalizePasswordPolicy(fromSpec(spec))),
  check: (spec) => {
    const problem = passwordPolicyProblem(fromSpec(spec));
    return problem === null ? [] : [problem];
  },
  reads: (resource) => [{ operation: 'read', path: pathOf(resource) }],
  read: ([reply]) => (reply === null || reply === undefined ? null : live(reply)),
  write: ({ after }, resource) => [
    { operation: 'write', path: pathOf(resource), data: { policy: passwordPolicyHcl(normalizePasswordPolicy(fromSpec(after))) } },
  ],
  remove: (resource) => [{ operation: 'delete', path: pathOf(resource), data: {} }],
};

function pathOf(resource: ResourceName): string {
  return `sys/policies/password/${resource.name}`;
}

/** A live text that can't be read (another server took it) shows as the reason in place of the rules. */
function live(reply: JsonObject): LiveObject {
  try {
    const policy = parsePasswordPolicy(typeof reply['policy'] === 'string' ? reply['policy'] : '');
    return { spec: toSpec(normalizePasswordPolicy(policy)), mark: null };
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    return { spec: { length: 0, rules: [], unparsable: error.message }, mark: null };
  }
}

function fromSpec(spec: JsonObject): PasswordPolicy {
  const rules: CharsetRule[] = [];
  for (const item of Array.isArray(spec['rules']) ? (spec['rules'] as readonly JsonObject[]) : []) {
    if (!isJsonObject(item) || typeof item['charset'] !== 'string') continue;
    rules.push({ charset: item['charset'], minChars: typeof item['minChars'] === 'number' ? item['minChars'] : 0 });
  }
  return { length: typeof spec['length'] === 'number' ? spec['length'] : 0, rules: rules.length === 0 ? builtInRules : rules };
}

function toSpec({ length, rules }: PasswordPolicy): JsonObject {
  return { length, rules: rules.map(({ charset, minChars }) => ({ charset, minChars })) };
}
