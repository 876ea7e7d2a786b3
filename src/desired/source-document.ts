import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { DiagnosticCode } from './diagnostic.ts';
import { parseDocuments, type ParsedDocument } from './document.ts';
import type { DocumentKind } from './document-kind.ts';
import { explain, type SchemaProblem } from '../kinds/explain.ts';
import type { Findings, Site } from './finding.ts';
import { apiVersion } from '../kinds/schema.ts';
import { nearest, type NearestBudget } from '../base/nearest.ts';
import { showJson, showText } from '../kinds/show.ts';
import type { SourceFile } from './source-file.ts';

/** A document whose kind is known. */
export interface SourceDocument {
  readonly file: string;
  readonly index: number;
  readonly kind: DocumentKind;
  readonly value: JsonObject;
  /** True: a finding was already made that makes further ones about its content doubtful. Its name still counts. */
  readonly broken: boolean;
  site(pointer: string, part?: 'key' | 'value', within?: string): Site;
}

/** The parsed documents of all files, by file. */
export type ParsedFiles = ReadonlyMap<string, readonly ParsedDocument[]>;

export function parseFiles(files: readonly SourceFile[], findings: Findings): ParsedFiles {
  const parsed = new Map<string, readonly ParsedDocument[]>();
  for (const { path, text, refused = false } of files) {
    if (refused) findings.incomplete = true;
    const { documents, problems, complete } = parseDocuments(text);
    parsed.set(path, documents);
    for (const { code, message, hint, start, end } of problems) {
      findings.add({ code, message, hint, site: { file: path, start, end } });
    }
    if (!complete) findings.incomplete = true;
  }
  return parsed;
}

/** The documents whose kind can be told, with findings about the others. */
export function readEnvelopes(
  parsed: ParsedFiles,
  kinds: ReadonlyMap<string, DocumentKind>,
  findings: Findings,
): readonly SourceDocument[] {
  const documents: SourceDocument[] = [];
  for (const [file, list] of parsed) {
    for (const document of list) {
      const known = readEnvelope(file, document, kinds, findings);
      if (known !== null) documents.push(known);
      else if (seemsOurs(document)) findings.incomplete = true;
    }
  }
  return documents;
}

/** Did whoever wrote this probably mean one of our documents? */
function seemsOurs({ value, broken }: ParsedDocument): boolean {
  if (broken || !isJsonObject(value)) return broken;
  return typeof value['apiVersion'] === 'string' && value['apiVersion'].startsWith('secretctl');
}

function readEnvelope(
  file: string,
  { index, value, broken }: ParsedDocument,
  kinds: ReadonlyMap<string, DocumentKind>,
  findings: Findings,
): SourceDocument | null {
  const site: SourceDocument['site'] = (pointer, part = 'value', within) => ({
    file,
    spot: { document: index, pointer, part, within },
  });
  const refuse = (code: DiagnosticCode, message: string, hint: string | null, at: Site): void => {
    if (!broken) findings.add({ code, message, hint, site: at });
  };
  const exclude = 'a file that holds something else is named under spec.exclude of the Project';
  if (!isJsonObject(value)) {
    refuse('DOC001', 'this is not a document of secretctl', exclude, site('', 'key'));
    return null;
  }
  if (value['apiVersion'] === undefined) {
    const message = '"apiVersion" is missing: this is not a document of secretctl';
    refuse('DOC001', message, `write apiVersion: ${apiVersion}; ${exclude}`, site('', 'key'));
    return null;
  }
  if (value['apiVersion'] !== apiVersion) {
    refuse('DOC001', `apiVersion must be ${apiVersion}, not ${showJson(value['apiVersion'])}`, null, site('/apiVersion'));
  }
  const named = value['kind'];
  if (typeof named !== 'string') {
    refuse(
      'DOC002',
      named === undefined ? '"kind" is missing' : '"kind" must be text',
      null,
      site(named === undefined ? '' : '/kind', 'key'),
    );
    return null;
  }
  const kind = kinds.get(named);
  if (kind !== undefined) return { file, index, kind, value, broken: broken || value['apiVersion'] !== apiVersion, site };
  const near = nearest(named, kinds.keys(), findings.budget);
  const hint = near === null ? `there are ${[...kinds.keys()].sort().join(', ')}` : `did you mean ${showText(near)}?`;
  refuse('DOC002', `unknown kind ${showText(named)}`, hint, site('/kind'));
  // What seems to be meant, so that nobody hears that other documents name something unknown.
  const meant = near === null ? undefined : kinds.get(near);
  return meant === undefined ? null : { file, index, kind: meant, value, broken: true, site };
}

/**
 * Tells what is wrong with a document to `report`, and whether anything is. `value` is the document with its
 * references replaced; the pointers lead into it.
 */
export function fitsSchema(
  kind: DocumentKind,
  value: JsonObject,
  report: { readonly budget: NearestBudget; add(problem: SchemaProblem): void },
): boolean {
  if (kind.fits(value)) return true;
  for (const problem of explain(kind.schema, value, { root: 'document', budget: report.budget })) report.add(problem);
  return false;
}
