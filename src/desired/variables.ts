import type { Json } from '../base/json.ts';

export interface VariableDeclaration {
  readonly type: VariableType;
  readonly description: string | null;
  /** Undefined: it must be set. */
  readonly default: Json | undefined;
}

export type VariableType = 'string' | 'number' | 'bool' | 'duration' | 'list';

/** A value given on the command line. Later ones win over earlier ones, and all of them over an environment's. */
export interface VariableInput {
  readonly name: string;
  /** The text of `-var name=text`, or the value of a variables file. */
  readonly value: Json;
  /** Where it came from, for messages: `-var`, or the path of a variables file. */
  readonly source: string;
}
