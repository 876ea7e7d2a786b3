import { nearest, type NearestBudget } from '../base/nearest.ts';
import { showText } from '../kinds/show.ts';
import type { DiagnosticCode } from './diagnostic.ts';
import type { Spot } from './position.ts';

/** Where a finding is, before anyone asked for a line number. */
export type Site =
  | { readonly file: string; readonly spot: Spot }
  | { readonly file: string; readonly start: number; readonly end: number }
  /** A whole file, or the command line. */
  | { readonly file: string };

/** Something to tell about a repo; `diagnose` makes a Diagnostic of it. Message and hint hold no secret. */
export interface Finding {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly hint?: string | null;
  readonly severity?: 'error' | 'warning';
  readonly site: Site;
  readonly forEachKey?: string | null;
  /** An excerpt must not show what stands there. */
  readonly hidden?: boolean;
  readonly related?: { readonly message: string; readonly site: Site };
}

/** The findings of one load, in the order in which they were made. */
export class Findings {
  readonly all: Finding[] = [];
  /**
   * True: a part of the repo could not be read at all, so what seems to be missing may stand there. Then nothing is
   * said about unknown names.
   */
  incomplete = false;
  readonly #budget: NearestBudget = { left: 10_000_000 };

  add(finding: Finding): void {
    this.all.push(finding);
  }

  get budget(): NearestBudget {
    return this.#budget;
  }

  /** `did you mean "x"?`, or null where no candidate is near. */
  suggestion(word: string, candidates: Iterable<string>): string | null {
    const near = nearest(word, candidates, this.#budget);
    return near === null ? null : `did you mean ${showText(near)}?`;
  }
}
