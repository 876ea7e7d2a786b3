import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HclError } from '../../src/policy/hcl-error.ts';
import { parsePolicy, toHcl } from '../../src/policy/hcl.ts';
import { normalizeRules } from '../../src/policy/merge.ts';
import { runs } from './property.ts';
import { arbitraryRules } from './arbitrary.ts';

function problemOf(text: string): string {
  try {
    parsePolicy(text);
  } catch (error) {
    if (error instanceof HclError) return error.message;
    throw error;
  }
  return 'no problem';
}

describe('the policy language', () => {
  it('reads path blocks with everything that a rule can say', () => {
    const text = `
      # one form of comment
      // another
      /* and a third,
         over lines */
      name = "ignored"
      path "secret/data/+/db*" {
        comment             = "why"
        capabilities        = ["read", "create", "read"]
        allowed_parameters  = { "TTL" = ["1h", 2, true], "*" = [], }
        denied_parameters { "owner" = [] }
        required_parameters = ["Reason", "reason"]
        min_wrapping_ttl    = "1m"
        max_wrapping_ttl    = 90
      }
      path "/sys/health" { policy = "read" }`;
    expect(parsePolicy(text)).toEqual([
      {
        path: 'secret/data/+/db*',
        capabilities: ['create', 'read'],
        allowedParameters: { ttl: ['1h', 2, true], '*': [] },
        deniedParameters: { owner: [] },
        requiredParameters: ['reason'],
        minWrappingTtl: 60,
        maxWrappingTtl: 90,
      },
      { path: 'sys/health', capabilities: ['read', 'list'] },
    ]);
  });

  it('reads the JSON form, also with lists of objects', () => {
    const rules = [
      { path: 'a', capabilities: ['read'], allowedParameters: { x: ['1'] } },
      { path: 'b/*', capabilities: ['deny'] },
      { path: 'b/*', capabilities: ['list'] },
    ];
    expect(
      parsePolicy(`{"path": [{"a": {"capabilities": ["read"], "allowed_parameters": {"x": ["1"]}}},
        {"b/*": [{"capabilities": ["deny"]}, {"policy": "read", "capabilities": []}]}]}`),
    ).toEqual([rules[0], rules[1], { path: 'b/*', capabilities: ['read', 'list'] }]);
    expect(parsePolicy('{"path": {"a": {"capabilities": ["read"], "allowed_parameters": {"x": ["1"]}}}}')).toEqual([rules[0]]);
  });

  it.each([
    ['deny', ['deny']],
    ['read', ['read', 'list']],
    ['write', ['create', 'read', 'update', 'delete', 'list']],
    ['sudo', ['create', 'read', 'update', 'delete', 'list', 'sudo']],
  ])('maps the one-word policy %s', (word, capabilities) => {
    expect(parsePolicy(`path "x" { policy = "${word}" }`)).toEqual([{ path: 'x', capabilities }]);
  });

  it('lets deny take away all else that a rule says', () => {
    expect(
      parsePolicy('path "x" { capabilities = ["read", "deny"] allowed_parameters = { "a" = [] } min_wrapping_ttl = 5 }'),
    ).toEqual([{ path: 'x', capabilities: ['deny'] }]);
  });

  it('reads heredocs, with and without indentation', () => {
    const rule = 'path "x" {\n allowed_parameters = { "a" = [<<END\none\n two\nEND\n, <<-END\n   three\n    four\n   END\n] }\n}';
    expect(parsePolicy(rule)).toEqual([
      { path: 'x', capabilities: [], allowedParameters: { a: ['one\n two\n', 'three\n four\n'] } },
    ]);
  });

  it('knows every escape of a string, and keeps what begins like an interpolation', () => {
    const [rule] = parsePolicy(String.raw`path "x" { required_parameters = ["\"\\\n\t\u00e9\U0001f511\x41${'$'}{b}"] }`);
    expect(rule?.requiredParameters).toEqual(['"\\\n\té🔑a${b}']);
    expect(toHcl([{ path: 'x', capabilities: [], requiredParameters: ['${b}'] }])).toContain(String.raw`"\u0024{b}"`);
  });

  it('takes the name __proto__ for a name', () => {
    const [rule] = parsePolicy('path "x" { capabilities = ["read"] denied_parameters = { "__proto__" = [] } }');
    expect(Object.keys(rule?.deniedParameters ?? {})).toEqual(['__proto__']);
  });

  it.each([
    [
      'path "x" {\n  capabilities = ["raed"]\n}',
      'line 2, column 19: no capability "raed": there are create, read, update, patch, delete, list, sudo, deny',
    ],
    ['path "x" {\n  capabilites = ["read"]\n}', 'line 2, column 3: a path block has no "capabilites"'],
    ['path "x" { mfa_methods = ["m"] }', 'line 1, column 12: a path block has no "mfa_methods"'],
    ['path "x" { control_group = { ttl = "1h" } }', 'a path block has no "control_group"'],
    ['pth "x" { }', 'line 1, column 1: a policy consists of path blocks, it has no "pth"'],
    ['path { capabilities = ["read"] }', 'line 1, column 1: a block has one path'],
    ['path "a" "b" { }', 'a block has one path'],
    ['path "a" = { }', 'line 1, column 10: a block has no "="'],
    ['path "x" { capabilities = "read" }', 'line 1, column 27: expected a list'],
    ['path "x" { capabilities = ["read" }', 'line 1, column 35: expected ",", found "}"'],
    ['path "x" { capabilities = ["read"]', 'line 1, column 35: expected a key, found the end of the text'],
    ['path "x" { capabilities = read }', 'line 1, column 27: expected a value, found "r"'],
    ['path "x" { capabilities = ["read"] capabilities = ["list"] }', 'line 1, column 36: "capabilities" is given twice'],
    ['path "x" { allowed_parameters = { "a" = [], "A" = [] } }', 'the parameter "a" is given twice (case does not count)'],
    ['path "x" { allowed_parameters = { "a" = "b" } }', 'expected a list'],
    ['path "x" { policy = "root" }', 'no policy "root": there are deny, read, write, sudo'],
    ['path "x" { min_wrapping_ttl = "soon" }', 'line 1, column 31: expected a duration of whole seconds'],
    ['path "x" { min_wrapping_ttl = "1500ms" }', 'expected a duration of whole seconds'],
    ['path "x" { min_wrapping_ttl = -1 }', 'expected a duration of whole seconds'],
    [
      'path "x" { min_wrapping_ttl = 2 max_wrapping_ttl = 1 }',
      'line 1, column 6: max_wrapping_ttl is less than min_wrapping_ttl',
    ],
    ['path "x" { min_wrapping_ttl = 010 }', 'line 1, column 32: expected the end of the number, found "1"'],
    ['path "x" { min_wrapping_ttl = 99999999999999999999 }', 'the number is too large'],
    ['path "x', 'line 1, column 6: the string has no end'],
    ['path "x\n" { }', 'line 1, column 6: the string has no end'],
    ['path "\\q" { }', 'line 1, column 7: the escape "\\q" is not known'],
    ['path "\\ud800" { }', 'the string is not well-formed Unicode'],
    ['/* never closed', 'line 1, column 1: the comment has no end'],
    ['path "x" { comment = <<EOT\nhello', 'line 1, column 22: the text has no end: no line is just "EOT"'],
    ['{"path": {"x": {"capabilities": ["read"]}}, "path": {}}', 'line 1, column 45: "path" is given twice'],
    ['{"path": {"x": {"capabilities": ["read",]}}}', 'expected a value, found "]"'],
    ['{"path": {}} trailing', 'expected the end of the text'],
    ['{"path": {"x": {"capabilities": null}}}', 'expected a value, found "n"'],
    ['{"path": {"x": {}}} # comment', 'expected the end of the text'],
    ['\u0000', 'expected a key'],
    ['\ufeffpath "x" {}', 'expected a key'],
  ])('says where %j is wrong', (text, message) => {
    expect(problemOf(text)).toContain(message);
  });

  it.each([
    ['', 'a rule needs a path'],
    ['/', 'a rule needs a path'],
    ['a//b', 'not canonical'],
    ['//a', 'not canonical'],
    ['a/../b', 'not canonical'],
    ['a/./b', 'not canonical'],
    ['a/..', 'not canonical'],
    ['../a', 'not canonical'],
    ['a\\\\b', 'not canonical'],
    ['a\\u0000', 'not canonical'],
    ['e\\u0301', 'not canonical'],
    ['a/*/b', '"*" may only stand at the end'],
    ['a**', '"*" may only stand at the end'],
    ['a/+*', '"+*" is forbidden'],
    ['a/{{identity.entity.id', 'the braces of a template are not balanced'],
    ['a/identity.entity.id}}', 'the braces of a template are not balanced'],
    ['a/{{identity.{{entity}}.id}}', 'the braces of a template are not balanced'],
    ['x'.repeat(513), 'the path has more than 512 bytes'],
  ])('refuses the path %j, which no request could have', (path, message) => {
    expect(problemOf(`path "${path}" { capabilities = ["deny"] }`)).toContain(message);
  });

  it.each(['*', '+', '+/*', 'a/', 'a/*', 'a/.*', 'a/..*', 'a/b*', 'a/+/b', '+/+', 'é/x', 'a b', 'a/{{identity.entity.id}}/*'])(
    'accepts the path %j',
    (path) => {
      expect(parsePolicy(`path "${path}" {}`)).toEqual([{ path, capabilities: [] }]);
    },
  );

  it('counts lines and columns from 1', () => {
    expect(() => parsePolicy('path "x" {\n\n  x = 1 }')).toThrow(expect.objectContaining({ line: 3, column: 3 }));
  });

  it('is bounded in size and depth', () => {
    expect(problemOf('#'.repeat(300_000))).toContain('more than 262144');
    expect(problemOf(`path "x" { allowed_parameters = { "a" = ${'['.repeat(100_000)} } }`)).toContain(
      'nested more than 16 levels deep',
    );
    expect(problemOf(`{"path": ${'['.repeat(100_000)}`)).toContain('nested more than 16 levels deep');
    expect(problemOf('"'.repeat(100_001))).not.toBe('no problem');
  });

  it('gives back the rules of its own canonical text', () => {
    fc.assert(
      fc.property(arbitraryRules, (rules) => {
        expect(parsePolicy(toHcl(rules))).toEqual(rules);
      }),
      runs(300, 10_000),
    );
  }, 300_000);

  it('gives back the same text for the same meaning, whatever the order', () => {
    fc.assert(
      fc.property(arbitraryRules, (rules) => {
        const normal = normalizeRules(rules);
        expect(toHcl(normalizeRules([...rules].reverse()))).toBe(toHcl(normal));
        expect(normalizeRules(normal)).toEqual(normal);
      }),
      runs(300, 10_000),
    );
  }, 300_000);

  it('reads or refuses any text, and nothing else happens', () => {
    const fragment = fc.constantFrom(
      'path',
      '"x"',
      '"a/*"',
      '{',
      '}',
      '[',
      ']',
      '=',
      ',',
      ':',
      'capabilities',
      '"read"',
      '"deny"',
      '1',
      '-',
      '.5',
      'true',
      '#',
      '//',
      '/*',
      '*/',
      '\n',
      ' ',
      '<<E',
      '<<-E',
      'E',
      '"',
      '\\',
      '${',
      'policy',
      '\ud83d',
      '🔑',
    );
    const text = fc.oneof(
      fc.array(fragment, { maxLength: 40 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', maxLength: 60 }),
    );
    fc.assert(
      fc.property(text, (input) => {
        expect(problemOf(input)).toMatch(/^(line \d+, column \d+: |no problem)/);
      }),
      runs(2_000, 200_000),
    );
  }, 300_000);
});
