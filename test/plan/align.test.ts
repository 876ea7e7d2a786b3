import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { align } from '../../src/plan/align.ts';
import { type Display } from '../../src/plan/display.ts';
import { diffValues, type ValueDiff } from '../../src/plan/value-diff.ts';

const items = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });

describe('an alignment', () => {
  it('turns one list into the other', () => {
    fc.assert(
      fc.property(items, items, (before, after) => {
        const steps = align(before, after);
        expect(steps.flatMap((step) => (step.op === '+' ? [] : [before[step.before]]))).toEqual(before);
        expect(steps.flatMap((step) => (step.op === '-' ? [] : [after[step.after]]))).toEqual(after);
        for (const step of steps) if (step.op === ' ') expect(before[step.before]).toBe(after[step.after]);
      }),
    );
  });

  it('keeps as much as can be kept', () => {
    fc.assert(
      fc.property(items, items, (before, after) => {
        const kept = align(before, after).filter(({ op }) => op === ' ').length;
        expect(kept).toBe(longestCommon(before, after));
      }),
    );
  });

  it('of long lists that have nothing in common is not worked out cell by cell', () => {
    const before = Array.from({ length: 50_000 }, (_, index) => `a${index}`);
    const after = Array.from({ length: 50_000 }, (_, index) => `b${index}`);
    expect(align(before, after)).toHaveLength(100_000);
  });
});

function longestCommon(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return 0;
  const memo = new Map<number, number>();
  const from = (i: number, j: number): number => {
    if (i === a.length || j === b.length) return 0;
    const key = i * 100 + j;
    const known = memo.get(key);
    if (known !== undefined) return known;
    const found = a[i] === b[j] ? 1 + from(i + 1, j + 1) : Math.max(from(i + 1, j), from(i, j + 1));
    memo.set(key, found);
    return found;
  };
  return from(0, 0);
}

describe('a difference of values', () => {
  const value = fc.letrec<{ value: Display }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<Display>(null, true, 1, 'x', 'one\ntwo\n', 'one\n2\n'),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value')),
    ),
  })).value;

  it('holds both sides in full', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        const diff = diffValues(before, after);
        expect(side(diff, '-')).toEqual(before);
        expect(side(diff, '+')).toEqual(after);
      }),
    );
  });
});

const absent = Symbol('absent');

/** One side of a difference, put together again. */
function side(diff: ValueDiff, kept: '-' | '+'): unknown {
  if ((diff.op === '+' || diff.op === '-') && diff.op !== kept) return absent;
  switch (diff.shape) {
    case 'leaf':
      return diff.op === '~' ? (kept === '-' ? diff.before : diff.after) : diff.op === '-' ? diff.before : diff.after;
    case 'text':
      return diff.lines
        .filter(({ op }) => op === ' ' || op === kept)
        .map(({ text }) => `${text}\n`)
        .join('');
    case 'object':
      return Object.fromEntries(
        diff.members.map(({ name, diff: member }) => [name, side(member, kept)]).filter(([, member]) => member !== absent),
      );
    case 'list':
      return diff.items.map((item) => side(item, kept)).filter((item) => item !== absent);
  }
}
