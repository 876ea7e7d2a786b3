/**
 * A path through the fields of a spec as people write it: `data.api_key`, `match["bound claims"]`. A name of letters,
 * digits, `_` and `-` stands bare, any other in brackets as a JSON string.
 */
export function fieldPath(tokens: readonly string[]): string {
  let text = '';
  for (const token of tokens) {
    if (bare.test(token)) text += text === '' ? token : `.${token}`;
    else text += `[${JSON.stringify(token)}]`;
  }
  return text;
}

/** The names of a path, or null where it is not one. The inverse of `fieldPath`. */
export function parseFieldPath(text: string): readonly string[] | null {
  const tokens: string[] = [];
  let rest = text;
  while (rest !== '') {
    const match = (tokens.length === 0 ? first : next).exec(rest);
    if (match === null) return null;
    if (match[1] !== undefined) tokens.push(match[1]);
    else {
      try {
        tokens.push(JSON.parse(match[2] ?? '') as string);
      } catch {
        return null;
      }
    }
    rest = rest.slice(match[0].length);
  }
  return tokens.length === 0 ? null : tokens;
}

const bare = /^[A-Za-z0-9_-]+$/;
const quoted = String.raw`\[("(?:[^"\\]|\\.)*")\]`;
const first = new RegExp(String.raw`^(?:([A-Za-z0-9_-]+)|${quoted})`);
const next = new RegExp(String.raw`^(?:\.([A-Za-z0-9_-]+)|${quoted})`);
