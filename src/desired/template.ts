/** A piece of a text: as it stands, or a reference. */
export type TemplatePart = string | Reference;

export interface Reference {
  /** As written, with `${` and `}`. */
  readonly text: string;
  readonly target:
    | { readonly type: 'variable'; readonly name: string }
    | { readonly type: 'eachKey' }
    /** The way into the value: `[]` is the whole of it. */
    | { readonly type: 'eachValue'; readonly path: readonly string[] }
    /** `${env.NAME}`, which does not exist. */
    | { readonly type: 'shell'; readonly name: string }
    | { readonly type: 'unknown' }
    /** No `}` follows. */
    | { readonly type: 'open' };
}

/** True where a text needs to be looked at; all others stand for themselves. */
export function hasTemplate(text: string): boolean {
  return text.includes('${');
}

/**
 * The pieces of a text: `${var.name}`, `${each.key}`, `${each.value.name}` are references; `$${` is a plain `${`.
 * Every `${` begins a reference, if only an unknown one, so that a misspelt one is never taken for text.
 */
export function parseTemplate(text: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let plain = '';
  let at = 0;
  for (let next = text.indexOf('${'); next >= 0; next = text.indexOf('${', at)) {
    if (next > at && text[next - 1] === '$') {
      plain += `${text.slice(at, next - 1)}\${`;
      at = next + 2;
      continue;
    }
    plain += text.slice(at, next);
    const end = text.indexOf('}', next);
    const reference = text.slice(next, end < 0 ? text.length : end + 1);
    if (plain !== '') parts.push(plain);
    plain = '';
    parts.push({ text: reference, target: end < 0 ? { type: 'open' } : targetOf(reference.slice(2, -1).trim()) });
    at = next + reference.length;
  }
  plain += text.slice(at);
  if (plain !== '') parts.push(plain);
  return parts;
}

const variable = /^var\.([A-Za-z_][A-Za-z0-9_-]{0,63})$/;
const eachValue = /^each\.value((?:\.[A-Za-z0-9_-]+)*)$/;
const shell = /^env\.([A-Za-z0-9_]+)$/;

function targetOf(inside: string): Reference['target'] {
  if (inside === 'each.key') return { type: 'eachKey' };
  const name = variable.exec(inside)?.[1];
  if (name !== undefined) return { type: 'variable', name };
  const path = eachValue.exec(inside)?.[1];
  if (path !== undefined) return { type: 'eachValue', path: path.split('.').slice(1) };
  const exported = shell.exec(inside)?.[1];
  return exported === undefined ? { type: 'unknown' } : { type: 'shell', name: exported };
}
