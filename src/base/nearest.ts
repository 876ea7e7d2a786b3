/** What comparisons may still cost, in letters times letters: one budget for many names keeps their cost bounded. */
export interface NearestBudget {
  left: number;
}

/** More differences than these are no slip, however long the name is. */
const mostDifferences = 3;

/**
 * The candidate that a misspelt name most likely means, or null: none is near. Near means that at most a third of the
 * letters differ, and never more than three; transposed neighbours count once, and case is free. Words (between spaces,
 * `/` and `.`) that both begin or end with prove nothing: only what is between them counts. Cost grows with the
 * candidates of about the same length only, and none is looked at any more once `budget` is spent.
 */
export function nearest(name: string, candidates: Iterable<string>, budget: NearestBudget = { left: Infinity }): string | null {
  const wanted = name.toLowerCase();
  let limit = mostDifferences + 1;
  let best: string | null = null;
  for (const candidate of candidates) {
    budget.left -= 1;
    if (budget.left < 0) break;
    if (Math.abs(candidate.length - name.length) >= limit || candidate.length > 256) continue;
    const [given, known] = withoutCommonWords(wanted, candidate.toLowerCase());
    const below = Math.min(limit, Math.floor(Math.max(given.length, known.length) / 3) + 1);
    if (Math.abs(given.length - known.length) >= below) continue;
    budget.left -= given.length * known.length;
    const distance = editDistance(given, known, below);
    if (distance < below) {
      limit = distance;
      best = candidate;
      if (distance === 0) break;
    }
  }
  return best;
}

/** What stands between the words with which both begin and end. */
function withoutCommonWords(a: string, b: string): readonly [string, string] {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  for (let at = 0; at < shorter && a[at] === b[at]; at += 1) if (isBetweenWords(a[at])) start = at + 1;
  let end = 0;
  for (let back = 1; back <= shorter - start && a.at(-back) === b.at(-back); back += 1)
    if (isBetweenWords(a.at(-back))) end = back;
  return [a.slice(start, a.length - end), b.slice(start, b.length - end)];
}

function isBetweenWords(letter: string | undefined): boolean {
  return letter === ' ' || letter === '/' || letter === '.';
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
