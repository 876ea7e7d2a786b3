import { align } from './align.ts';
import { type Display, type DisplayObject, isDisplayList, isDisplayObject } from './display.ts';

export type Op = ' ' | '+' | '-' | '~';

/** How a value becomes another one, in the shape in which people read it. */
export type ValueDiff =
  // one value, or two that have nothing in common
  | { readonly shape: 'leaf'; readonly op: Op; readonly before?: Display; readonly after?: Display }
  | { readonly shape: 'text'; readonly op: Op; readonly lines: readonly TextLine[] }
  | { readonly shape: 'object'; readonly op: Op; readonly members: readonly Member[] }
  | { readonly shape: 'list'; readonly op: Op; readonly items: readonly ValueDiff[] };

export interface Member {
  readonly name: string;
  readonly diff: ValueDiff;
}

export interface TextLine {
  readonly op: ' ' | '+' | '-';
  readonly text: string;
}

/** `undefined` on one side: absent there. */
export function diffValues(before: Display | undefined, after: Display | undefined): ValueDiff {
  if (before === undefined) return whole(after ?? null, '+');
  if (after === undefined) return whole(before, '-');
  if (identity(before) === identity(after)) return whole(after, ' ');
  if (isDisplayObject(before) && isDisplayObject(after)) return { shape: 'object', op: '~', members: diffMembers(before, after) };
  if (isDisplayList(before) && isDisplayList(after)) return { shape: 'list', op: '~', items: diffItems(before, after) };
  if (typeof before === 'string' && typeof after === 'string' && isText(before) && isText(after)) {
    const [old, now] = [linesOf(before), linesOf(after)];
    const lines = align(old, now).map((step): TextLine => {
      return step.op === '+' ? { op: '+', text: now[step.after] ?? '' } : { op: step.op, text: old[step.before] ?? '' };
    });
    return { shape: 'text', op: '~', lines };
  }
  return { shape: 'leaf', op: '~', before, after };
}

/** A value that is there on both sides, or comes, or goes, with all that is in it. */
export function whole(value: Display, op: ' ' | '+' | '-'): ValueDiff {
  if (isDisplayList(value)) return { shape: 'list', op, items: value.map((item) => whole(item, op)) };
  if (isDisplayObject(value)) {
    const names = Object.keys(value).sort();
    return { shape: 'object', op, members: names.map((name) => ({ name, diff: whole(value[name] ?? null, op) })) };
  }
  if (typeof value === 'string' && isText(value)) {
    return { shape: 'text', op, lines: linesOf(value).map((text) => ({ op: ' ', text })) };
  }
  return op === '-' ? { shape: 'leaf', op, before: value } : { shape: 'leaf', op, after: value };
}

export function diffMembers(before: DisplayObject, after: DisplayObject): readonly Member[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.map((name) => ({
    name,
    diff: diffValues(
      Object.hasOwn(before, name) ? before[name] : undefined,
      Object.hasOwn(after, name) ? after[name] : undefined,
    ),
  }));
}

/** Lines of a text that ends in a line break. Without one at the end the quoted form is the only faithful one. */
function isText(value: string): boolean {
  return value.endsWith('\n') && value.length > 1;
}

function linesOf(text: string): readonly string[] {
  return text.slice(0, -1).split('\n');
}

function diffItems(before: readonly Display[], after: readonly Display[]): readonly ValueDiff[] {
  const items: ValueDiff[] = [];
  let [gone, come]: [Display[], Display[]] = [[], []];
  const flush = (): void => {
    items.push(...paired(gone, come));
    [gone, come] = [[], []];
  };
  for (const step of align(before.map(identity), after.map(identity))) {
    if (step.op === ' ') {
      flush();
      items.push(whole(after[step.after] ?? null, ' '));
    } else if (step.op === '-') gone.push(before[step.before] ?? null);
    else come.push(after[step.after] ?? null);
  }
  flush();
  return items;
}

// Beyond this, looking for pairs costs more than it helps whoever reads them.
const maxPairing = 200;

/** Items between two that stay: objects that have a single value in common (a path, a name) are one object that changed. */
function paired(gone: readonly Display[], come: readonly Display[]): readonly ValueDiff[] {
  const items: ValueDiff[] = [];
  let next = 0;
  for (const old of gone) {
    const found = come.length > maxPairing ? -1 : come.findIndex((item, index) => index >= next && similar(old, item));
    if (found < 0) {
      items.push(whole(old, '-'));
      continue;
    }
    for (const item of come.slice(next, found)) items.push(whole(item, '+'));
    items.push(diffValues(old, come[found]));
    next = found + 1;
  }
  for (const item of come.slice(next)) items.push(whole(item, '+'));
  return items;
}

function similar(a: Display, b: Display): boolean {
  if (!isDisplayObject(a) || !isDisplayObject(b)) return false;
  return Object.keys(a).some((name) => typeof a[name] !== 'object' && Object.hasOwn(b, name) && a[name] === b[name]);
}

/** Equal for values that are equal; the order of members does not matter. */
function identity(value: Display): string {
  if (typeof value === 'symbol') return `symbol ${value.description ?? ''}`;
  if (isDisplayList(value)) return `[${value.map(identity).join(',')}]`;
  if (isDisplayObject(value)) {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${identity(value[name] ?? null)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}
