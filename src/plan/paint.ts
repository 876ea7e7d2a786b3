/** What a piece of a plan's text is, for whoever gives it a colour. */
export type Style = 'create' | 'update' | 'delete' | 'forget' | 'bold' | 'faint' | 'warning' | 'error';

/** Gives a text its look; it must not change what is visible of it. */
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;

export function styleOfOp(op: string): Style {
  return op === '+' ? 'create' : op === '-' ? 'delete' : 'update';
}
