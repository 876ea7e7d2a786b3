import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseAnyDocuments } from '../../src/desired/document.ts';
import { plainDocuments } from '../../src/desired/plain-documents.ts';
import { runs } from '../kinds/property.ts';
import { plainValue, yamlish } from './yaml-arbitrary.ts';

/** Where the plain reader knows a text, the parser says the same of it and finds nothing wrong. Returns whether it knows. */
function agrees(text: string): boolean {
  const plain = plainDocuments(text);
  if (plain === null) return false;
  const { documents, problems, complete } = parseAnyDocuments(text);
  expect({ problems, complete }, text).toEqual({ problems: [], complete: true });
  expect(plain, text).toEqual(documents.map(({ value }) => value));
  // Members in the order of the text: what is written back keeps it.
  expect(JSON.stringify(plain), text).toBe(JSON.stringify(documents.map(({ value }) => value)));
  expect(documents.map(({ index }) => index)).toEqual(plain.map((_, index) => index));
  return true;
}

function yamlFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter(({ name }) => /\.(yaml|txt)$/.test(name)).map(({ parentPath, name }) => join(parentPath, name));
}

const root = join(import.meta.dirname, '../..');
const samples = yamlFiles(join(root, 'examples'));
const texts = [...samples, ...yamlFiles(join(root, 'test/desired/corpus'))].map((file) => readFileSync(file, 'utf8'));

const handMade = `# A comment
---
apiVersion: secretctl/v1
kind: Policy
metadata:
  name: a
  labels: { team: payments, owner: 'y', of: "a b" }

spec:
  rules:
  - secret: kv/payments/*
    capabilities: [read, list]
  # another
  - path: auth/token/lookup-self
    capabilities:
      - read
  text: |
    first

      # second
    third
  strip: |-
    one
  numbers: [0, 12, 1h30m, 2027-01-31]
  words: [null, true, yes]
  empty:
  quoted: "a # b: c"
  url: https://example.com:8200/#x
---
kind: Other
`;

// What turns one meaning into another: indicators, spaces, breaks.
const edit = fc.record({
  at: fc.nat(),
  remove: fc.integer({ min: 0, max: 3 }),
  insert: fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      '  ',
      '\n',
      '\n\n',
      '\n  ',
      '\n    ',
      ': ',
      ':',
      '- ',
      '-',
      '#',
      ' # ',
      '? ',
      '| ',
      '|',
      '|\n',
      '|-\n',
      '|+\n',
      '|2\n',
      '>\n',
      '>',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '\\',
      '&a ',
      '*a',
      '!x ',
      '%',
      '@',
      '`',
      '~',
      '<<: ',
      '---\n',
      '\n---\n',
      '...\n',
      '--- ',
      '\t',
      '\r',
      'null',
      'true',
      '0',
      '1e3',
      '.',
      '0o7',
      '.inf',
      '+',
      '=',
      'é',
      '\u00a0',
      '\u2028',
      '\u2014',
      '\ufeff',
      '🔑',
      'a: b\n',
      '- a\n',
      'x',
    ),
    fc.string({ maxLength: 3 }),
  ),
});

function edited(
  text: string,
  edits: readonly { readonly at: number; readonly remove: number; readonly insert: string }[],
): string {
  for (const { at, remove, insert } of edits) {
    const start = at % (text.length + 1);
    text = text.slice(0, start) + insert + text.slice(start + remove);
  }
  return text;
}

/** A few lines, each a little deeper or less deep than the one before: nesting, lists and texts in every combination. */
const line = fc.record({
  deeper: fc.constantFrom(0, 0, 0, 2, 2, 2, -2, -2, -4, 1, -1, 4),
  content: fc.constantFrom(
    ...['a:', 'b:', 'c:', 'd:', 'e: 1', 'f: x y', 'g: [a, b]', 'h: { a: b }', 'i: |', 'j: |-', 'k: "q"', 'l: 10', 'm: 2h'],
    ...['- a', '- b', '- b: c', '- d:', '- |', '- [a]', '-', '- - a', 'text', '# c', '', '---', '"q": 1', 'n: ~', 'o: x #'],
  ),
});
const lines = fc.array(line, { minLength: 1, maxLength: 9 }).map((parts) => {
  let indent = 0;
  return parts
    .map(({ deeper, content }) => {
      indent = Math.max(0, indent + deeper);
      return `${' '.repeat(indent)}${content}\n`;
    })
    .join('');
});

describe('a plainly written file', () => {
  it('is known, as all the examples are', () => {
    for (const file of samples) expect([file, agrees(readFileSync(file, 'utf8'))]).toEqual([file, true]);
  });

  it('is known also with comments, lists at the margin, blocks, flow collections and several documents', () => {
    expect(agrees(handMade)).toBe(true);
    expect(plainDocuments(handMade)).toHaveLength(2);
  });

  it('means what the parser says, whatever is edited in it', () => {
    let known = 0;
    fc.assert(
      fc.property(fc.constantFrom(handMade, ...texts), fc.array(edit, { minLength: 1, maxLength: 4 }), (text, edits) => {
        if (agrees(edited(text, edits))) known++;
      }),
      runs(4000, 300_000),
    );
    expect(known).toBeGreaterThan(100);
  });

  it('means what the parser says, in every nesting of a few lines', () => {
    let known = 0;
    fc.assert(
      fc.property(lines, (text) => {
        if (agrees(text)) known++;
      }),
      runs(4000, 300_000),
    );
    expect(known).toBeGreaterThan(100);
  });

  it('means what was written, whatever it was', () => {
    const styles = fc.record({ indentSeq: fc.boolean(), indent: fc.constantFrom(2, 4), lineWidth: fc.constantFrom(0, 40) });
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), plainValue, { minKeys: 1, maxKeys: 4 }),
        styles,
        (value, style) => {
          agrees(stringify(value, style));
        },
      ),
      runs(1000, 50_000),
    );
  });
});

describe('any other text', () => {
  it('is not known, or means what the parser says', () => {
    fc.assert(
      fc.property(yamlish, (text) => {
        agrees(text);
        agrees(`${text}\n`);
      }),
      runs(2000, 100_000),
    );
  });

  it('is not known where it is nested deeper than documents are', () => {
    const deep = Array.from({ length: 5000 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('');
    expect(plainDocuments(deep)).toBeNull();
    expect(plainDocuments(`a: ${'['.repeat(5000)}${']'.repeat(5000)}\n`)).toBeNull();
  });
});
