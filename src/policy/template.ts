import { isPathSegment } from '../base/name.ts';
import type { Identity } from '../core/ports.ts';
import { patternProblem } from './pattern.ts';

/** A templated path for somebody: filled in, or why not. */
export type FilledPath =
  | { readonly path: string }
  /** Nobody knows a value for one of its parts. */
  | 'unknown'
  /** A value would be more than one part of a segment, or a pattern. */
  | 'forbidden';

const part = /\{\{([^{}]*)\}\}/g;

/**
 * Fills in the parts of a path that speak of an identity
 * (https://developer.hashicorp.com/vault/docs/concepts/policies#templated-policies). A value stands for text inside one
 * segment, whoever chose it: with `/`, `*`, `+` or `,` in it, or as anything else that a request's path could not hold
 * there, it is forbidden.
 */
export function fillPath(path: string, identity: Identity): FilledPath {
  let known = true;
  let allowed = true;
  const filled = path.replace(part, (_, selector: string) => {
    const value = valueOf(selector.trim(), identity);
    if (value === undefined || value === '') known = false;
    else if (!isPathSegment(value) || /[+,{}]/.test(value)) allowed = false;
    return value ?? '';
  });
  if (!known) return 'unknown';
  return allowed && patternProblem(filled) === null ? { path: filled } : 'forbidden';
}

const held = '(id|name|metadata\\..+)';
const known = [
  new RegExp(`^identity\\.entity\\.${held}$`),
  new RegExp(`^identity\\.entity\\.aliases\\.[^.]+\\.(${held}|custom_metadata\\..+)$`),
  new RegExp(`^identity\\.groups\\.(ids|names)\\..+\\.${held}$`),
];

/** Why a part of the path could never be known of anybody, or null. Its braces are balanced. */
export function templateProblem(path: string): string | null {
  for (const [whole, selector = ''] of path.matchAll(part)) {
    if (known.some((form) => form.test(selector.trim()))) continue;
    return `${whole} names nothing: there are identity.entity.{id, name, metadata.…}, identity.entity.aliases.<accessor>.{id, name, metadata.…, custom_metadata.…} and identity.groups.{ids, names}.<group>.{id, name, metadata.…}`;
  }
  return null;
}

function valueOf(selector: string, { entity, groups }: Identity): string | undefined {
  const ofEntity = after(selector, 'identity.entity.');
  if (ofEntity !== undefined) {
    const ofAlias = after(ofEntity, 'aliases.');
    if (ofAlias === undefined) return memberOf(entity, ofEntity);
    const alias = entity.aliases.find(({ mountAccessor }) => ofAlias.startsWith(`${mountAccessor}.`));
    return alias && memberOf(alias, ofAlias.slice(alias.mountAccessor.length + 1));
  }
  for (const by of ['id', 'name'] as const) {
    const ofGroups = after(selector, `identity.groups.${by}s.`);
    if (ofGroups === undefined) continue;
    // A name may have dots in it, and one may be the start of another.
    const named = groups.filter((group) => ofGroups.startsWith(`${group[by]}.`));
    const group = named.sort((a, b) => b[by].length - a[by].length)[0];
    return group && memberOf(group, ofGroups.slice(group[by].length + 1));
  }
  return undefined;
}

function memberOf(
  holder: {
    readonly id: string;
    readonly name: string;
    readonly metadata: Readonly<Record<string, string>>;
    readonly customMetadata?: Readonly<Record<string, string>>;
  },
  selector: string,
): string | undefined {
  if (selector === 'id' || selector === 'name') return holder[selector];
  const key = after(selector, 'metadata.');
  if (key !== undefined) return ownText(holder.metadata, key);
  const customKey = after(selector, 'custom_metadata.');
  return customKey === undefined ? undefined : ownText(holder.customMetadata ?? {}, customKey);
}

function ownText(texts: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(texts, key) ? texts[key] : undefined;
}

/** What stands behind `start`, or undefined where the text starts otherwise. */
function after(text: string, start: string): string | undefined {
  return text.startsWith(start) ? text.slice(start.length) : undefined;
}
