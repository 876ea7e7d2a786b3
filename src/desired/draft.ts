import { atPointer, isJsonObject, pointerTokens, type Json, type JsonObject } from '../base/json.ts';
import { isIdentifier } from '../base/name.ts';
import { explain } from '../kinds/explain.ts';
import type { Kind, ResourceName } from '../kinds/kind.ts';
import { forEachSchema } from '../kinds/schema.ts';
import { compileSchema } from '../kinds/validate.ts';
import type { Findings, Site } from './finding.ts';
import { patchReaches } from './merge-patch.ts';
import type { SourceDocument } from './source-document.ts';
import { Substitution, type ExpansionBudget, type Scope } from './substitute.ts';
import { parseTemplate } from './template.ts';

/** A resource in the making: a document, or one entry of its forEach, with references replaced. */
export interface Draft {
  readonly document: SourceDocument;
  readonly lens: Kind;
  readonly forEachKey: string | null;
  /** The document, without its forEach. */
  readonly value: JsonObject;
  /** Null where the document does not tell. */
  readonly name: ResourceName | null;
  /** The patches of the environment that made `value` what it is. */
  readonly patches: readonly AppliedPatch[];
  /** False: a finding was made about it, so it is no part of the desired state. */
  readonly sound: boolean;
}

export interface AppliedPatch {
  readonly spec: JsonObject;
  /** The place of a pointer into the patch. */
  site(pointer: string, part?: 'key' | 'value'): Site;
}

/** The patch that wrote what a JSON pointer into a draft's document leads to; null: the document itself did. */
export function patchOf({ document, patches }: Draft, pointer: string): AppliedPatch | null {
  const [top, ...tokens] = pointerTokens(pointer);
  if (top !== 'spec') return null;
  const wrote = patches.findLast(({ spec }) => {
    const reach = patchReaches(spec, tokens);
    return reach === 'writes' || (reach === 'merges' && atPointer(document.value, pointer) === undefined);
  });
  return wrote ?? null;
}

/** Where what a JSON pointer into a draft's document leads to was written: in the document, or in a patch. */
export function siteOf(draft: Draft, pointer: string, part: 'key' | 'value' = 'value', within?: string): Site {
  const patch = patchOf(draft, pointer);
  return patch === null ? draft.document.site(pointer, part, within) : patch.site(pointer.slice('/spec'.length), part);
}

/** The spec of a draft; an empty one where the document has none. */
export function specOf({ value }: Pick<Draft, 'value'>): JsonObject {
  return isJsonObject(value['spec']) ? value['spec'] : {};
}

/** What the expansion of documents needs. */
export interface Expansion {
  readonly variables: Scope['variables'];
  readonly budget: ExpansionBudget;
  readonly findings: Findings;
}

const fitsForEach = compileSchema(forEachSchema);

/** The drafts of a document: one, or one for each key of its forEach. Throws TooMuch. */
export function expand(document: SourceDocument, lens: Kind, expansion: Expansion): readonly Draft[] {
  const { forEach } = document.value;
  if (forEach === undefined) {
    const named = checkName(document, expansion.findings, false);
    const draft = draftOf(document, lens, null, expansion);
    return [named ? draft : { ...draft, sound: false }];
  }
  if (!fitsForEach(forEach)) refuseForEach(document, forEach, expansion.findings);
  if (!isJsonObject(forEach) || !checkName(document, expansion.findings, true)) {
    expansion.findings.incomplete = true;
    return [];
  }
  const { value: entries } = substituted(document, forEach, ['forEach'], null, expansion);
  if (!isJsonObject(entries)) return [];
  const keys = Object.keys(entries).filter(isIdentifier);
  if (keys.length < Object.keys(entries).length) expansion.findings.incomplete = true;
  return keys.map((key) => draftOf(document, lens, { key, value: entries[key] ?? null }, expansion));
}

function refuseForEach(document: SourceDocument, forEach: Json, findings: Findings): void {
  if (document.broken) return;
  const problems = explain(forEachSchema, forEach, { root: 'forEach', budget: findings.budget });
  for (const { code, at, part, message, hint } of problems) {
    findings.add({ code, message, hint, site: document.site(`/forEach${at}`, part) });
  }
}

/** Does the name tell the objects of a forEach apart, and hold no variable? */
function checkName(document: SourceDocument, findings: Findings, hasForEach: boolean): boolean {
  const { metadata } = document.value;
  const name = isJsonObject(metadata) ? metadata['name'] : undefined;
  if (typeof name !== 'string') return !hasForEach;
  const references = parseTemplate(name).flatMap((part) => (typeof part === 'object' ? part : []));
  const variable = references.find(({ target }) => target.type === 'variable');
  if (variable !== undefined) {
    const message = `${variable.text} cannot stand in a name: the address of an object is the same in every environment`;
    findings.add({ code: 'VAR006', message, site: document.site('/metadata/name', 'value', variable.text) });
    return false;
  }
  if (!hasForEach || references.some(({ target }) => target.type === 'eachKey')) return true;
  const message = 'the name of a document with forEach must contain ${each.key}';
  findings.add({ code: 'EACH002', message, site: document.site('/metadata/name') });
  return false;
}

function draftOf(document: SourceDocument, lens: Kind, each: Scope['each'], expansion: Expansion): Draft {
  const value: Record<string, Json> = {};
  let sound = !document.broken;
  for (const [name, member] of Object.entries(document.value)) {
    if (name === 'forEach') continue;
    const part = name === 'metadata' || name === 'spec' ? substituted(document, member, [name], each, expansion) : null;
    value[name] = part?.value ?? member;
    if (part?.complete === false) sound = false;
  }
  const name = nameOf(lens, value);
  // It may be what others name.
  if (name === null) expansion.findings.incomplete = true;
  return {
    document,
    lens,
    forEachKey: each?.key ?? null,
    value,
    name,
    patches: [],
    sound,
  };
}

/** A part of a document with its references replaced. */
function substituted(
  document: SourceDocument,
  value: Json,
  at: readonly string[],
  each: Scope['each'],
  { variables, budget, findings }: Expansion,
): { readonly value: Json; readonly complete: boolean } {
  let complete = true;
  const substitution = new Substitution({ variables, each }, budget, findings, (problem) => {
    complete = false;
    const { code, pointer, part, within, message, hint } = problem;
    // That a name holds a variable was said before, once for all entries.
    const said = pointer === '/metadata/name' && ['VAR001', 'VAR002', 'VAR003'].includes(code);
    if (document.broken || said) return;
    findings.add({ code, message, hint, site: document.site(pointer, part, within), forEachKey: each?.key ?? null });
  });
  return { value: substitution.value(value, at), complete };
}

function nameOf(lens: Kind, value: JsonObject): ResourceName | null {
  const { metadata } = value;
  const name = isJsonObject(metadata) ? metadata['name'] : undefined;
  const mount = lens.mountField === null ? null : specOf({ value })[lens.mountField];
  if (typeof name !== 'string' || (mount !== null && typeof mount !== 'string')) return null;
  return { kind: lens.kind, mount, name };
}
