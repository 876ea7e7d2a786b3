import { type Document, isCollection, isScalar, LineCounter, parseAllDocuments, type Scalar, visit, YAMLMap } from 'yaml';
import { Fault } from '../base/error.ts';
import { sealedDigest } from '../base/sealed-digest.ts';

/**
 * The text of a YAML file with sealed blocks replaced; everything else stays byte for byte. `blocks` maps the digest of
 * a present block to the new one. Returns null where the file holds none of them.
 */
export function replaceBlocks(text: string, blocks: ReadonlyMap<string, string>): string | null {
  const edits: Edit[] = [];
  for (const document of parseAllDocuments(text, { lineCounter: new LineCounter() })) {
    visit(document, {
      Scalar(_key, node) {
        const next =
          typeof node.value === 'string' && node.value.includes('AGE ENCRYPTED FILE')
            ? blocks.get(sealedDigest(node.value))
            : undefined;
        if (next !== undefined && isRange(node.range)) edits.push(editOf(text, node, next));
      },
    });
  }
  return edits.length === 0 ? null : withEdits(text, edits);
}

/** The text with the block of one field written, where the field is there already (with whatever value) or not. */
export function writeBlock(text: string, document: number, path: readonly (string | number)[], block: string): string {
  const documents = parseAllDocuments(text);
  const edited = documents[document];
  if (edited === undefined) throw new RangeError('there is no such document');
  const present = edited.getIn([...path, 'sealed'], true);
  if (isScalar(present) && isRange(present.range)) return withEdits(text, [editOf(text, present, block)]);
  const scalar = edited.createNode(`${block.trimEnd()}\n`) as Scalar;
  scalar.type = 'BLOCK_LITERAL';
  const field = new YAMLMap();
  field.set('sealed', scalar);
  openParents(edited, path);
  edited.setIn([...path], field);
  return documents.map((item) => item.toString({ lineWidth: 0 })).join('');
}

/**
 * A block scalar stands in block collections only: those around the field are written so from now on. Throws Fault
 * `usage` where one of them is something else than a collection.
 */
function openParents(document: Document, path: readonly (string | number)[]): void {
  for (let length = 0; length < path.length; length += 1) {
    const parent = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (parent === undefined || parent === null) return;
    if (!isCollection(parent)) {
      throw new Fault(
        'usage',
        `${path.slice(0, length).join('.')} of the document is no map, so the block can't be written into it`,
        {
          hint: 'Without -write the block is printed.',
        },
      );
    }
    parent.flow = false;
  }
}

function isRange(range: unknown): boolean {
  return Array.isArray(range);
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function editOf(text: string, node: Scalar, block: string): Edit {
  const [start, valueEnd] = node.range ?? [0, 0];
  const lines = block.trimEnd().split('\n');
  if (node.type !== 'BLOCK_LITERAL' && node.type !== 'BLOCK_FOLDED')
    return { start, end: valueEnd, text: JSON.stringify(`${block.trimEnd()}\n`) };
  const present = text.slice(start, valueEnd);
  const indent = /\n( +)\S/.exec(present)?.[1] ?? '  ';
  // A comment may follow the indicator: it stays.
  const header = present.slice(0, present.indexOf('\n')).replace(/^[|>][+-]?\d?/, '|');
  return { start, end: start + present.trimEnd().length, text: `${header}\n${lines.map((line) => indent + line).join('\n')}` };
}

function withEdits(text: string, edits: readonly Edit[]): string {
  let edited = text;
  for (const { start, end, text: replacement } of [...edits].sort((a, b) => b.start - a.start)) {
    edited = edited.slice(0, start) + replacement + edited.slice(end);
  }
  return edited;
}
