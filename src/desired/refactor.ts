import type { ResourceName } from '../kinds/kind.ts';
import type { Place } from './diagnostic.ts';

/** What the Refactor documents of a repo ask for. Each is settled once the store's records say so already. */
export interface Refactors {
  readonly moves: readonly Move[];
  readonly imports: readonly Import[];
  readonly forgets: readonly Forget[];
}

export interface Move {
  readonly from: ResourceName;
  /** Desired by a document. */
  readonly to: ResourceName;
  locate(): Place;
}

export interface Import {
  /** Desired by a document. */
  readonly to: ResourceName;
  /** As the kind's `importId` describes it; the resource's name where the document gives none. */
  readonly id: string;
  locate(): Place;
}

export interface Forget {
  /** Desired by no document. */
  readonly target: ResourceName;
  locate(): Place;
}
