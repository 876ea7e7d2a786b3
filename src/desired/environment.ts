import type { Json, JsonObject } from '../base/json.ts';
import type { SpecSchema } from '../kinds/kind.ts';
import type { Documented } from '../kinds/schema.ts';
import { variableValues } from './variables.ts';

/** One Environment document. */
export interface Environment {
  readonly name: string;
  /** Null: the embedded store. */
  readonly address: string | null;
  readonly variables: Readonly<Record<string, Json>>;
}

const spec: SpecSchema = {
  type: 'object',
  description: 'What differs from one server to the other.',
  additionalProperties: false,
  properties: {
    address: {
      type: 'string',
      pattern: '^https?://[A-Za-z0-9.\\[\\]:-]+(/[A-Za-z0-9._~/-]*)?$',
      maxLength: 512,
      description:
        'The address of the server (https://host:port): where this environment is planned and applied, and nowhere else. Without it any store.',
    },
    variables: variableValues,
    patches: {
      type: 'array',
      maxItems: 10_000,
      description: 'Changes of single documents in this environment, applied in this order.',
      items: {
        type: 'object',
        description: 'A change of one document.',
        required: ['target', 'spec'],
        additionalProperties: false,
        properties: {
          target: {
            type: 'string',
            minLength: 3,
            description: 'Which document: `Kind/name`, or `Kind/mount/name` for what lives in a mount.',
          },
          spec: {
            type: 'object',
            description: 'A JSON merge patch of its spec: what stands here replaces it, maps merge, null removes.',
          },
        },
      },
    },
  },
};

export const environmentDocument: Documented = {
  kind: 'Environment',
  description: 'A store that the repo is planned for: its address, values of variables, and patches.',
  spec,
  resource: false,
};

export interface Patch {
  readonly target: string;
  readonly spec: JsonObject;
}

/** The Environment of a valid document. */
export function environmentOf(document: JsonObject): Environment {
  const { name } = document['metadata'] as { readonly name: string };
  const { address, variables = {} } = document['spec'] as { readonly address?: string; readonly variables?: JsonObject };
  return { name, address: address ?? null, variables };
}

/** The patches of a valid document. */
export function patchesOf(document: JsonObject): readonly Patch[] {
  return ((document['spec'] as { readonly patches?: readonly Patch[] }).patches ?? []) satisfies readonly Patch[];
}
