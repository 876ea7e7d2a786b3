import { pointerTokens, toPointer } from '../base/json.ts';

/** The fields of one spec that `metadata.ignoreChanges` takes out of comparison and write, as a tree of pointer tokens. */
export interface Ignored {
  readonly whole: boolean;
  readonly below: ReadonlyMap<string, Ignored>;
}

/** Null: nothing is ignored. */
export function ignoredFields(pointers: readonly string[]): Ignored | null {
  if (pointers.length === 0) return null;
  const root = { whole: false, below: new Map<string, Ignored>() };
  for (const pointer of pointers) {
    let current: { whole: boolean; below: Map<string, Ignored> } = root;
    for (const token of pointerTokens(pointer)) {
      const next = (current.below.get(token) as typeof current | undefined) ?? {
        whole: false,
        below: new Map<string, Ignored>(),
      };
      current.below.set(token, next);
      current = next;
    }
    current.whole = true;
  }
  return root;
}

export function ignoresWhole(ignored: Ignored | null): boolean {
  return ignored?.whole === true;
}

export function ignoredBelow(ignored: Ignored | null, token: string): Ignored | null {
  return ignored?.below.get(token) ?? null;
}

/** Is the field at a pointer, or one that it lies in, ignored? */
export function isIgnored(ignored: Ignored | null, pointer: string): boolean {
  let current = ignored;
  for (const token of pointerTokens(pointer)) {
    if (current === null || current.whole) break;
    current = ignoredBelow(current, token);
  }
  return ignoresWhole(current);
}

/** The JSON pointers that are ignored as a whole, shortest only. */
export function ignoredPointers(ignored: Ignored, tokens: readonly string[]): readonly string[] {
  if (ignored.whole) return [toPointer(tokens)];
  return [...ignored.below].flatMap(([token, below]) => ignoredPointers(below, [...tokens, token]));
}
