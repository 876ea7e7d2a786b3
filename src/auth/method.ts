import type { JsonObject } from '../base/json.ts';
import type { MountType } from '../core/mount-type.ts';
import type { Kind, LensChange, LensRead, LensRequest, SpecProblem, SpecSchema } from '../kinds/kind.ts';

/** An auth method: what can be mounted to turn a proof of identity into a token, with the kinds that configure it. */
export interface AuthMethod extends MountType {
  /** How a binding of this method is written and read; null: it has none. */
  readonly binding: BindingLens | null;
  /** The kinds whose objects live in a mount of this method, bindings apart. */
  readonly kinds: readonly Kind[];
}

/**
 * The part of the kind AuthBinding for one type of auth method: which fields a binding has there, and what they are in
 * the API. The same rules as for Kind hold: pure, and `read` of what `write` made gives the same spec.
 */
export interface BindingLens {
  /** The type of the auth method. */
  readonly type: string;
  /** The fields of a spec besides `method`. */
  readonly properties: Readonly<Record<string, SpecSchema>>;
  /** See Kind.replaceOn. */
  readonly replaceOn: readonly string[];
  normalize(spec: JsonObject): JsonObject;
  check(spec: JsonObject): readonly SpecProblem[];
  reads(mount: string, name: string): readonly LensRead[];
  /** The live binding without `method`, or null: absent. */
  read(replies: readonly (JsonObject | null)[]): JsonObject | null;
  write(change: LensChange, mount: string, name: string): readonly LensRequest[];
  remove(mount: string, name: string): readonly LensRequest[];
  /** The requests that rename a binding with all that its document does not hold; absent: it holds all. */
  move?(mount: string, from: string, to: string): readonly LensRequest[];
}
