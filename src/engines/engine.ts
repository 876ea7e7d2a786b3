import type { MountType } from '../core/mount-type.ts';
import type { Kind } from '../kinds/kind.ts';

/** A secret engine: what can be mounted to hold or to make secrets, with the kinds of documents that configure it. */
export interface Engine extends MountType {
  /** The kinds whose objects live in a mount of this engine. */
  readonly kinds: readonly Kind[];
}
