/** How many candidates may still be looked at: one budget for all findings of a repo keeps their cost linear. */
export interface NearestBudget {
  left: number;
}

/**
 * The candidate that a person most likely meant by `word`, or null: none is near enough. Near is one slip (a letter
 * missing, added, wrong, or two swapped) in up to five letters, two in up to ten, three above, or a difference of case.
 * Of equally near ones the first in the order of code units. Costs one pass over the candidates, less what `budget` lacks.
 */
export function nearest(word: string, candidates: Iterable<string>, budget: NearestBudget = { left: 20_000 }): string | null {
  if (word.length === 0 || word.length > 128) return null;
  const allowed = word.length <= 5 ? 1 : word.length <= 10 ? 2 : 3;
  const folded = word.toLowerCase();
  let best: string | null = null;
  let bestDistance = allowed + 1;
  for (const candidate of candidates) {
    if (budget.left-- <= 0) break;
    if (candidate === word || Math.abs(candidate.length - word.length) > Math.min(bestDistance, allowed)) continue;
    const distance = editDistance(folded, candidate.toLowerCase(), Math.min(bestDistance, allowed));
    if (distance < bestDistance || (distance === bestDistance && best !== null && candidate < best)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * How many slips lead from `a` to `b` (insertions, deletions, substitutions, swaps of neighbours: optimal string
 * alignment), or `max + 1` where it is more than `max`. Costs at most `a.length` times `2 max + 1` steps.
 */
function editDistance(a: string, b: string, max: number): number {
  if (Math.abs(a.length - b.length) > max) return max + 1;
  const far = max + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => Math.min(column, far));
  for (let row = 1; row <= a.length; row++) {
    const current = new Array<number>(b.length + 1).fill(far);
    if (row <= max) current[0] = row;
    let least = current[0] ?? far;
    const end = Math.min(b.length, row + max);
    for (let column = Math.max(1, row - max); column <= end; column++) {
      const same = a.charCodeAt(row - 1) === b.charCodeAt(column - 1);
      let cost = (last[column - 1] ?? far) + (same ? 0 : 1);
      cost = Math.min(cost, (last[column] ?? far) + 1, (current[column - 1] ?? far) + 1);
      if (
        row > 1 &&
        column > 1 &&
        a.charCodeAt(row - 1) === b.charCodeAt(column - 2) &&
        a.charCodeAt(row - 2) === b.charCodeAt(column - 1)
      ) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? far) + 1);
      }
      current[column] = cost;
      least = Math.min(least, cost);
    }
    if (least > max) return far;
    beforeLast = last;
    last = current;
  }
  return Math.min(last[b.length] ?? far, far);
}
