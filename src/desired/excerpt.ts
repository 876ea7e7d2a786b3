import { privateKey } from '../kinds/show.ts';
import type { Excerpt } from './diagnostic.ts';
import type { Span } from './yaml-problem.ts';

const hiddenText = '(hidden)';
const widest = 160;

/**
 * A line of a file, with the span that a finding means, as a message may show it: spans of `hidden` become `(hidden)`,
 * a long line is cut around the finding, and what could move a cursor is replaced. All spans are offsets into the file.
 */
export function excerptOf(text: string, line: Span, meant: Span, hidden: readonly Span[]): Excerpt {
  const keys = [...text.slice(line.start, line.end).matchAll(privateKey)].map(({ 0: key, index }) => ({
    start: line.start + index,
    end: line.start + index + key.length,
  }));
  const gaps = merged([...hidden, ...keys], line);
  let shown = '';
  let at = line.start;
  for (const gap of gaps) {
    shown += text.slice(at, gap.start) + hiddenText;
    at = gap.end;
  }
  shown += text.slice(at, line.end);
  const start = columnOf(Math.min(Math.max(meant.start, line.start), line.end), line, gaps, 'start');
  const end = Math.max(columnOf(Math.min(Math.max(meant.end, line.start), line.end), line, gaps, 'end'), start + 1);
  return cut(
    shown.replace(unsafe, (character) => (character === '\t' ? ' ' : '�')),
    start,
    end,
  );
}

// Each is one UTF-16 code unit, so columns stay right.
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The hidden spans on a line, in order, without overlap. */
function merged(hidden: readonly Span[], line: Span): readonly Span[] {
  const gaps: Span[] = [];
  for (const { start, end } of [...hidden].sort((a, b) => a.start - b.start)) {
    const gap = { start: Math.max(start, line.start), end: Math.min(end, line.end) };
    const last = gaps.at(-1);
    if (gap.start >= gap.end) continue;
    if (last !== undefined && gap.start < last.end)
      gaps[gaps.length - 1] = { start: last.start, end: Math.max(last.end, gap.end) };
    else gaps.push(gap);
  }
  return gaps;
}

/** The column, from 1, at which an offset stands once the gaps are replaced. */
function columnOf(offset: number, line: Span, gaps: readonly Span[], side: 'start' | 'end'): number {
  let column = offset - line.start + 1;
  for (const { start, end } of gaps) {
    if (offset >= end) column += hiddenText.length - (end - start);
    else if (offset > start) column += start - offset + (side === 'end' ? hiddenText.length : 0);
  }
  return column;
}

function cut(text: string, start: number, end: number): Excerpt {
  if (text.length <= widest) return { text, column: start, endColumn: end };
  const from = Math.max(0, Math.min(start - 1 - 40, text.length - widest));
  const to = Math.min(text.length, from + widest);
  const before = from > 0 ? '…' : '';
  const column = start - from + before.length;
  const shown = `${before}${text.slice(from, to).toWellFormed()}${to < text.length ? '…' : ''}`;
  return { text: shown, column, endColumn: Math.max(column + 1, Math.min(end - from + before.length, shown.length + 1)) };
}
