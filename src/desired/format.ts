import { isMap, isScalar, parseAllDocuments, visit, type Document, type Pair, type YAMLMap } from 'yaml';
import { canonicalJson } from '../base/json.ts';
import { parseDocuments } from './document.ts';
import type { SourceFile } from './source-file.ts';

const order = ['apiVersion', 'kind', 'metadata', 'forEach', 'spec'];

/**
 * The text of a file in the canonical form: two spaces, the members of a document in one order, quotes where they are
 * needed, no trailing spaces, one line break at the end. Comments, block scalars, the order of all other members and the
 * choice between block and flow stay. Formatting twice gives the same. Null: the file has errors, or was refused.
 */
export function formatSource({ text, refused = false }: SourceFile): string | null {
  if (refused || parseDocuments(text).problems.length > 0) return null;
  const formatted = formatOnce(text);
  const again = formatOnce(formatted);
  // The printer may move a comment once when it comes to an unusual place: it settles by the second time.
  const settled = again === formatted ? formatted : formatOnce(again);
  return settled === again && sameValues(text, again) ? again : text;
}

function formatOnce(text: string): string {
  const documents = parseAllDocuments(text.replaceAll('\r\n', '\n'), {
    version: '1.2',
    schema: 'core',
    uniqueKeys: false,
    logLevel: 'silent',
  });
  if (!Array.isArray(documents)) return text;
  for (const document of documents) {
    if (isMap(document.contents)) sortMembers(document.contents);
    plainQuotes(document);
    // Written by us where there are several documents; a lone marker says nothing.
    if (document === documents[0] && document.commentBefore == null) document.directives.docStart = null;
    document.directives.docEnd = false;
  }
  return documents.map(print).join('');
}

function print(document: Document.Parsed, index: number): string {
  if (index > 0) document.directives.docStart = true;
  const text = document.toString({ indent: 2, indentSeq: true, lineWidth: 0, minContentWidth: 0, flowCollectionPadding: true });
  const ended = text.endsWith('\n') ? text : `${text}\n`;
  return ended;
}

function sortMembers(map: YAMLMap): void {
  const rank = ({ key }: Pair): number => {
    const place = isScalar(key) ? order.indexOf(String(key.value)) : -1;
    return place < 0 ? order.length : place;
  };
  map.items.sort((a, b) => rank(a as Pair) - rank(b as Pair));
}

/** Quotes only where a plain text would be something else, and double ones then. */
function plainQuotes(document: Document.Parsed): void {
  visit(document, {
    Scalar(_key, node) {
      if (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') delete node.type;
    },
  });
}

function sameValues(before: string, after: string): boolean {
  const values = (text: string): string => canonicalJson(parseDocuments(text).documents.map(({ value }) => value));
  return values(before) === values(after);
}
