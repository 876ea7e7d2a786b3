import type { JsonObject } from '../base/json.ts';
import type { VariableDeclaration } from './variables.ts';

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
  readonly spec: JsonObject;
}

export interface Reconcile {
  readonly drift: DriftMode;
  /** Kinds that differ from `drift`. */
  readonly driftByKind: Readonly<Record<string, DriftMode>>;
  /** How many objects one unattended apply may delete. */
  readonly maxDeletes: number;
}

/** What a server does with changes made by hand: report them, correct them with the next apply, correct them at once. */
export type DriftMode = 'detect' | 'correct' | 'enforce';
