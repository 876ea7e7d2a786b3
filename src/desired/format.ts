import {
  CST,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  parseAllDocuments,
  visit,
  type Document,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
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
  return settled === again && sameContent(text, again) ? again : text;
}

function formatOnce(text: string): string {
  const options = { version: '1.2', schema: 'core', uniqueKeys: false, logLevel: 'silent' } as const;
  const documents = parseAllDocuments(text.replaceAll('\r\n', '\n'), options);
  // A file of nothing but comments has no document that could hold them.
  if (!Array.isArray(documents) || documents.length === 0) return text;
  for (const document of documents) {
    if (isMap(document.contents)) sortMembers(document.contents);
    visit(document, {
      Scalar: (_key, scalar) => plainQuotes(scalar),
      Collection: (_key, collection) => spaceBrackets(collection),
    });
  }
  return documents.map(print).join('');
}

function print(document: Document.Parsed, index: number): string {
  document.directives.docStart = index > 0 ? true : null;
  document.directives.docEnd = false;
  const text = document.toString({ indent: 2, indentSeq: true, lineWidth: 0, minContentWidth: 0 });
  return text.endsWith('\n') ? text : `${text}\n`;
}

function sortMembers(map: YAMLMap): void {
  const items = map.items;
  const rank = ({ key }: Pair): number => {
    const place = isScalar(key) ? order.indexOf(String(key.value)) : -1;
    return place < 0 ? order.length : place;
  };
  const first = items[0]?.key;
  items.sort((a, b) => rank(a) - rank(b));
  // What is said above the first line is said of the document.
  const now = items[0]?.key;
  if (now === first || !isScalar(first) || !isScalar(now) || !first.commentBefore) return;
  now.commentBefore = !now.commentBefore ? first.commentBefore : `${first.commentBefore}\n${now.commentBefore}`;
  first.commentBefore = null;
}

/** Quotes only where a plain text would be something else. */
function plainQuotes(scalar: Scalar): void {
  const quoted = scalar.type === 'QUOTE_DOUBLE' || scalar.type === 'QUOTE_SINGLE';
  if (quoted && typeof scalar.value === 'string' && !scalar.value.includes('\n')) delete scalar.type;
}

/** `{ a: b }`, but `[a, b]`: the printer has one setting for both. */
function spaceBrackets(collection: YAMLMap | YAMLSeq): void {
  const padding = isSeq(collection) ? '' : ' ';
  const print = collection.toString.bind(collection) as (context?: object, ...rest: readonly unknown[]) => string;
  collection.toString = (context?: object, ...rest: readonly unknown[]) =>
    print(context && { ...context, flowCollectionPadding: padding }, ...rest);
}

/** Are the values and the comments the same? Then the printer lost nothing. */
function sameContent(before: string, after: string): boolean {
  const values = (text: string): string => canonicalJson(parseDocuments(text).documents.map(({ value }) => value));
  const comments = (text: string): string =>
    JSON.stringify(
      [...new Lexer().lex(text)]
        .filter(isComment)
        .map((comment) => comment.trimEnd())
        .sort(),
    );
  return values(before) === values(after) && comments(before) === comments(after);
}

function isComment(lexeme: string): boolean {
  return lexeme.startsWith('#') && CST.tokenType(lexeme) === 'comment';
}
