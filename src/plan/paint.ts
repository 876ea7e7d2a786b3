/** What a piece of a plan's text is, for whoever gives it a colour. */
export type Style = 'create' | 'update' | 'delete' | 'forget' | 'bold' | 'faint' | 'warning' | 'error';

/** Gives a text its look; it must not change what is visible of it. */
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;

export function styleOfOp(op: string): Style {
  return op === '+' ? 'create' : op === '-' ? 'delete' : 'update';
}

// SGR parameters: on, off. Off restores only what on changed, so that a bold text keeps its colour.
const codes: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  create: [32, 39],
  update: [33, 39],
  delete: [31, 39],
  forget: [36, 39],
  bold: [1, 22],
  faint: [2, 22],
  warning: [33, 39],
  error: [31, 39],
};

/** The colours of a terminal (ECMA-48 SGR sequences). */
export const colours: Paint = (style, text) => {
  const [on, off] = codes[style];
  return `\u001b[${on}m${text}\u001b[${off}m`;
};
