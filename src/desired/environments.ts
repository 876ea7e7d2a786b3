import type { Json, JsonObject } from '../base/json.ts';
import { showText } from '../kinds/show.ts';
import { unresolved } from '../kinds/validate.ts';
import { checkDraft } from './check-draft.ts';
import { patchOf, specOf, type AppliedPatch, type Draft, type Expansion } from './draft.ts';
import { patchesOf } from './environment.ts';
import { mergePatch } from './merge-patch.ts';
import type { SourceDocument } from './source-document.ts';
import { Substitution } from './substitute.ts';

/** Drafts by the text of their address. */
export type DraftsByAddress = ReadonlyMap<string, Draft>;

/** The patches of an environment, by the address of their target. Findings about those that may not be. */
export function readPatches(
  document: SourceDocument,
  drafts: DraftsByAddress,
  expansion: Expansion,
): ReadonlyMap<string, readonly AppliedPatch[]> {
  const patches = new Map<string, AppliedPatch[]>();
  for (const [index, { target, spec }] of patchesOf(document.value).entries()) {
    const at = `/spec/patches/${index}`;
    const draft = drafts.get(target);
    if (draft === undefined) {
      if (expansion.findings.incomplete) continue;
      const hint = expansion.findings.suggestion(target, drafts.keys());
      const message = `a patch of ${showText(target)}, which no document declares`;
      expansion.findings.add({ code: 'ENV002', message, hint, site: document.site(`${at}/target`) });
      continue;
    }
    const { mountField } = draft.lens;
    if (mountField !== null && Object.hasOwn(spec, mountField)) {
      const message = `${showText(mountField)} is a part of the address, so no patch can change it`;
      expansion.findings.add({ code: 'ENV003', message, site: document.site(`${at}/spec/${mountField}`, 'key') });
      continue;
    }
    const value = substituted(document, spec, ['spec', 'patches', String(index), 'spec'], expansion);
    const patch = { spec: value, site: (pointer: string, part?: 'key' | 'value') => document.site(`${at}/spec${pointer}`, part) };
    const list = patches.get(target);
    if (list === undefined) patches.set(target, [patch]);
    else list.push(patch);
  }
  return patches;
}

function substituted(document: SourceDocument, spec: JsonObject, at: readonly string[], expansion: Expansion): JsonObject {
  const { variables, budget, findings } = expansion;
  const substitution = new Substitution(
    { variables, each: null },
    budget,
    findings,
    ({ code, pointer, part, within, message, hint }) => {
      findings.add({ code, message, hint, site: document.site(pointer, part, within) });
    },
  );
  return substitution.value(spec, at) as JsonObject;
}

/** A draft with patches merged into its spec. */
export function patched(draft: Draft, patches: readonly AppliedPatch[]): Draft {
  const spec = patches.reduce<JsonObject>((merged, patch) => mergePatch(merged, patch.spec), specOf(draft));
  return { ...draft, value: { ...draft.value, spec }, patches: [...draft.patches, ...patches] };
}

/** Checks the patches of an environment that is not planned for: only what they themselves bring in. */
export function checkPatches(
  patches: ReadonlyMap<string, readonly AppliedPatch[]>,
  drafts: DraftsByAddress,
  expansion: Expansion,
): void {
  for (const [target, list] of patches) {
    const draft = drafts.get(target);
    if (draft === undefined || draft.document.broken) continue;
    const changed = patched(draft, list);
    checkDraft(changed, expansion.findings, (pointer) => patchOf(changed, pointer) !== null);
  }
}

/** The variables of a project for a place where no value is asked for. */
export function unaskedVariables(names: Iterable<string>): ReadonlyMap<string, Json | null> {
  return new Map([...names].map((name) => [name, unresolved]));
}
