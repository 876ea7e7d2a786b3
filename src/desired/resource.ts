import type { JsonObject } from '../base/json.ts';
import type { ResourceName } from '../kinds/kind.ts';
import type { Place } from './diagnostic.ts';

/** One desired object: a document (or one entry of its `forEach`) with variables resolved and patches applied. */
export interface Resource {
  readonly name: ResourceName;
  readonly labels: Readonly<Record<string, string>>;
  readonly protect: boolean;
  /** JSON pointers into spec whose differences a plan leaves alone. */
  readonly ignoreChanges: readonly string[];
  /** Normalised by its kind. */
  readonly spec: JsonObject;
  /** The other desired resources that it needs: they are applied before it and deleted after it. Sorted, no doubles. */
  readonly references: readonly ResourceName[];
  readonly origin: Origin;
  /**
   * Where a JSON pointer into the document (`/spec/rules/0/path`, `/metadata/name`) stands; the nearest parent where it
   * is written nowhere (a default), the patch where an environment wrote it. Parses the file again, so only ask for findings.
   */
  locate(pointer: string): Place;
}

export interface Origin {
  /** Relative to the root of the repo, with `/`. */
  readonly file: string;
  /** The number of the document in its file, from 0. */
  readonly document: number;
  /** The key of the `forEach` entry; null: the document has no `forEach`. */
  readonly forEachKey: string | null;
}
