/**
 * Finds the most specific pattern of a path without looking at every one: exact paths in a map, prefixes in a map by
 * length, patterns with `+` in a tree of segments.
 */
export class PathIndex<T> {
  readonly #exact = new Map<string, T>();
  readonly #prefixes = new PrefixTable<Ranked<T>>();
  readonly #wildcards = new SegmentTree<T>();

  constructor(patterns: ReadonlyMap<string, T>) {
    const ranked: { readonly pattern: Pattern; readonly value: T }[] = [];
    for (const [path, value] of patterns) {
      const pattern = readPattern(path);
      if (pattern.kind === 'exact') this.#exact.set(path, value);
      else ranked.push({ pattern, value });
    }
    ranked.sort((a, b) => comparePriority(a.pattern, b.pattern));
    for (const [rank, { pattern, value }] of ranked.entries()) {
      if (pattern.kind === 'prefix') this.#prefixes.set(pattern.body, { rank, pattern, value });
      else this.#wildcards.set(pattern, { rank, pattern, value });
    }
  }

  /** The value of exactly this path. */
  exact(path: string): T | undefined {
    return this.#exact.get(path);
  }

  /** The prefix or wildcard pattern that goes first among those which match, with its value. */
  pattern(path: string): Matched<T> | undefined {
    const prefix = this.#prefixes.longest(path);
    const wildcard = this.#wildcards.best(path);
    if (prefix === undefined || wildcard === undefined) return prefix ?? wildcard;
    return prefix.rank > wildcard.rank ? prefix : wildcard;
  }
}

/** A pattern that matches a path. */
export interface Matched<T> {
  readonly pattern: Pattern;
  readonly value: T;
}

/** Which of two patterns of different indexes goes first; `a` where they are the same one. */
export function goesFirst<T>(a: Matched<T> | undefined, b: Matched<T> | undefined): Matched<T> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return comparePriority(a.pattern, b.pattern) >= 0 ? a : b;
}

interface Ranked<T> extends Matched<T> {
  /** The greater goes first. */
  readonly rank: number;
}

interface Pattern {
  readonly kind: 'exact' | 'prefix' | 'wildcard';
  /** The path without the `*` at its end. */
  readonly body: string;
  readonly isPrefix: boolean;
  /** Bytes before the first wildcard. */
  readonly firstWildcard: number;
  /** How many segments are `+`. */
  readonly plusSegments: number;
}

function readPattern(path: string): Pattern {
  const isPrefix = path.endsWith('*');
  const body = isPrefix ? path.slice(0, -1) : path;
  // As the original has it: a segment that starts with `+` makes it a wildcard pattern, and the first `+` of any kind counts.
  const hasPlus = path === '+' || path.startsWith('+/') || path.includes('/+');
  return {
    kind: hasPlus ? 'wildcard' : isPrefix ? 'prefix' : 'exact',
    body,
    isPrefix,
    firstWildcard: Buffer.byteLength(hasPlus ? path.slice(0, path.indexOf('+')) : body),
    plusSegments: body.split('/').filter((segment) => segment === '+').length,
  };
}

/** Ascending priority: a later first wildcard, then no `*` at the end, then fewer `+`, then longer, then greater by bytes. */
function comparePriority(a: Pattern, b: Pattern): number {
  const [left, right] = [Buffer.from(a.body), Buffer.from(b.body)];
  return (
    a.firstWildcard - b.firstWildcard ||
    Number(b.isPrefix) - Number(a.isPrefix) ||
    b.plusSegments - a.plusSegments ||
    left.length - right.length ||
    Buffer.compare(left, right)
  );
}

/** Longest prefix first: one look-up for each length that occurs. */
class PrefixTable<T> {
  readonly #byPrefix = new Map<string, T>();
  /** Descending. */
  #lengths: number[] = [];

  set(prefix: string, value: T): void {
    this.#byPrefix.set(prefix, value);
    if (!this.#lengths.includes(prefix.length)) this.#lengths = [...this.#lengths, prefix.length].sort((a, b) => b - a);
  }

  longest(path: string): T | undefined {
    for (const length of this.#lengths) {
      if (length > path.length) continue;
      const value = this.#byPrefix.get(path.slice(0, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

interface Node<T> {
  readonly children: Map<string, Node<T>>;
  /** A pattern that ends here. */
  end: Ranked<T> | undefined;
  /** Patterns whose last segment is the start of the next one and which go on with anything. */
  prefixes: PrefixTable<Ranked<T>> | undefined;
}

/** Patterns with `+`. A look-up visits each node at most once, and only those that the path leads to. */
class SegmentTree<T> {
  readonly #root: Node<T> = newNode();

  set(pattern: Pattern, ranked: Ranked<T>): void {
    const segments = pattern.body.split('/');
    const start = pattern.isPrefix ? segments.pop() : undefined;
    let node = this.#root;
    for (const segment of segments) {
      let child = node.children.get(segment);
      if (child === undefined) node.children.set(segment, (child = newNode()));
      node = child;
    }
    if (start === undefined) node.end = ranked;
    else (node.prefixes ??= new PrefixTable()).set(start, ranked);
  }

  best(path: string): Ranked<T> | undefined {
    if (this.#root.children.size === 0 && this.#root.prefixes === undefined) return undefined;
    const segments = path.split('/');
    let best: Ranked<T> | undefined;
    const consider = (found: Ranked<T> | undefined): void => {
      if (found !== undefined && (best === undefined || found.rank > best.rank)) best = found;
    };
    let level: Node<T>[] = [this.#root];
    for (const segment of segments) {
      const next: Node<T>[] = [];
      for (const node of level) {
        consider(node.prefixes?.longest(segment));
        for (const name of segment === '+' ? ['+'] : [segment, '+']) {
          const child = node.children.get(name);
          if (child !== undefined) next.push(child);
        }
      }
      level = next;
    }
    for (const node of level) consider(node.end);
    return best;
  }
}

function newNode<T>(): Node<T> {
  return { children: new Map(), end: undefined, prefixes: undefined };
}
