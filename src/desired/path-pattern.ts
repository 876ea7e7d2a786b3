/**
 * Does a pattern of `spec.exclude` name this path (both relative, with `/`)? In a segment `*` stands for any characters;
 * a segment `**` for any number of segments. Costs at most the product of both lengths.
 */
export function matchesPath(pattern: string, path: string): boolean {
  const wanted = pattern.replace(/\/+$/, '').split('/');
  return matches(wanted, path.split('/'), '**', (segment, name) =>
    matches(segment.split(''), name.split(''), '*', (a, b) => a === b),
  );
}

/** Greedy matching with one place to return to: after a wildcard matched too little, it takes one more. */
function matches(
  pattern: readonly string[],
  items: readonly string[],
  wildcard: string,
  same: (pattern: string, item: string) => boolean,
): boolean {
  let at = 0;
  let item = 0;
  let lastWildcard = -1;
  let retry = 0;
  while (item < items.length) {
    const wanted = pattern[at];
    if (wanted === wildcard) {
      lastWildcard = at++;
      retry = item;
    } else if (wanted !== undefined && same(wanted, items[item] ?? '')) {
      at++;
      item++;
    } else if (lastWildcard >= 0) {
      at = lastWildcard + 1;
      item = ++retry;
    } else return false;
  }
  while (pattern[at] === wildcard) at++;
  return at === pattern.length;
}
