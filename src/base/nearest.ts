/** What comparisons may still cost, in letters times letters: one budget for many names keeps their cost bounded. */
export interface NearestBudget {
  left: number;
}

/**
 * The candidate that a misspelt name most likely means, or null: none is near (at most a third of the letters
 * differ, transposed neighbours count once; case is free). Cost grows with the candidates of about the same length only,
 * and none is looked at any more once `budget` is spent.
 */
export function nearest(name: string, candidates: Iterable<string>, budget: NearestBudget = { left: Infinity }): string | null {
  const wanted = name.toLowerCase();
  let limit = Math.max(1, Math.floor(Math.min(name.length, 64) / 3)) + 1;
  let best: string | null = null;
  for (const candidate of candidates) {
    budget.left -= 1;
    if (budget.left < 0) break;
    if (Math.abs(candidate.length - name.length) >= limit || candidate.length > 256) continue;
    budget.left -= name.length * candidate.length;
    const distance = editDistance(wanted, candidate.toLowerCase(), limit);
    if (distance < limit) {
      limit = distance;
      best = candidate;
      if (distance === 0) break;
    }
  }
  return best;
}

/** The optimal string alignment distance, or `limit` as soon as it can't be below. */
function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      current.push(cost);
      least = Math.min(least, cost);
    }
    if (least >= limit) return limit;
    before = previous;
    previous = current;
  }
  return previous[b.length] ?? limit;
}
