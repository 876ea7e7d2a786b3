import type { HclDocument, HclItem, HclValue } from './hcl-syntax.ts';

export type HclObject = HclValue & { readonly kind: 'object' };

export function asString(document: HclDocument, value: HclValue): string {
  if (value.kind === 'scalar' && typeof value.value === 'string') return value.value;
  throw document.problem(value.at, 'expected a string');
}

export function asList(document: HclDocument, value: HclValue): readonly HclValue[] {
  if (value.kind === 'list') return value.items;
  throw document.problem(value.at, 'expected a list: [ … ]');
}

export function asObject(document: HclDocument, value: HclValue): HclObject {
  if (value.kind === 'object') return value;
  throw document.problem(value.at, 'expected a block: { … }');
}

/** A block with its label, as `path "secret/x" { … }` has one. */
export interface LabelledBlock {
  readonly label: string;
  readonly at: number;
  readonly body: HclObject;
}

/**
 * The blocks of an item: one in HCL; in JSON the members of `{"label": {…}}`, where either object may also be a list of
 * such objects. Throws HclError with `usage` for a block without exactly one label.
 */
export function labelledBlocks(document: HclDocument, item: HclItem, usage: string): readonly LabelledBlock[] {
  const [key, label] = item.keys;
  if (!item.assigned) {
    if (label === undefined || item.keys.length > 2) throw document.problem(key?.at ?? 0, usage);
    return [{ label: label.text, at: label.at, body: asObject(document, item.value) }];
  }
  return objects(document, item.value).flatMap(({ items }) =>
    items.flatMap(({ keys: [name], value }) =>
      name === undefined ? [] : objects(document, value).map((body) => ({ label: name.text, at: name.at, body })),
    ),
  );
}

function objects(document: HclDocument, value: HclValue): readonly HclObject[] {
  return (value.kind === 'list' ? value.items : [value]).map((item) => asObject(document, item));
}

/** A string as HCL and JSON quote it. `${` would begin an interpolation for HCL's scanner, so it is escaped. */
export function quoteHcl(text: string): string {
  return JSON.stringify(text).replaceAll('${', '\\u0024{');
}
