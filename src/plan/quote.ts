// Characters that move the cursor, hide text or turn its direction: what is shown must be what is there.
const invisible = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\ud800-\udfff]/gu;

/** A text in double quotes, as JSON writes it, without anything that a terminal would act on. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(invisible, escaped);
}

/** A line of a text as it stands, with escapes for what a terminal would act on. */
export function visible(line: string): string {
  return line.replace(invisible, (character) => (character === '\t' ? character : escaped(character)));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The name of an attribute: bare where it can't be misread. */
export function attributeName(name: string): string {
  return /^[A-Za-z_][\w.-]*$/.test(name) ? name : quoted(name);
}
