/** A YAML file of the repo. */
export interface SourceFile {
  /** Relative to the root of the repo, with `/`. */
  readonly path: string;
  readonly text: string;
}
