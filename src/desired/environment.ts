import type { Json } from '../base/json.ts';

/** One Environment document. */
export interface Environment {
  readonly name: string;
  /** Null: the embedded store. */
  readonly address: string | null;
  readonly variables: Readonly<Record<string, Json>>;
}
