import { isCollection, isMap, isScalar, isSeq, visit, type Document, type Node } from 'yaml';
import { pointerTokens } from '../base/json.ts';
import { composeDocuments } from './document.ts';
import { commentStarts } from './lexemes.ts';
import type { Span } from './yaml-problem.ts';

/** A part of a document: what a JSON pointer leads to, or the key that stands before it. */
export interface Spot {
  /** The number of the document in its file, from 0. */
  readonly document: number;
  /** A JSON pointer into the document; where it leads nowhere the nearest parent is meant. */
  readonly pointer: string;
  readonly part: 'key' | 'value';
  /** A piece of the text that is meant, where it stands in it as it is. */
  readonly within?: string | undefined;
}

/** The positions in a file: made by parsing it again, so only where it has a finding. */
export class FilePositions {
  readonly text: string;
  readonly #documents: readonly Document.Parsed[];
  readonly #lines: readonly number[];
  readonly #comments: ReadonlyMap<number, number>;

  constructor(text: string) {
    this.text = text;
    this.#documents = composeDocuments(text).documents;
    this.#lines = lineStarts(text);
    this.#comments = new Map(commentStarts(text).map((start) => [this.line(start).number, start]));
  }

  /** Where the comment on a line begins; null: it has none. Whatever follows it on the line belongs to it. */
  comment(line: number): number | null {
    return this.#comments.get(line) ?? null;
  }

  span({ document, pointer, part, within }: Spot): Span {
    const parsed = this.#documents[document];
    if (parsed === undefined) return { start: 0, end: 1 };
    const { key, value } = find(parsed.contents, pointerTokens(pointer));
    const [start, end] = (part === 'key' ? (key ?? firstKey(value)) : (value ?? key))?.range ?? parsed.range;
    const inside = within === undefined ? -1 : this.text.slice(start, end).indexOf(within);
    if (within !== undefined && inside >= 0) return { start: start + inside, end: start + inside + within.length };
    return { start, end: Math.max(end, start + 1) };
  }

  /** The spans of all scalars (keys left out) at or below a pointer; none where it leads nowhere. */
  scalars(document: number, pointer: string): readonly Span[] {
    const tokens = pointerTokens(pointer);
    const found = find(this.#documents[document]?.contents, tokens);
    if (found.depth < tokens.length || found.value === null) return [];
    const spans: Span[] = [];
    visit(found.value, {
      Scalar: (key, { range }) => {
        if (key !== 'key' && range) spans.push({ start: range[0], end: range[1] });
      },
    });
    return spans;
  }

  /** The number of the line at an offset and the offset of its first character. Lines count from 1. */
  line(offset: number): { readonly number: number; readonly start: number; readonly end: number } {
    let low = 0;
    let high = this.#lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lines[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const start = this.#lines[low] ?? 0;
    const after = this.#lines[low + 1];
    const end = after === undefined ? this.text.length : after - 1;
    return { number: low + 1, start, end: this.text[end - 1] === '\r' ? end - 1 : end };
  }
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

interface Found {
  readonly key: Node | null;
  readonly value: Node | null;
  /** How many tokens led somewhere. */
  readonly depth: number;
}

function find(contents: unknown, tokens: readonly string[]): Found {
  let found: Found = { key: null, value: (contents ?? null) as Node | null, depth: 0 };
  for (const token of tokens) {
    const { value, depth } = found;
    if (isMap(value)) {
      const pair = value.items.find(({ key }) => isScalar(key) && key.value === token);
      if (pair === undefined) return found;
      found = { key: pair.key as Node, value: (pair.value ?? null) as Node | null, depth: depth + 1 };
    } else if (isSeq(value)) {
      const item = value.items[Number(token)];
      if (item === undefined) return found;
      found = { key: null, value: item as Node, depth: depth + 1 };
    } else return found;
  }
  return found;
}

/** Where a whole document or item is meant: its first key, else itself. */
function firstKey(node: Node | null): Node | null {
  if (!isCollection(node) || !isMap(node)) return node;
  const [first] = node.items;
  return first === undefined ? node : (first.key as Node);
}
