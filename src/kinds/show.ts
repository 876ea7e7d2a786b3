import type { Json } from '../base/json.ts';

const longest = 60;

/**
 * Text that others wrote, as a message may quote it: in double quotes, on one line, without control and direction
 * characters that could fool a terminal, cut where it is long.
 */
export function showText(text: string): string {
  const shown = withoutKeys(text);
  const cut = shown.length > longest ? `${shown.slice(0, longest).toWellFormed()}…` : shown;
  return `"${visible(cut.replaceAll('\\', '\\\\').replaceAll('"', '\\"'))}"`;
}

/** A value in the same way: lists and maps only by their beginning. */
export function showJson(value: Json): string {
  if (typeof value === 'string') return showText(value);
  const text = withoutKeys(JSON.stringify(value));
  return visible(text.length > longest ? `${text.slice(0, longest).toWellFormed()}…` : text);
}

/** Text without characters that move the cursor, colour a terminal or turn the direction of writing: each as its escape. */
export function visible(text: string): string {
  return text.replace(unsafe, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}

// C0 and C1 controls, DEL, line and paragraph separators, direction marks, embeddings and isolates, zero-width, BOM.
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A private age key, which nobody should have written where it can be quoted. */
export const privateKey = /AGE-SECRET-KEY-[A-Z0-9-]+/gi;

function withoutKeys(text: string): string {
  return text.replace(privateKey, '(hidden)');
}
