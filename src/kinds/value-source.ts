import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { sealedDigest } from '../base/sealed-digest.ts';
import type { RedactedSource } from '../protocol/managed.ts';
import type { SpecSchema } from './kind.ts';

/**
 * The schema of a field whose value is secret: YAML never holds the value, only where it comes from.
 * `description` says what the value is for.
 */
export function valueSourceSchema(description: string): SpecSchema {
  return {
    description: `${description} Never the value itself, but where it comes from: sealed, generate, fromEnv or fromFile.`,
    type: 'object',
    'x-secret': true,
    'x-field': 'writeOnly',
    oneOf: [sealedSchema, generateSchema, fromEnvSchema, fromFileSchema],
  };
}

/** A source with its defaults filled in: equal meaning, equal source. */
export function normalizeSource(source: JsonObject): JsonObject {
  const { fromEnv, fromFile, generate } = source;
  if (fromEnv !== undefined || fromFile !== undefined) return { ...source, version: source['version'] ?? 1 };
  if (!isJsonObject(generate) || generate['length'] === undefined) return source;
  return { ...source, generate: { ...generate, charset: generate['charset'] ?? defaultCharset } };
}

/**
 * A source as a managed record, a plan or a log may hold it: a sealed block by the digest of its ciphertext, the others
 * by their parameters. Throws a TypeError, which quotes nothing, for what is not a value source.
 */
export function redactSource(source: Json): RedactedSource {
  if (isJsonObject(source)) {
    const { sealed, generate, fromEnv, fromFile, version } = normalizeSource(source);
    if (typeof sealed === 'string') return { sealed: sealedDigest(sealed) };
    if (isJsonObject(generate)) return { generate };
    if (typeof fromEnv === 'string' && typeof version === 'number') return { fromEnv, version };
    if (typeof fromFile === 'string' && typeof version === 'number') return { fromFile, version };
  }
  throw new TypeError('not a value source (sealed, generate, fromEnv or fromFile)');
}

/**
 * Does a source still stand for the value that was last applied? Decided without opening anything; `applied` is the
 * redacted source of the managed record, undefined where the field was not applied.
 */
export function sameSource(source: Json, applied: Json | undefined): boolean {
  return applied !== undefined && canonicalJson({ ...redactSource(source) }) === canonicalJson(applied);
}

const charsetNames = ['alphanumeric', 'alphabetic', 'lowercase', 'uppercase', 'digits', 'hex', 'base64url'];
const defaultCharset = 'alphanumeric';

const version: SpecSchema = {
  type: 'integer',
  minimum: 1,
  default: 1,
  description: 'Raise it to have the value read and written again; it is otherwise read only when the secret is created.',
};

const sealedSchema: SpecSchema = {
  type: 'object',
  description: 'A value that only the store can open.',
  required: ['sealed'],
  additionalProperties: false,
  properties: {
    sealed: {
      type: 'string',
      minLength: 1,
      description: 'The age block that `secretctl encrypt` made for this very field, in a `|` scalar.',
    },
  },
};

const generateSchema: SpecSchema = {
  type: 'object',
  description: 'A random value that the store makes; nobody has seen it.',
  required: ['generate'],
  additionalProperties: false,
  properties: {
    generate: {
      description: 'Either the name of a password policy, or a length.',
      oneOf: [
        {
          type: 'object',
          description: 'A value as a password policy describes it.',
          required: ['policy'],
          additionalProperties: false,
          properties: {
            policy: { type: 'string', description: 'The PasswordPolicy.', 'x-reference': 'PasswordPolicy' },
          },
        },
        {
          type: 'object',
          description: 'A value of a given length.',
          required: ['length'],
          additionalProperties: false,
          properties: {
            length: { type: 'integer', minimum: 4, maximum: 1024, description: 'How many characters.' },
            charset: {
              type: 'string',
              default: defaultCharset,
              description:
                'Which characters to draw from, each with the same chance: the name of a set, or at least 10 characters of which none comes twice.',
              anyOf: [
                { enum: charsetNames, description: 'The name of a set.' },
                // A name that is misspelt must not pass for an alphabet of its letters.
                { pattern: '^(?!.*(.).*\\1)[\\x20-\\x7e]{10,95}$', description: 'The characters themselves.' },
              ],
            },
          },
        },
      ],
    },
  },
};

const fromEnvSchema: SpecSchema = {
  type: 'object',
  description: 'A value from the environment of whoever applies; a server refuses it.',
  required: ['fromEnv'],
  additionalProperties: false,
  properties: {
    fromEnv: { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$', description: 'The name of the environment variable.' },
    version,
  },
};

const fromFileSchema: SpecSchema = {
  type: 'object',
  description: 'A value from a file of whoever applies; a server refuses it.',
  required: ['fromFile'],
  additionalProperties: false,
  properties: {
    fromFile: { type: 'string', minLength: 1, description: 'The file, relative to the root of the repo.' },
    version,
  },
};
