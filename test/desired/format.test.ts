import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseDocuments } from '../../src/desired/document.ts';
import { formatSource } from '../../src/desired/format.ts';
import { runs } from '../kinds/property.ts';
import { plainValue, yamlish } from './yaml-arbitrary.ts';

const format = (text: string): string | null => formatSource({ path: 'a.yaml', text });

describe('formatting', () => {
  test('gives documents one shape, and keeps comments, blank lines, blocks and flows', () => {
    const untidy = `# yaml-language-server: $schema=schemas/secretctl.json
kind:   'Policy'   # what
spec:
    # rules
    rules:
    - {secret: 'kv/*',   capabilities: [read,list]}
    -   path: "a: b"
        n: '1'


    sealed: |
          -----BEGIN AGE ENCRYPTED FILE-----
          abc=
          -----END AGE ENCRYPTED FILE-----
apiVersion: secretctl/v1
metadata: {name: x}
# end
---
# second
a:  1
`;
    expect(format(untidy)).toBe(`# yaml-language-server: $schema=schemas/secretctl.json
apiVersion: secretctl/v1
kind: Policy # what
metadata: { name: x }
spec:
  # rules
  rules:
    - { secret: kv/*, capabilities: [read, list] }
    - path: "a: b"
      n: "1"

  sealed: |
    -----BEGIN AGE ENCRYPTED FILE-----
    abc=
    -----END AGE ENCRYPTED FILE-----

# end
---
# second
a: 1
`);
  });

  test.each([
    ['an empty file', ''],
    ['only a comment', '# a\n'],
    ['a document in good form', 'apiVersion: secretctl/v1\nkind: Note\nmetadata:\n  name: a\nspec:\n  # why\n  text: b # c\n'],
  ])('leaves %s alone', (_what, text) => {
    expect(format(text)).toBe(text);
  });

  test('ends lines in one way', () => {
    expect(format('a: b\r\nc:\r\n- d\r\n')).toBe('a: b\nc:\n  - d\n');
  });

  test('refuses a file with errors', () => {
    expect(format('a: [\n')).toBe(null);
    expect(format('a: &x 1\n')).toBe(null);
    expect(formatSource({ path: 'a.yaml', text: '', refused: true })).toBe(null);
  });

  test('twice gives the same as once, and never changes a value or loses a comment', () => {
    fc.assert(
      fc.property(fc.oneof(yamlish, commented()), (text) => {
        const once = format(text);
        if (once === null) return;
        expect(format(once)).toBe(once);
        expect(parseDocuments(once).documents.map(({ value }) => value)).toEqual(
          parseDocuments(text).documents.map(({ value }) => value),
        );
        expect(once.split('#c#').length).toBe(text.split('#c#').length);
      }),
      runs(200, 2500),
    );
  });
});

/** Documents with comments wherever a line ends. */
function commented(): fc.Arbitrary<string> {
  const document = fc.dictionary(fc.constantFrom('apiVersion', 'kind', 'metadata', 'spec', 'forEach', 'x'), plainValue, {
    minKeys: 1,
  });
  return fc
    .tuple(
      fc.array(document, { minLength: 1, maxLength: 3 }),
      fc.infiniteStream(fc.constantFrom('', '', ' #c#', '\n#c#', '\n\n')),
    )
    .map(([documents, between]) => {
      const text = documents.map((value) => stringify(value, { lineWidth: 0 })).join('---\n');
      return text.includes('|') || text.includes('>') || text.includes('"')
        ? text
        : text.replaceAll('\n', () => `${between.next().value as string}\n`);
    });
}
