import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { parseDocuments } from '../../src/desired/document.ts';
import { FilePositions } from '../../src/desired/position.ts';
import { toPointer } from '../../src/base/json.ts';
import { runs } from '../kinds/property.ts';
import { plainValue, yamlish } from './yaml-arbitrary.ts';

const codes = (text: string): readonly string[] => parseDocuments(text).problems.map(({ code }) => code);

describe('a YAML file', () => {
  test('gives back what was written, block or flow', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), plainValue, { minKeys: 1, maxKeys: 4 }),
        fc.boolean(),
        (value, flow) => {
          const text = stringify(value, { lineWidth: 0, ...(flow ? { collectionStyle: 'flow' } : {}) });
          const { documents, problems } = parseDocuments(text);
          expect(problems).toEqual([]);
          expect(documents.map((document) => document.value)).toEqual([value]);
        },
      ),
      runs(150, 8000),
    );
  });

  test('that has no problems means what the parser says, and one with problems never crashes', () => {
    fc.assert(
      fc.property(yamlish, (text) => {
        const { documents, problems } = parseDocuments(text);
        for (const { start, end } of problems) expect(start >= 0 && end > start && start <= text.length).toBe(true);
        if (problems.length > 0) return;
        const expected = parseAllDocuments(text, { version: '1.2', schema: 'core', logLevel: 'silent' });
        for (const document of expected) expect(document.errors).toEqual([]);
        const values = Array.isArray(expected)
          ? expected.map((document) => document.toJS() as unknown).filter((value) => value !== null)
          : [];
        expect(documents.map(({ value }) => value)).toEqual(values.map((value) => JSON.parse(JSON.stringify(value)) as unknown));
      }),
      runs(1000, 50_000),
    );
  });

  test('of random bytes never crashes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(parseDocuments(Buffer.from(bytes).toString('utf8')).problems.length).toBeLessThanOrEqual(20);
      }),
      runs(500, 50_000),
    );
  });

  test.each([
    ['double', `- "CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'"\nb: 1\nc: 2\n`],
    ['single', `- 'CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}''\nb: 1\nc: 2\n`],
  ])('with a quote inside of %s quotes has one problem there, which says so', (_, text) => {
    const { problems } = parseDocuments(`a:\n${text}---\na: 1\n`);
    expect(problems).toEqual([
      expect.objectContaining({
        start: 3 + text.indexOf('{{', text.startsWith("- '") ? 30 : 0),
        message: 'the text goes on after the quote that ended it',
        hint: expect.stringContaining('after "|-"') as string,
      }),
    ]);
  });

  test.each([
    ['an anchor', 'a: &x 1\n', 'YAML003'],
    ['an alias', 'a: *x\n', 'YAML003'],
    ['a merge key', '<<: { a: 1 }\n', 'YAML003'],
    ['a tag', 'a: !!str 1\n', 'YAML004'],
    ['a tag of a key', '!x a: 1\n', 'YAML004'],
    ['a tag of nothing', 'a: !x\n', 'YAML004'],
    ['a double key', 'a: 1\nb: 2\na: 3\n', 'YAML002'],
    ['a double key in quotes', '{ a: 1, "a": 2 }\n', 'YAML002'],
    ['a key that is a number', '1: a\n', 'YAML005'],
    ['a key that is a list', '? [a]\n: 1\n', 'YAML005'],
    ['no key', ': a\n', 'YAML005'],
    ['a key that JavaScript would misunderstand', '__proto__: { admin: true }\n', 'YAML005'],
    ['a tab that indents', 'a:\n\tb: 1\n', 'YAML007'],
    ['a tab between', 'a:\tb\n', 'YAML007'],
    ['a control character', 'a: "\u0007"\n', 'YAML007'],
    ['a lone carriage return', 'a: b\rc: d\n', 'YAML007'],
    ['half of a character', 'a: "\\ud800"\n', 'YAML007'],
    ['a direction mark', 'a: b\u202ec\n', 'YAML007'],
    ['an infinite number', 'a: .inf\n', 'YAML008'],
    ['a number that would lose digits', 'a: 9007199254740993\n', 'YAML008'],
    ['a directive', '%YAML 1.1\n---\na: yes\n', 'YAML001'],
  ])('with %s is refused', (_what, text, code) => {
    expect(codes(text)).toContain(code);
  });

  test.each([
    ['a tab in a block scalar', 'a: |\n  x\ty\n'],
    ['a tab in quotes', 'a: "x\ty"\n'],
    ['an escaped tab', 'a: "\\t"\n'],
    ['CRLF', 'a: b\r\nc:\r\n  - d\r\n'],
    ['a large round number', 'a: 1e30\n'],
    ['an exact integer', 'a: 9007199254740991\n'],
    ['yes and no, which are text', 'a: yes\nb: no\n'],
    ['an ampersand in text', 'a: x & y\nb: "*z"\n'],
  ])('with %s is accepted', (_what, text) => {
    expect(codes(text)).toEqual([]);
  });

  test('with empty documents keeps the numbers of the others', () => {
    expect(parseDocuments('# a\n---\n# b\n---\na: 1\n---\nb: 2\n').documents.map(({ index, value }) => [index, value])).toEqual([
      [1, { a: 1 }],
      [2, { b: 2 }],
    ]);
  });
});

describe('a hostile file', () => {
  const size = 64 * 1024;
  const bombs: readonly (readonly [string, string])[] = [
    ['aliases', `a: &a [x, x]\n${Array.from({ length: 3000 }, (_, i) => `b${i}: &b${i} [*a, *a]\n`).join('')}`],
    ['nested lists', '['.repeat(size)],
    ['nested maps', '{a: '.repeat(size / 4)],
    ['nested dashes', '- '.repeat(size / 2)],
    ['nested keys', '? '.repeat(size / 2)],
    ['quotes', '"'.repeat(size)],
    ['closing brackets', '}'.repeat(size)],
    ['commas', `[${','.repeat(size)}`],
    ['tags', '!a '.repeat(size / 3)],
    ['directives', '%\n'.repeat(size / 2)],
    ['control characters', '\u0000'.repeat(size)],
  ];

  test.each(bombs)('of %s costs less than 100 ms and makes few problems', (_what, text) => {
    const before = process.cpuUsage();
    const { problems } = parseDocuments(text);
    const { user, system } = process.cpuUsage(before);
    // The first file that a process parses is compiled on the way, and the machine may be busy with others.
    expect((user + system) / 1000).toBeLessThan(300);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThanOrEqual(20);
  });

  test('with 50,000 keys in one map is read in linear time', () => {
    const before = performance.now();
    const { documents } = parseDocuments(Array.from({ length: 50_000 }, (_, index) => `k${index}: 1\n`).join(''));
    expect(Object.keys(documents[0]?.value ?? {})).toHaveLength(50_000);
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

describe('positions', () => {
  test('of every value of a document are where its text stands', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), plainValue, { minKeys: 1 }), (value) => {
        const text = `# first\n---\n${stringify(value, { lineWidth: 0 })}`;
        const positions = new FilePositions(text);
        const visit = (part: unknown, tokens: readonly (string | number)[]): void => {
          const { start, end } = positions.span({ document: 0, pointer: toPointer(tokens), part: 'value' });
          expect(end).toBeGreaterThan(start);
          const written = text.slice(start, end);
          if (typeof part === 'string')
            expect(parseDocuments(`- ${indented(written)}`).documents[0]?.value ?? ['']).toEqual([part]);
          else if (typeof part === 'object' && part !== null)
            for (const [name, member] of Object.entries(part))
              visit(member, [...tokens, Array.isArray(part) ? Number(name) : name]);
          else if (part !== null) expect(JSON.parse(written.trim())).toBe(part);
        };
        for (const [name, member] of Object.entries(value)) if (!isBlock(member)) visit(member, [name]);
      }),
      runs(150, 8000),
    );
  });
});

/** Block scalars are placed by their indicator; where their lines are indented is not asked here. */
function isBlock(value: unknown): boolean {
  return JSON.stringify(value).includes('\\n');
}

function indented(text: string): string {
  return text.replaceAll('\n', '\n  ');
}
