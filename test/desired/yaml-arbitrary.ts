import fc from 'fast-check';

/** Plain values as documents hold them: no lone surrogates, no exotic numbers, no key that is refused. */
export const plainValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    fc.oneof(
      plainText(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .filter((x) => !Object.is(x, -0) && (!Number.isInteger(x) || Number.isSafeInteger(x))),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key(), tie('value'), { maxKeys: 4 }),
  ),
})).value;

/** Text without the characters that documents refuse, rich in what YAML takes for something else. */
function plainText(): fc.Arbitrary<string> {
  const tricky = fc.constantFrom(
    '',
    ' ',
    '~',
    'null',
    'yes',
    'true',
    '1',
    '0x1',
    '1e3',
    '.inf',
    '- a',
    'a: b',
    'a #b',
    '# a',
    "it's",
    '"',
    '\\',
    '|',
    '>',
    '%',
    '@',
    '`',
    '{',
    '[a',
    '${var.x}',
    '$${',
    '<<',
    '---',
    '...',
    '? a',
    '! a',
    '&a',
    '*a',
    'ü🔑',
    ' x',
    'x ',
    'a\nb',
    'a\n\nb\n',
    '\n',
    'a:',
    ':a',
    'key: [',
  );
  const printable = fc.string({ unit: 'grapheme', maxLength: 12 }).filter(isAllowed);
  return fc.oneof(tricky, printable);
}

function isAllowed(text: string): boolean {
  return (
    text.isWellFormed() &&
    !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/.test(text)
  );
}

function key(): fc.Arbitrary<string> {
  return fc
    .oneof(fc.stringMatching(/^[a-z][a-zA-Z0-9_-]{0,6}$/), plainText())
    .filter((text) => text !== '<<' && text !== '__proto__' && text.length < 200);
}

/** Text that looks like YAML and mostly is none. */
export const yamlish = fc
  .array(
    fc.constantFrom(
      'a',
      'b: ',
      ': ',
      '- ',
      '? ',
      '\n',
      '\n  ',
      '\n    ',
      ' ',
      '\t',
      '"',
      "'",
      '[',
      ']',
      '{',
      '}',
      ',',
      '&x ',
      '*x',
      '!!str ',
      '!',
      '|',
      '>',
      '|-\n',
      '#',
      ' # c',
      '%YAML 1.1\n',
      '---\n',
      '...\n',
      '<<: ',
      '\\',
      '\u0000',
      '\r',
      '\r\n',
      '\ud800',
      'ü',
      '0x',
      '1e999',
      '.nan',
      '~',
      '@',
      '`',
      'apiVersion: secretctl/v1\n',
      'kind: Note\n',
      'kind: Connection\n',
      'metadata: { name: x }\n',
      'spec:\n',
      'spec: { next: [x] }\n',
      'forEach: { a: 1 }\n',
      '${var.x}',
      '${each.value',
      'sealed: ',
      'canary',
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''));
