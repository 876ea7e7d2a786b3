import type { Place } from '../desired/diagnostic.ts';
import type { ManagedAddress } from '../protocol/managed.ts';

/** Why a plan cannot be applied. It holds no secret. */
export interface PlanProblem {
  readonly code: PlanProblemCode;
  readonly address: ManagedAddress | null;
  readonly message: string;
  /** What to do next; null: nothing to add. */
  readonly hint: string | null;
  /** Where the document or the entry stands that it is about. */
  readonly place: Place | null;
}

/** Every code of a plan's problems. A new one is a promise to scripts; none is ever renamed. */
type PlanProblemCode =
  // the object exists, and no project manages it; or another project does
  | 'unowned'
  | 'foreign'
  // `protect: true`
  | 'protected'
  // what only the store knows would be lost
  | 'loses'
  // an import of what does not exist, or under another name, or of what would have to be replaced
  | 'import-missing'
  | 'import-name'
  | 'import-differs'
  // a move to where something is, by two, or of what cannot be moved
  | 'move-occupied'
  | 'move-conflict'
  | 'move-impossible'
  | 'unknown-kind'
  | 'unknown-type'
  | 'unknown-target'
  | 'incomplete-target'
  // a mount that goes with something which is to stay
  | 'mount-in-use'
  | 'cycle'
  | 'too-many-deletes'
  // a sealed block that does not open here, or was made for another address or field
  | 'sealed'
  // what it plans was tried outside before the commit, and does not work there
  | 'would-not-work';

/** Something to know that does not keep anyone from applying. */
export interface PlanNote {
  readonly summary: string;
  readonly detail: string;
}
