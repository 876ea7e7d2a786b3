import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { generateFromCharset } from '../../src/policy/charset.ts';
import { HclError } from '../../src/policy/hcl-error.ts';
import {
  builtInRules,
  drawPassword,
  normalizePasswordPolicy,
  parsePasswordPolicy,
  type PasswordPolicy,
  passwordPolicyHcl,
  passwordPolicyProblem,
} from '../../src/policy/password.ts';
import { seededRandom } from '../barrier/fixture.ts';
import { runs } from './property.ts';

function problemOf(text: string): string {
  try {
    parsePasswordPolicy(text);
  } catch (error) {
    if (error instanceof HclError) return error.message;
    throw error;
  }
  return 'no problem';
}

async function draw(policy: PasswordPolicy): Promise<string> {
  const password = await drawPassword(policy, systemRandom, 100_000);
  if (password === null) throw new Error('no candidate fitted');
  return password;
}

const policies: fc.Arbitrary<PasswordPolicy> = fc
  .record({
    length: fc.integer({ min: 4, max: 100 }),
    rules: fc.array(
      fc.record({
        charset: fc.string({ unit: fc.constantFrom(...Array.from('abcDE01!" \\$\u{1f511}é{')), minLength: 1 }),
        minChars: fc.nat(3),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  })
  .filter((policy) => passwordPolicyProblem(policy) === null);

describe('the language of password policies', () => {
  it('reads length and rules', () => {
    expect(
      parsePasswordPolicy('length = 20\nrule "charset" { charset = "abc" min-chars = 2 }\nrule "charset" {\n charset = "01"\n}'),
    ).toEqual({
      length: 20,
      rules: [
        { charset: 'abc', minChars: 2 },
        { charset: '01', minChars: 0 },
      ],
    });
  });

  it('reads the JSON form, as programs and as people write it', () => {
    const policy = { length: 8, rules: [{ charset: 'abc', minChars: 1 }] };
    expect(parsePasswordPolicy('{"length":8,"rule":[{"charset":[{"charset":"abc","min-chars":1}]}]}')).toEqual(policy);
    expect(parsePasswordPolicy('{"length":8,"rule":{"charset":{"charset":"abc","min-chars":1}}}')).toEqual(policy);
  });

  it('takes the built-in rules where there are none', () => {
    expect(parsePasswordPolicy('length = 12')).toEqual({ length: 12, rules: builtInRules });
  });

  it.each([
    ['', 'line 1, column 1: a password policy needs a length'],
    ['rule "charset" { charset = "ab" }', 'a password policy needs a length'],
    ['length = 3', 'line 1, column 1: a password has 4 to 100 characters, not 3'],
    ['length = 101', 'a password has 4 to 100 characters, not 101'],
    ['length = "20"', 'line 1, column 10: expected a whole number'],
    ['length = 4.5', 'expected a whole number'],
    ['length = 20\nrule "charset" { min-chars = 1 }', 'line 2, column 6: a charset rule needs charset'],
    ['length = 20\nrule "charset" { charset = "" }', 'a charset consists of printable characters, at least one'],
    ['length = 20\nrule "charset" { charset = "a\\nb" }', 'a charset consists of printable characters'],
    [
      'length = 20\nrule "charset" { charset = "ab" min_chars = 1 }',
      'line 2, column 33: a charset rule has charset and min-chars, no "min_chars"',
    ],
    ['length = 20\nrule "charset" { charset = "ab" min-chars = -1 }', 'expected a whole number that is not negative'],
    ['length = 20\nrule "regex" { }', 'line 2, column 6: no type of rule "regex"'],
    ['length = 20\nrule { charset = "ab" }', 'a rule names its type'],
    ['length = 20\nrules = []', 'line 2, column 1: a password policy has length and rule, no "rules"'],
    ['length = 4\nrule "charset" { charset = "ab" min-chars = 5 }', 'the rules require 5 characters, but the length is 4'],
    ['length = 4\nrule "charset" { charset = "aaa" }', 'with one character there is only one password'],
  ])('says where %j is wrong', (text, message) => {
    expect(problemOf(text)).toContain(message);
  });

  it('bounds the number of rules and of characters', () => {
    expect(problemOf(`length = 20\n${'rule "charset" { charset = "ab" }\n'.repeat(33)}`)).toContain('more than 32 rules');
    const many = Array.from({ length: 257 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join('');
    expect(problemOf(`length = 20\nrule "charset" { charset = "${many}" }`)).toContain('more than 256 different characters');
  });

  it('gives back the policy of its own canonical text, and of its normal form', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        expect(parsePasswordPolicy(passwordPolicyHcl(policy))).toEqual(policy);
        const normal = normalizePasswordPolicy(policy);
        expect(parsePasswordPolicy(passwordPolicyHcl(normal))).toEqual(normal);
        expect(normalizePasswordPolicy(normal)).toEqual(normal);
        expect(normalizePasswordPolicy({ ...policy, rules: [...policy.rules].reverse() })).toEqual(normal);
      }),
      runs(300, 10_000),
    );
  });
});

describe('generated passwords', () => {
  it('have the length and the characters that the policy wants', async () => {
    const likely = policies.filter(({ length, rules }) => rules.reduce((sum, rule) => sum + rule.minChars, 0) * 4 <= length);
    await fc.assert(
      fc.asyncProperty(likely, async (policy) => {
        const password = Array.from(await draw(policy));
        expect(password).toHaveLength(policy.length);
        for (const { charset, minChars } of policy.rules) {
          expect(password.filter((character) => charset.includes(character)).length).toBeGreaterThanOrEqual(minChars);
        }
        const alphabet = policy.rules.map(({ charset }) => charset).join('');
        expect(password.every((character) => alphabet.includes(character))).toBe(true);
      }),
      runs(100, 5_000),
    );
  });

  it('have all the same chance', async () => {
    // Four characters of {a, b, c}, at least one a and one b: 50 passwords.
    const policy = {
      length: 4,
      rules: [
        { charset: 'a', minChars: 1 },
        { charset: 'b', minChars: 1 },
        { charset: 'c', minChars: 0 },
      ],
    };
    const random = seededRandom('passwords');
    const counts = new Map<string, number>();
    for (let index = 0; index < 20_000; index++) {
      const password = (await drawPassword(policy, random, 1_000)) ?? 'none';
      counts.set(password, (counts.get(password) ?? 0) + 1);
    }
    expect(counts.size).toBe(50);
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 400) ** 2 / 400, 0);
    // 49 degrees of freedom: above 100 once in 30,000; a sampler that bends candidates to fit is far beyond.
    expect(chiSquare).toBeLessThan(100);
  });

  it('end after a bounded number of tries, and let others go on meanwhile', async () => {
    const alphabet = Array.from({ length: 200 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join('');
    const hopeless = {
      length: 30,
      rules: [
        { charset: alphabet, minChars: 0 },
        { charset: '!', minChars: 30 },
      ],
    };
    expect(passwordPolicyProblem(hopeless)).toBeNull();
    let others = 0;
    let going = true;
    const other = (): void => {
      others += 1;
      if (going) setImmediate(other);
    };
    setImmediate(other);
    expect(await drawPassword(hopeless, systemRandom, 1000)).toBeNull();
    going = false;
    expect(others).toBeGreaterThan(10);
  });
});

describe('text of a charset', () => {
  it('consists of letters and digits unless told', () => {
    expect(generateFromCharset(systemRandom, { length: 4096 })).toMatch(/^[A-Za-z0-9]{4096}$/);
  });

  it.each([
    ['hex', /^[0-9a-f]{200}$/],
    ['digits', /^[0-9]{200}$/],
    ['lowercase', /^[a-z]{200}$/],
    ['uppercase', /^[A-Z]{200}$/],
    ['alphabetic', /^[A-Za-z]{200}$/],
    ['alphanumeric', /^[A-Za-z0-9]{200}$/],
    ['base64url', /^[A-Za-z0-9_-]{200}$/],
    ['xyz!', /^[xyz!]{200}$/],
    ['é\u{1f511}', /^[é\u{1f511}]{200}$/u],
  ])('of %s', (charset, form) => {
    expect(generateFromCharset(systemRandom, { length: 200, charset })).toMatch(form);
  });

  it.each(['', 'a', 'aa', 'alphanumerik', '0123456789a0', '\ud800a'])('refuses the charset %j', (charset) => {
    expect(() => generateFromCharset(systemRandom, { length: 8, charset })).toThrow(RequestError);
  });

  it.each([0, -1, 1.5, 4097, Number.NaN])('refuses the length %d', (length) => {
    expect(() => generateFromCharset(systemRandom, { length })).toThrow('the length of a generated value');
  });

  it('gives every character the same chance', () => {
    const text = generateFromCharset(seededRandom('charset'), {
      length: 4096,
      charset: 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ',
    });
    const counts = new Map<string, number>();
    for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
    const expected = 4096 / 52;
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(counts.size).toBe(52);
    expect(chiSquare).toBeLessThan(110);
  });
});
