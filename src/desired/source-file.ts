/** A YAML file of the repo. */
export interface SourceFile {
  /** Relative to the root of the repo, with `/`. */
  readonly path: string;
  /** Empty where the file was refused. */
  readonly text: string;
  /** True: the file was not read (a diagnostic says why), so documents that seem to be missing may stand in it. */
  readonly refused?: boolean;
}
