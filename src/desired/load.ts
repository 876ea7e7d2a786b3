import { toPointer, type JsonObject } from '../base/json.ts';
import type { Kind, LensContext, ResourceName } from '../kinds/kind.ts';
import { addressText } from '../protocol/managed.ts';
import { addressKey, compareAddresses } from './address.ts';
import { checkDraft, ignoredTokens, lifecycleOf } from './check-draft.ts';
import { checkCycles } from './cycle.ts';
import { diagnose, PlaceFinder } from './diagnose.ts';
import type { Diagnostic } from './diagnostic.ts';
import { compileKinds, type DocumentKind } from './document-kind.ts';
import { expand, siteOf, specOf, type Draft, type Expansion } from './draft.ts';
import type { Environment } from './environment.ts';
import { checkPatches, patched, readPatches, unaskedVariables, type DraftsByAddress } from './environments.ts';
import { Findings } from './finding.ts';
import { hiddenInDocument, maySpill } from './hidden.ts';
import { checkNesting, lensContext, mountPaths, type LiveMounts } from './mount-set.ts';
import type { Project } from './project.ts';
import { readRefactors, type Refactors } from './refactor.ts';
import { References, type ResolvedReference } from './references.ts';
import type { Origin, Resource } from './resource.ts';
import { withoutValues } from './secret-field.ts';
import {
  chooseEnvironment,
  environmentValues,
  readEnvironments,
  readProject,
  soundDocuments,
  type ReadEnvironment,
} from './settings.ts';
import { parseFiles, readEnvelopes, type SourceDocument } from './source-document.ts';
import type { SourceFile } from './source-file.ts';
import { ExpansionBudget, TooMuch } from './substitute.ts';
import { variableScope, type VariableDeclaration, type VariableInput } from './variables.ts';

export interface LoadOptions {
  readonly kinds: readonly Kind[];
  /** The name of an Environment document; null: none, the documents as they are. */
  readonly environment: string | null;
  readonly variables: readonly VariableInput[];
  /** Mounts that exist in the store, so that documents may name them; null where no store is at hand. */
  readonly liveMounts: LiveMounts | null;
}

/** What a repo wants. Where a diagnostic is an error, the rest is what could be understood: show it, never apply it. */
export interface Desired {
  /** Null where the repo has no valid Project document (an error). */
  readonly project: Project | null;
  readonly environment: Environment | null;
  /** All valid Environment documents by name, to choose from. */
  readonly environments: ReadonlyMap<string, Environment>;
  /** In a stable order: by kind, mount and name. */
  readonly resources: readonly Resource[];
  /** Where every address (as `addressText` writes it) is declared, also those that are no resource because something is wrong with them. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** The planned mounts: live ones overlaid with declared ones. */
  readonly context: LensContext;
  readonly refactors: Refactors;
  /** All findings, sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * What the files of a repo want of a store: pure, so that the same files and options always give the same. Bad input is
 * never thrown: it makes diagnostics, all of them at once.
 */
export function loadDesired(files: readonly SourceFile[], options: LoadOptions): Desired {
  const findings = new Findings();
  const kinds = compileKinds(options.kinds);
  const parsed = parseFiles(files, findings);
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const places = new PlaceFinder({ text: (file) => texts.get(file) });
  const documents = readEnvelopes(parsed, kinds, findings);

  const { project, declared } = readProject(documents, findings);
  const environments = readEnvironments(documents, findings);
  const chosen = chooseEnvironment(environments, options.environment, documents, findings);
  const expansion: Expansion = {
    variables: variableScope(declared, chosen === null ? null : environmentValues(chosen), options.variables, findings),
    budget: new ExpansionBudget(),
    findings,
  };

  const expanded = withoutDoubles(expandAll(documents, expansion), findings);
  const drafts = applyEnvironments(expanded, environments, chosen, declared, expansion).map((draft) =>
    checkDraft(draft, findings),
  );
  const lenses = new Map(options.kinds.map((kind) => [kind.kind, kind]));
  const mounts = mountPaths(drafts, options.liveMounts, options.kinds);
  const references = new References(lenses, mounts, drafts, findings);
  const context = lensContext(drafts, options.liveMounts);
  checkNesting(drafts, findings);

  const byAddress = new Map(drafts.flatMap((draft) => (draft.name === null ? [] : [[addressKey(draft.name), draft]])));
  const resources: Resource[] = [];
  const nodes: { name: ResourceName; forEachKey: string | null; references: readonly ResolvedReference[] }[] = [];
  for (const draft of drafts) {
    const needed = draft.document.broken ? [] : references.of(draft);
    if (draft.name !== null) nodes.push({ name: draft.name, forEachKey: draft.forEachKey, references: needed });
    const resource = draft.sound ? resourceOf(draft, needed, byAddress, context, findings, places) : null;
    if (resource !== null) resources.push(resource);
  }
  checkCycles(nodes, findings);
  const refactors = readRefactors(soundDocuments(documents, 'Refactor', findings), {
    kinds: lenses,
    mounts,
    declared: references.declared,
    findings,
    place: (site) => places.place(site),
  });
  return {
    project,
    environment: chosen?.environment ?? null,
    environments: new Map([...environments].map(([name, { environment }]) => [name, environment])),
    resources: resources.sort((a, b) => compareAddresses(a.name, b.name)),
    origins: new Map(drafts.flatMap((draft) => (draft.name === null ? [] : [[addressText(draft.name), originOf(draft)]]))),
    context,
    refactors,
    diagnostics: diagnosticsOf(findings, texts, parsed, kinds),
  };
}

function expandAll(documents: readonly SourceDocument[], expansion: Expansion): readonly Draft[] {
  const drafts: Draft[] = [];
  for (const document of documents) {
    const { lens } = document.kind;
    if (lens === null) continue;
    try {
      drafts.push(...expand(document, lens, expansion));
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      const message = 'the references in the repo expand to more than fits in memory';
      const hint = 'split the repo, or use smaller values';
      expansion.findings.add({ code: 'LIMIT001', message, hint, site: document.site('', 'key') });
      expansion.findings.incomplete = true;
      break;
    }
  }
  return drafts;
}

/** The first draft of each address; a finding about each further one. */
function withoutDoubles(drafts: readonly Draft[], findings: Findings): readonly Draft[] {
  const first = new Map<string, Draft>();
  return drafts.filter((draft) => {
    if (draft.name === null) return true;
    const key = addressKey(draft.name);
    const other = first.get(key);
    if (other === undefined) {
      first.set(key, draft);
      return true;
    }
    findings.add({
      code: 'DOC003',
      message: `${addressText(draft.name)} is declared twice`,
      site: siteOf(draft, '/metadata/name'),
      forEachKey: draft.forEachKey,
      related: { message: 'it is also declared at', site: siteOf(other, '/metadata/name') },
    });
    return false;
  });
}

/** The drafts as the chosen environment wants them; the other environments are checked as far as that goes. */
function applyEnvironments(
  drafts: readonly Draft[],
  environments: ReadonlyMap<string, ReadEnvironment>,
  chosen: ReadEnvironment | null,
  declared: ReadonlyMap<string, VariableDeclaration>,
  expansion: Expansion,
): readonly Draft[] {
  const byAddress: DraftsByAddress = new Map(
    drafts.flatMap((draft) => (draft.name === null ? [] : [[addressText(draft.name), draft]])),
  );
  const unasked: Expansion = { ...expansion, variables: unaskedVariables(declared.keys()) };
  let result = drafts;
  for (const read of environments.values()) {
    try {
      if (read === chosen) {
        const patches = readPatches(read.document, byAddress, expansion);
        result = drafts.map((draft) => {
          const list = draft.name === null ? undefined : patches.get(addressText(draft.name));
          return list === undefined ? draft : patched(draft, list);
        });
      } else {
        variableScope(declared, environmentValues(read), [], expansion.findings);
        checkPatches(readPatches(read.document, byAddress, unasked), byAddress, unasked);
      }
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      const message = 'the references in these patches expand to more than fits in memory';
      expansion.findings.add({ code: 'LIMIT001', message, site: read.document.site('/spec/patches', 'key') });
    }
  }
  return result;
}

/** The resource of a sound draft; null where its kind refuses it. */
function resourceOf(
  draft: Draft,
  needed: readonly ResolvedReference[],
  byAddress: ReadonlyMap<string, Draft>,
  context: LensContext,
  findings: Findings,
  places: PlaceFinder,
): Resource | null {
  const { name, lens, value, forEachKey } = draft;
  if (name === null) return null;
  const spec = specOf(draft);
  const alone = lens.check?.(spec, name, context) ?? [];
  const declared = (other: ResourceName): Draft | undefined => byAddress.get(addressKey(other));
  const problems = alone.length > 0 ? alone : (lens.checkBeside?.(spec, name, (other) => knownSpec(declared(other))) ?? []);
  for (const { at, message, hint = null, severity = 'error', within, hidden = false, related } of problems) {
    const other = related === undefined ? undefined : declared(related.resource);
    findings.add({
      code: 'KIND001',
      message,
      hint,
      severity,
      site: siteOf(draft, `/spec${at}`, 'value', within),
      forEachKey,
      hidden,
      ...(related && other ? { related: { message: related.message, site: siteOf(other, `/spec${related.at}`) } } : {}),
    });
  }
  if (problems.some(({ severity }) => severity !== 'warning')) return null;
  const references = new Map(needed.map(({ to }) => [addressKey(to), to]));
  return {
    name,
    ...lifecycleOf(value),
    ignoreChanges: ignoredTokens(value).flatMap((tokens) => (tokens === null ? [] : toPointer(tokens))),
    spec: lens.normalize(spec, name, context),
    references: [...references.values()].sort(compareAddresses),
    origin: originOf(draft),
    locate: (pointer) => places.place(siteOf(draft, pointer)),
  };
}

/** What a draft says of itself: what is ignored may be otherwise. Null: not known. */
function knownSpec(draft: Draft | undefined): JsonObject | null {
  if (draft?.sound !== true) return null;
  const ignored = ignoredTokens(draft.value).flatMap((tokens) => (tokens === null ? [] : toPointer(tokens)));
  return withoutValues(specOf(draft), ignored);
}

function originOf({ document, forEachKey }: Draft): Origin {
  return { file: document.file, document: document.index, forEachKey };
}

function diagnosticsOf(
  findings: Findings,
  texts: ReadonlyMap<string, string>,
  parsed: ReturnType<typeof parseFiles>,
  kinds: ReadonlyMap<string, DocumentKind>,
): readonly Diagnostic[] {
  return diagnose(findings.all, {
    text: (file) => texts.get(file),
    document: (file, index) => parsed.get(file)?.find((document) => document.index === index)?.value,
    hidden: (document) => hiddenInDocument(document, kinds),
    suspect: (text) => maySpill(text, kinds),
  });
}
