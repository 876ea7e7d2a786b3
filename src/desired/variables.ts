import { parseDuration } from '../base/duration.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import type { SpecSchema } from '../kinds/kind.ts';
import { showText } from '../kinds/show.ts';
import { unresolved } from '../kinds/validate.ts';
import type { Findings, Site } from './finding.ts';

export interface VariableDeclaration {
  readonly type: VariableType;
  readonly description: string | null;
  /** Undefined: it must be set. */
  readonly default: Json | undefined;
}

const variableTypes = ['string', 'number', 'bool', 'duration', 'list'] as const;
type VariableType = (typeof variableTypes)[number];

/** A value given on the command line. Later ones win over earlier ones, and all of them over an environment's. */
export interface VariableInput {
  readonly name: string;
  /** The text of `-var name=text`, or the value of a variables file. */
  readonly value: Json;
  /** Where it came from, for messages: `-var`, or the path of a variables file. */
  readonly origin: string;
}

const namePattern = '^[A-Za-z_][A-Za-z0-9_-]{0,63}$';
const nameRule: SpecSchema = {
  pattern: namePattern,
  description: 'A letter or "_", then letters, digits, "_" and "-", at most 64.',
};

/** `spec.variables` of a Project. */
export const variableDeclarations: SpecSchema = {
  type: 'object',
  description: 'The variables that documents may use as ${var.name}. No other exist.',
  propertyNames: nameRule,
  additionalProperties: {
    type: 'object',
    description: 'A variable.',
    required: ['type'],
    additionalProperties: false,
    properties: {
      type: {
        type: 'string',
        enum: variableTypes,
        description: 'What it may be set to: text, a number, true or false, a duration, a list of texts.',
      },
      description: { type: 'string', description: 'What it is for.' },
      default: { description: 'What it is where nothing sets it. Without a default it must be set.' },
    },
  },
};

/** `spec.variables` of an Environment. */
export const variableValues: SpecSchema = {
  type: 'object',
  description: "Values of the project's variables in this environment.",
  propertyNames: nameRule,
  additionalProperties: { description: 'The value, of the type that the Project declares.' },
};

/** The declarations in the spec of a valid Project; `site` gives the place of a pointer into that spec. */
export function declaredVariables(
  spec: JsonObject,
  findings: Findings,
  site: (pointer: string) => Site,
): ReadonlyMap<string, VariableDeclaration> {
  const declared = new Map<string, VariableDeclaration>();
  for (const [name, variable] of Object.entries(isJsonObject(spec['variables']) ? spec['variables'] : {})) {
    if (!isJsonObject(variable)) continue;
    const type = variableTypes.find((known) => known === variable['type']);
    if (type === undefined) continue;
    const preset = variable['default'];
    const { description } = variable;
    const value = preset === undefined ? undefined : typedValue(type, preset);
    if (preset !== undefined && value === undefined) {
      findings.add({
        code: 'VAR003',
        message: `the default of the variable ${showText(name)} must be ${typeNames[type]}`,
        site: site(`/variables/${name}/default`),
      });
    }
    // A wrong default counts as a value, so that nothing is said about its uses.
    const known = preset === undefined ? undefined : (value ?? unresolved);
    declared.set(name, { type, description: typeof description === 'string' ? description : null, default: known });
  }
  return declared;
}

const typeNames: Readonly<Record<VariableType, string>> = {
  string: 'text',
  number: 'a number',
  bool: 'true or false',
  duration: 'a duration such as 90s, 1h30m or 30d',
  list: 'a list of texts',
};

/** A value as its variable's type wants it, or undefined where it is of another. */
function typedValue(type: VariableType, value: Json): Json | undefined {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'number':
      return typeof value === 'number' ? value : undefined;
    case 'bool':
      return typeof value === 'boolean' ? value : undefined;
    case 'duration': {
      if (typeof value !== 'string' || value.trim() === '') return undefined;
      return (parseDuration(value) ?? -1) >= 0 ? value : undefined;
    }
    case 'list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  }
}

/** The text of `-var name=text` as its variable's type; undefined where it is not one. A list is `a,b` or JSON. */
function valueOfText(type: VariableType, text: string): Json | undefined {
  switch (type) {
    case 'number':
      return /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
    case 'bool':
      return text === 'true' || text === 'false' ? text === 'true' : undefined;
    case 'list':
      return text.trimStart().startsWith('[') ? jsonList(text) : text === '' ? [] : text.split(',').map((item) => item.trim());
    default:
      return typedValue(type, text);
  }
}

function jsonList(text: string): Json | undefined {
  try {
    return typedValue('list', JSON.parse(text) as Json);
  } catch {
    return undefined;
  }
}

/** Values that an Environment gives, with the place of each. */
export interface EnvironmentValues {
  readonly name: string;
  readonly variables: JsonObject;
  site(name: string): Site;
}

/**
 * What each declared variable stands for: its default, what the environment says, what the command line says; the last
 * one given wins. Null: not set. `unresolved`: set to something wrong, about which a finding was made.
 */
export function variableScope(
  declared: ReadonlyMap<string, VariableDeclaration>,
  environment: EnvironmentValues | null,
  inputs: readonly VariableInput[],
  findings: Findings,
): ReadonlyMap<string, Json | null> {
  const scope = new Map<string, Json | null>();
  for (const [name, { default: preset }] of declared) scope.set(name, preset ?? null);
  const set = (name: string, site: Site, read: (type: VariableType) => Json | undefined, origin: string): void => {
    const declaration = declared.get(name);
    if (declaration === undefined) {
      const hint = findings.suggestion(name, declared.keys()) ?? 'declare it under spec.variables of the Project';
      findings.add({
        code: 'VAR002',
        message: `${origin} sets the variable ${showText(name)}, which is not declared`,
        hint,
        site,
      });
      return;
    }
    const value = read(declaration.type);
    if (value === undefined) {
      findings.add({ code: 'VAR003', message: `the variable ${showText(name)} must be ${typeNames[declaration.type]}`, site });
    }
    scope.set(name, value ?? unresolved);
  };
  for (const [name, value] of Object.entries(environment?.variables ?? {})) {
    if (environment === null) break;
    set(name, environment.site(name), (type) => typedValue(type, value), `the environment ${showText(environment.name)}`);
  }
  for (const { name, value, origin } of inputs) {
    const read = (type: VariableType): Json | undefined =>
      origin === '-var' && typeof value === 'string' ? valueOfText(type, value) : typedValue(type, value);
    set(name, { file: origin }, read, origin);
  }
  return scope;
}
