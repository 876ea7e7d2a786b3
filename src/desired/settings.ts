import { isJsonObject, toPointer, type Json } from '../base/json.ts';
import { showText } from '../kinds/show.ts';
import { specOf } from './draft.ts';
import { environmentOf, type Environment } from './environment.ts';
import type { Findings } from './finding.ts';
import { projectOf, type Project } from './project.ts';
import { fitsSchema, type SourceDocument } from './source-document.ts';
import { declaredVariables, type EnvironmentValues, type VariableDeclaration } from './variables.ts';

/** The file that holds the Project document, at the root of every repo. */
export const projectFile = 'secretctl.yaml';

/** An Environment document and what it says. */
export type ReadEnvironment = { readonly document: SourceDocument; readonly environment: Environment };

/** Documents of a kind that declares no object of the store, where they are as they should be; their names differ. */
export function soundDocuments(
  documents: readonly SourceDocument[],
  kind: string,
  findings: Findings,
): readonly SourceDocument[] {
  const names = new Map<Json, SourceDocument>();
  return documents.filter((document) => {
    if (document.kind.kind !== kind || document.broken) return false;
    const sound = fitsSchema(document.kind, document.value, {
      budget: findings.budget,
      add: ({ code, at, part, message, hint }) => findings.add({ code, message, hint, site: document.site(at, part) }),
    });
    const name = nameIn(document);
    const first = names.get(name);
    if (first !== undefined && name !== null) {
      const related = { message: 'the other one is at', site: first.site('/metadata/name') };
      const message = `${kind}/${String(name)} is declared twice`;
      findings.add({ code: 'DOC003', message, site: document.site('/metadata/name'), related });
    } else names.set(name, document);
    return sound && first === undefined;
  });
}

function nameIn({ value: { metadata } }: SourceDocument): Json {
  return isJsonObject(metadata) ? (metadata['name'] ?? null) : null;
}

/** The Project of a repo and the variables that it declares, of which the second are read even where the rest is wrong. */
export function readProject(
  documents: readonly SourceDocument[],
  findings: Findings,
): { readonly project: Project | null; readonly declared: ReadonlyMap<string, VariableDeclaration> } {
  const all = documents.filter(({ kind }) => kind.kind === 'Project');
  const [first] = all;
  if (first === undefined) {
    if (!findings.incomplete) {
      const hint = 'secretctl init writes one';
      findings.add({ code: 'DOC005', message: `${projectFile} holds no Project document`, hint, site: { file: projectFile } });
    }
    return { project: null, declared: new Map() };
  }
  for (const document of all) {
    if (document === first && document.file === projectFile) continue;
    const site = document.site('/kind');
    if (document.file !== projectFile) {
      const hint = 'a repo inside of this one is named under spec.exclude';
      findings.add({
        code: 'DOC005',
        message: `the Project document stands in ${projectFile} at the root of the repo`,
        hint,
        site,
      });
    } else {
      const related = { message: 'the other one is at', site: first.site('/kind') };
      findings.add({ code: 'DOC005', message: 'a repo has one Project document', site, related });
    }
  }
  const spec = specOf({ value: first.value });
  const declared = declaredVariables(spec, findings, (pointer) => first.site(`/spec${pointer}`));
  const [sound] = soundDocuments([first], 'Project', findings);
  return { project: sound === undefined ? null : projectOf(sound.value, declared), declared };
}

/** The valid Environment documents by name. */
export function readEnvironments(documents: readonly SourceDocument[], findings: Findings): ReadonlyMap<string, ReadEnvironment> {
  const sound = soundDocuments(documents, 'Environment', findings);
  return new Map(
    sound.map((document) => {
      const environment = environmentOf(document.value);
      return [environment.name, { document, environment }];
    }),
  );
}

/** The environment with a name; null: none was asked for, or there is none (a finding). */
export function chooseEnvironment(
  environments: ReadonlyMap<string, ReadEnvironment>,
  name: string | null,
  documents: readonly SourceDocument[],
  findings: Findings,
): ReadEnvironment | null {
  if (name === null) return null;
  const chosen = environments.get(name);
  if (chosen !== undefined || findings.incomplete) return chosen ?? null;
  // It is there, and findings say what is wrong with it.
  if (documents.some((document) => document.kind.kind === 'Environment' && nameIn(document) === name)) return null;
  const known = [...environments.keys()];
  const list = known.length === 0 ? 'the repo has no Environment document' : `there are ${known.slice(0, 20).join(', ')}`;
  const hint = findings.suggestion(name, known) ?? list;
  findings.add({ code: 'ENV001', message: `unknown environment ${showText(name)}`, hint, site: { file: '-environment' } });
  return null;
}

/** The variables of an environment with their places. */
export function environmentValues({ document, environment }: ReadEnvironment): EnvironmentValues {
  return {
    name: environment.name,
    variables: environment.variables,
    site: (name: string) => document.site(toPointer(['spec', 'variables', name])),
  };
}
