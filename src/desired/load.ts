import type { Kind, LensContext, LensMount } from '../kinds/kind.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { Environment } from './environment.ts';
import type { Project } from './project.ts';
import type { Refactors } from './refactor.ts';
import type { Resource } from './resource.ts';
import type { VariableInput } from './variables.ts';

/** A YAML file of the repo. */
export interface SourceFile {
  /** Relative to the root of the repo, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface LoadOptions {
  readonly kinds: readonly Kind[];
  /** The name of an Environment document; null: none, the documents as they are. */
  readonly environment: string | null;
  readonly variables: readonly VariableInput[];
  /** Mounts that exist in the store, so that documents may name them; null where no store is at hand. */
  readonly liveMounts: {
    readonly engines: ReadonlyMap<string, LensMount>;
    readonly methods: ReadonlyMap<string, LensMount>;
  } | null;
}

/** What a repo wants. Where a diagnostic is an error, the rest is what could be understood: show it, never apply it. */
export interface Desired {
  /** Null where the repo has no valid Project document (an error). */
  readonly project: Project | null;
  readonly environment: Environment | null;
  /** All Environment documents by name, to choose from. */
  readonly environments: ReadonlyMap<string, Environment>;
  /** In a stable order: by kind, mount and name. */
  readonly resources: readonly Resource[];
  /** The planned mounts: live ones overlaid with declared ones. */
  readonly context: LensContext;
  readonly refactors: Refactors;
  /** All findings, sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Signature fixed first; see the parts for the rules. */
export type LoadDesired = (files: readonly SourceFile[], options: LoadOptions) => Desired;
