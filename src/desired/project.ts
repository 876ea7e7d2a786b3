import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { SpecSchema } from '../kinds/kind.ts';
import type { Documented } from '../kinds/schema.ts';
import { variableDeclarations, type VariableDeclaration } from './variables.ts';

/** The Project document of a repo. */
export interface Project {
  readonly name: string;
  /** Public age keys of the stores that must open sealed blocks. */
  readonly recipients: readonly string[];
  readonly variables: ReadonlyMap<string, VariableDeclaration>;
  readonly reconcile: Reconcile;
  /** What a server does with new commits. */
  readonly sourceMode: 'observe' | 'plan' | 'apply';
  readonly exclude: readonly string[];
}

interface Reconcile {
  readonly drift: DriftMode;
  /** Kinds that differ from `drift`. */
  readonly driftByKind: Readonly<Record<string, DriftMode>>;
  /** How many objects one unattended apply may delete. */
  readonly maxDeletes: number;
}

const driftModes = ['detect', 'correct', 'enforce'] as const;
/** What a server does with changes made by hand: report them, correct them with the next apply, correct them at once. */
type DriftMode = (typeof driftModes)[number];

const drift: SpecSchema = {
  type: 'string',
  enum: driftModes,
  default: 'correct',
  description:
    'What happens to a change made by hand: detect reports it, correct undoes it with the next apply, enforce at once.',
};

const spec: SpecSchema = {
  type: 'object',
  description: 'What holds for the whole repo.',
  additionalProperties: false,
  properties: {
    recipients: {
      type: 'array',
      uniqueItems: true,
      default: [],
      maxItems: 64,
      items: {
        type: 'string',
        pattern: '^age1[02-9ac-hj-np-z]{58}$',
        description: 'A public age key (age1 and 58 characters): `init` prints the one of its store.',
      },
      description: 'The public keys of the stores that must open sealed values.',
    },
    variables: variableDeclarations,
    reconcile: {
      type: 'object',
      description: 'How far a server goes without a person.',
      additionalProperties: false,
      properties: {
        drift,
        kinds: {
          type: 'object',
          description: 'Kinds that differ from drift.',
          additionalProperties: drift,
        },
        maxDeletes: {
          type: 'integer',
          minimum: 0,
          default: 10,
          description: 'How many objects one unattended apply may delete; one that deletes more waits for a person.',
        },
      },
    },
    source: {
      type: 'object',
      description: 'What a server does with this repo.',
      additionalProperties: false,
      properties: {
        mode: {
          type: 'string',
          enum: ['observe', 'plan', 'apply'],
          default: 'plan',
          description: 'What happens to a new commit: observe only validates it, plan shows what it would do, apply does it.',
        },
      },
    },
    exclude: {
      type: 'array',
      uniqueItems: true,
      default: [],
      maxItems: 256,
      items: {
        type: 'string',
        minLength: 1,
        maxLength: 256,
        pattern: '^(?!/)(?!.*(^|/)\\.\\.?(/|$)).*[^/]/?$',
        description:
          'A path relative to the root of the repo, without "." and ".."; * stands for a part of a name, ** for any folders.',
      },
      description: 'Files and folders that hold no documents.',
    },
  },
};

export const projectDocument: Documented = {
  kind: 'Project',
  description: 'What holds for the whole repo. There is one, in secretctl.yaml.',
  spec,
  resource: false,
};

/** The Project of a valid document. */
export function projectOf(document: JsonObject, variables: ReadonlyMap<string, VariableDeclaration>): Project {
  const { name } = document['metadata'] as { readonly name: string };
  const body = document['spec'] as JsonObject;
  const {
    drift = 'correct',
    kinds = {},
    maxDeletes = 10,
  } = (body['reconcile'] ?? {}) as {
    readonly drift?: DriftMode;
    readonly kinds?: Readonly<Record<string, DriftMode>>;
    readonly maxDeletes?: number;
  };
  const { mode = 'plan' } = (body['source'] ?? {}) as { readonly mode?: Project['sourceMode'] };
  return {
    name,
    recipients: (body['recipients'] ?? []) as readonly string[],
    variables,
    reconcile: { drift, driftByKind: kinds, maxDeletes },
    sourceMode: mode,
    exclude: excludedPaths(body),
  };
}

/** `spec.exclude` of a Project, of whatever form the rest of it is. */
export function excludedPaths(spec: JsonObject): readonly string[] {
  const { exclude } = spec;
  return Array.isArray(exclude) ? exclude.filter((path): path is string => typeof path === 'string' && path.length <= 256) : [];
}

/** The Project document among the documents of `secretctl.yaml`, of whatever form; null: none. */
export function isProject(value: unknown): value is JsonObject {
  return isJsonObject(value) && value['kind'] === 'Project';
}
