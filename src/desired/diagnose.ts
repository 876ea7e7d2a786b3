import type { Json } from '../base/json.ts';
import type { Diagnostic, Place } from './diagnostic.ts';
import { excerptOf } from './excerpt.ts';
import type { Finding, Site } from './finding.ts';
import { FilePositions } from './position.ts';
import type { Span } from './yaml-problem.ts';

/** What `diagnose` needs to know about the files. */
export interface DiagnoseSource {
  /** The text of a file; undefined where a finding is about something else (a command line option). */
  text(file: string): string | undefined;
  /** A document as it was parsed. */
  document(file: string, index: number): Json | undefined;
  /** JSON pointers into a document to what an excerpt must not show. */
  hidden(document: Json): readonly string[];
  /** May a file that could not be parsed hold a plain secret? */
  suspect(text: string): boolean;
}

/** Findings with their places and excerpts, sorted by file and place; what differs only in the forEach key is one. */
export function diagnose(findings: readonly Finding[], source: DiagnoseSource): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const byFile = new Map<string, ReturnType<typeof unique>[number][]>();
  for (const found of unique(findings)) {
    const { file } = found.finding.site;
    const list = byFile.get(file);
    if (list === undefined) byFile.set(file, [found]);
    else list.push(found);
  }
  const places = new PlaceFinder(source);
  for (const [file, found] of byFile) {
    const text = source.text(file);
    const positions = text === undefined ? null : new FilePositions(text);
    for (const { finding, keys } of found) diagnostics.push(diagnostic(finding, keys, positions, source, places));
  }
  return diagnostics.sort(byPlace);
}

/** Places in any file; it remembers the file last asked for. */
export class PlaceFinder {
  readonly #source: Pick<DiagnoseSource, 'text'>;
  #last: { readonly file: string; readonly positions: FilePositions } | null = null;

  constructor(source: Pick<DiagnoseSource, 'text'>) {
    this.#source = source;
  }

  place(site: Site): Place {
    const text = this.#source.text(site.file);
    if (text === undefined || !('spot' in site || 'start' in site)) return { file: site.file, line: 0, column: 0, endColumn: 0 };
    if (this.#last?.file !== site.file) this.#last = { file: site.file, positions: new FilePositions(text) };
    return placeOf(site, this.#last.positions);
  }
}

function diagnostic(
  finding: Finding,
  keys: readonly string[],
  positions: FilePositions | null,
  source: DiagnoseSource,
  places: PlaceFinder,
): Diagnostic {
  const { code, message, site, related } = finding;
  const placed = positions !== null && ('spot' in site || 'start' in site);
  const place = placed ? placeOf(site, positions) : { file: site.file, line: 0, column: 0, endColumn: 0 };
  return {
    code,
    severity: finding.severity ?? 'error',
    message,
    hint: finding.hint ?? null,
    ...place,
    excerpt: placed ? excerpt(site, finding.hidden === true, positions, source) : null,
    forEachKey: keys.length <= 1 ? (keys[0] ?? null) : `${keys[0]} and ${keys.length - 1} more`,
    related: related === undefined ? null : { message: related.message, ...places.place(related.site) },
  };
}

type Placed = Extract<Site, { spot: unknown } | { start: number }>;

function spanOf(site: Placed, positions: FilePositions): Span {
  return 'spot' in site ? positions.span(site.spot) : site;
}

function placeOf(site: Placed, positions: FilePositions): Place {
  const { start, end } = spanOf(site, positions);
  const line = positions.line(start);
  const column = start - line.start + 1;
  return {
    file: site.file,
    line: line.number,
    column,
    endColumn: Math.max(column + 1, Math.min(end, line.end) - line.start + 1),
  };
}

function excerpt(site: Placed, hides: boolean, positions: FilePositions, source: DiagnoseSource): Diagnostic['excerpt'] {
  const meant = spanOf(site, positions);
  const line = positions.line(meant.start);
  const hidden = [
    ...hiddenSpans(site, line, positions, source),
    ...(hides && 'spot' in site ? positions.scalars(site.spot.document, site.spot.pointer) : []),
  ];
  // What a comment says may be an old secret, and helps nobody here.
  const comment = positions.comment(line.number);
  if (comment === null) return excerptOf(positions.text, line, meant, hidden);
  if (comment <= meant.start) return excerptOf(positions.text, line, meant, [...hidden, { start: comment, end: line.end }]);
  const end = line.start + positions.text.slice(line.start, comment).trimEnd().length;
  return excerptOf(positions.text, { ...line, end }, meant, hidden);
}

function hiddenSpans(site: Placed, line: Span, positions: FilePositions, source: DiagnoseSource): readonly Span[] {
  if ('spot' in site) {
    const { document } = site.spot;
    const value = source.document(site.file, document);
    if (value === undefined) return [];
    return source.hidden(value).flatMap((pointer) => positions.scalars(document, pointer));
  }
  if (!source.suspect(positions.text)) return [];
  // Nobody knows which field this is: show no more than its key.
  const start =
    line.start + (/^\s*(?:- +)*(?:[\w./-]+:(?= |$))?\s*/.exec(positions.text.slice(line.start, line.end))?.[0].length ?? 0);
  return [{ start, end: line.end }];
}

/** Findings without doubles, each with the forEach keys for which it was made. */
function unique(findings: readonly Finding[]): readonly { readonly finding: Finding; readonly keys: readonly string[] }[] {
  const found = new Map<string, { finding: Finding; keys: string[] }>();
  for (const finding of findings) {
    const id = JSON.stringify([finding.code, finding.message, finding.site]);
    const known: { finding: Finding; keys: string[] } = found.get(id) ?? { finding, keys: [] };
    if (finding.forEachKey) known.keys.push(finding.forEachKey);
    found.set(id, known);
  }
  return [...found.values()];
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0);
}
