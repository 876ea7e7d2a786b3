/** One step of turning a list into another; indexes into both. */
export type Alignment =
  | { readonly op: ' '; readonly before: number; readonly after: number }
  | { readonly op: '-'; readonly before: number }
  | { readonly op: '+'; readonly after: number };

// A table of this many cells takes 16 MiB for a moment; beyond it the middle is shown as replaced.
const maxCells = 4_000_000;

/**
 * How one list becomes another with the fewest removals and additions (longest common subsequence), by the identity
 * of items. Removals come before additions.
 */
export function align(before: readonly string[], after: readonly string[]): readonly Alignment[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const shorter = Math.min(before.length, after.length) - start;
  while (end < shorter && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;

  const steps: Alignment[] = [];
  for (let index = 0; index < start; index += 1) steps.push({ op: ' ', before: index, after: index });
  steps.push(...middle(before.slice(start, before.length - end), after.slice(start, after.length - end), start));
  for (let index = end; index > 0; index -= 1) {
    steps.push({ op: ' ', before: before.length - index, after: after.length - index });
  }
  return steps;
}

function middle(before: readonly string[], after: readonly string[], offset: number): readonly Alignment[] {
  const width = after.length + 1;
  const common = (before.length + 1) * width > maxCells ? null : commonLengths(before, after);
  const steps: Alignment[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const down = common?.[(i + 1) * width + j] ?? 0;
    const right = common?.[i * width + j + 1] ?? 0;
    if (common !== null && i < before.length && j < after.length && before[i] === after[j]) {
      steps.push({ op: ' ', before: offset + i++, after: offset + j++ });
    } else if (i < before.length && (j >= after.length || down >= right)) steps.push({ op: '-', before: offset + i++ });
    else steps.push({ op: '+', after: offset + j++ });
  }
  return steps;
}

/** In row i and column j: how much the rests from i and from j have in common. */
function commonLengths(before: readonly string[], after: readonly string[]): Uint32Array {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      lengths[at] =
        before[i] === after[j] ? (lengths[at + width + 1] ?? 0) + 1 : Math.max(lengths[at + width] ?? 0, lengths[at + 1] ?? 0);
    }
  }
  return lengths;
}
