import { type Display, isDisplayList, isDisplayObject, knownAfterApply, secretAfter, secretKept } from './display.ts';
import { type Paint, styleOfOp } from './paint.ts';
import { attributeName, quoted, visible } from './quote.ts';
import { type Member, type Op, type TextLine, type ValueDiff, whole } from './value-diff.ts';

export interface AttributeOptions {
  readonly paint: Paint;
  /** Show also what does not change (an object that is imported as it is). */
  readonly all: boolean;
  /** Names of attributes because of which the object is replaced. */
  readonly forcing: ReadonlySet<string>;
}

/** The attributes of an object, as lines that are indented by six columns. */
export function renderAttributes(members: readonly Member[], options: AttributeOptions): readonly string[] {
  const lines: string[] = [];
  renderMembers(members, { indent: 4, depth: 0, paint: options.paint, all: options.all, forcing: options.forcing, lines });
  return lines;
}

interface Place {
  /** Where the symbol of a line stands, less the two columns it takes with its space. */
  readonly indent: number;
  readonly depth: number;
  readonly paint: Paint;
  readonly all: boolean;
  readonly forcing: ReadonlySet<string>;
  readonly lines: string[];
}

function put({ indent, paint, lines }: Place, op: Op, text: string): void {
  const symbol = op === ' ' ? ' ' : paint(styleOfOp(op), op);
  lines.push(`${' '.repeat(indent + 2)}${symbol} ${text}`.trimEnd());
}

function deeper(place: Place, all = place.all): Place {
  return { ...place, indent: place.indent + 4, depth: place.depth + 1, all };
}

function renderMembers(members: readonly Member[], place: Place, isItem = false): void {
  const shown = place.all ? members : members.filter(({ diff }) => isShown(diff, isItem));
  const names = shown.map(({ name }) => attributeName(name));
  const width = Math.max(0, ...names.map((name) => name.length));
  shown.forEach(({ name, diff }, index) => {
    const forces = place.depth === 0 && place.forcing.has(name) ? ` ${place.paint('delete', '# forces replacement')}` : '';
    renderValue(diff, `${(names[index] ?? '').padEnd(width)} = `, forces, place);
  });
  hidden(members.length - shown.length, 'attribute', place);
}

/** What stays is hidden, except of a secret (it says so) and of what tells one item of a list from another. */
function isShown(diff: ValueDiff, isItem: boolean): boolean {
  if (diff.op !== ' ') return true;
  return diff.shape === 'leaf' && (isItem || diff.after === secretKept);
}

function hidden(count: number, noun: string, place: Place): void {
  if (count > 0) put(place, ' ', place.paint('faint', `# (${count} unchanged ${noun}${count === 1 ? '' : 's'} hidden)`));
}

/** `label` comes before the value (`name = `), `tail` after its end. */
function renderValue(diff: ValueDiff, label: string, tail: string, place: Place): void {
  // Only what goes at the top is said to become null: below it, the symbol says enough.
  const end = `${diff.op === '-' && place.depth === 0 ? ' -> null' : ''}${tail}`;
  switch (diff.shape) {
    case 'leaf':
      return renderLeaf(diff, label, end, place);
    case 'text':
      return renderText(diff.lines, diff.op, label, end, place);
    case 'object': {
      if (diff.members.length === 0) return put(place, diff.op, `${label}{}${end}`);
      put(place, diff.op, `${label}{`);
      renderMembers(diff.members, deeper(place, diff.op !== '~' || place.all), label === '');
      return put(place, ' ', `}${closing(end, label)}`);
    }
    case 'list': {
      if (diff.items.length === 0) return put(place, diff.op, `${label}[]${end}`);
      put(place, diff.op, `${label}[`);
      renderItems(diff.items, diff.op, deeper(place, diff.op !== '~' || place.all));
      return put(place, ' ', `]${closing(end, label)}`);
    }
  }
}

/** An item of a list ends in a comma. */
function closing(end: string, label: string): string {
  return label === '' ? `${end},` : end;
}

function renderLeaf(diff: ValueDiff & { shape: 'leaf' }, label: string, end: string, place: Place): void {
  const { op, before, after } = diff;
  const comma = label === '' ? ',' : '';
  if (op !== '~') {
    const value = (op === '-' ? before : after) ?? null;
    const note = value === secretKept ? ` ${place.paint('faint', '# unchanged')}` : '';
    return put(place, op, `${label}${scalar(value)}${end}${comma}${note}`);
  }
  if (after === secretAfter) return put(place, op, `${label}(sensitive value)${end}${comma} # changed`);
  if (!isBlock(before) && !isBlock(after)) {
    return put(place, op, `${label}${scalar(before ?? null)} -> ${scalar(after ?? null)}${end}${comma}`);
  }
  // A value of another shape: what goes, then what comes.
  renderValue(whole(before ?? null, '-'), label, '', { ...place, depth: place.depth + 1 });
  renderValue(whole(after ?? null, '+'), label, end, place);
}

function isBlock(value: Display | undefined): boolean {
  return isDisplayObject(value) || isDisplayList(value);
}

function scalar(value: Display): string {
  if (value === knownAfterApply) return '(known after apply)';
  if (typeof value === 'symbol') return '(sensitive value)';
  return typeof value === 'string' ? quoted(value) : JSON.stringify(value);
}

function renderItems(items: readonly ValueDiff[], op: Op, place: Place): void {
  const near =
    op === '~' && !place.all
      ? nearChanges(
          items.map((item) => item.op !== ' '),
          1,
        )
      : items.map(() => true);
  renderRuns(items, near, 'element', place, (item) => renderValue(item, '', '', place));
}

const textContext = 3;

function renderText(lines: readonly TextLine[], op: Op, label: string, end: string, place: Place): void {
  put(place, op, `${label}<<-EOT`);
  const inner = { ...place, indent: place.indent + 4 };
  const near =
    op === '~' && !place.all
      ? nearChanges(
          lines.map((line) => line.op !== ' '),
          textContext,
        )
      : lines.map(() => true);
  renderRuns(lines, near, 'line', inner, (line) => put(inner, line.op, visible(line.text)));
  put(place, ' ', `EOT${closing(end, label)}`);
}

/** Which positions are a change or at most `distance` from one. */
function nearChanges(changed: readonly boolean[], distance: number): readonly boolean[] {
  const near = changed.map(() => false);
  changed.forEach((isChanged, index) => {
    if (isChanged) near.fill(true, Math.max(0, index - distance), index + distance + 1);
  });
  return near;
}

function renderRuns<T>(all: readonly T[], shown: readonly boolean[], noun: string, place: Place, render: (one: T) => void): void {
  let skipped = 0;
  all.forEach((one, index) => {
    if (shown[index] !== true) {
      skipped += 1;
      return;
    }
    hidden(skipped, noun, place);
    skipped = 0;
    render(one);
  });
  hidden(skipped, noun, place);
}
