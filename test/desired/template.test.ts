import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../src/base/json.ts';
import { Findings } from '../../src/desired/finding.ts';
import { mergePatch, patchReaches } from '../../src/desired/merge-patch.ts';
import { ExpansionBudget, Substitution, TooMuch, type SubstitutionProblem } from '../../src/desired/substitute.ts';
import { parseTemplate } from '../../src/desired/template.ts';
import { unresolved } from '../../src/kinds/validate.ts';
import { runs } from '../kinds/property.ts';

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
const object = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), json, { maxKeys: 4 }) as fc.Arbitrary<JsonObject>;

function substitute(
  value: Json,
  variables: Readonly<Record<string, Json | null>>,
  each: { key: string; value: Json } | null = null,
) {
  const problems: SubstitutionProblem[] = [];
  const scope = { variables: new Map(Object.entries(variables)), each };
  const result = new Substitution(scope, new ExpansionBudget(), new Findings(), (problem) => problems.push(problem)).value(value);
  return { result, problems };
}

describe('a template', () => {
  test('loses no character: its pieces are the text, but for $${', () => {
    fc.assert(
      fc.property(
        fc
          .array(
            fc.constantFrom('$', '{', '}', '${', '$${', 'var.a', 'each.key', ' ', 'x', '${var.a}', '${each.value.b.c}', '${}'),
          )
          .map((parts) => parts.join('')),
        (text) => {
          const parts = parseTemplate(text);
          const whole = parts.map((part) => (typeof part === 'string' ? part.replaceAll('${', () => '$${') : part.text)).join('');
          expect(whole).toBe(text);
        },
      ),
      runs(1000, 50_000),
    );
  });

  test('any text can be written, with $${ for ${', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        // A dollar right before would itself be taken for the escape.
        fc.pre(!text.includes('$${'));
        expect(
          substitute(
            text.replaceAll('${', () => '$${'),
            {},
          ).result,
        ).toBe(text);
      }),
      runs(300, 20_000),
    );
  });
});

describe('substitution', () => {
  test('of a value without references gives the same object', () => {
    fc.assert(
      fc.property(json, (value) => {
        fc.pre(!JSON.stringify(value).includes('${'));
        expect(substitute(value, {}).result).toBe(value);
      }),
      runs(300, 20_000),
    );
  });

  test('puts any value where a reference is all of a text, and is not applied to what it put there', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(substitute({ a: ['${each.value}'] }, {}, { key: 'k', value }).result).toEqual({ a: [value] });
      }),
      runs(300, 20_000),
    );
    expect(substitute('${var.a} ${var.a}', { a: '${var.b}', b: 'x' }).result).toBe('${var.b} ${var.b}');
  });

  test('leaves nothing of a text in which something is not known', () => {
    const { result, problems } = substitute({ a: 'x ${var.gone} y', b: '${var.unset}' }, { unset: null });
    expect(result).toEqual({ a: unresolved, b: unresolved });
    expect(problems.map(({ code, pointer, within }) => [code, pointer, within])).toEqual([
      ['VAR002', '/a', '${var.gone}'],
      ['VAR001', '/b', '${var.unset}'],
    ]);
  });

  test('never makes more than a repo may be', () => {
    const long = 'x'.repeat(1_000_000);
    expect(() => substitute('${var.a}'.repeat(10), { a: long })).toThrow(TooMuch);
    expect(() =>
      substitute(
        Array.from({ length: 2000 }, () => 'y${var.a}'),
        { a: long },
      ),
    ).toThrow(TooMuch);
    const wide = Array.from({ length: 10_000 }, () => 1);
    expect(() =>
      substitute(
        Array.from({ length: 2000 }, () => '${var.a}'),
        { a: wide },
      ),
    ).toThrow(TooMuch);
  });
});

describe('a merge patch', () => {
  test('sets what it names, removes what it names null, and keeps the rest', () => {
    fc.assert(
      fc.property(object, object, (target, patch) => {
        const merged = mergePatch(target, patch);
        for (const name of new Set([...Object.keys(target), ...Object.keys(patch)])) {
          const change = patch[name];
          if (change === undefined) expect(merged[name]).toEqual(target[name]);
          else if (change === null) expect(Object.hasOwn(merged, name)).toBe(false);
          else if (typeof change !== 'object' || Array.isArray(change)) expect(merged[name]).toEqual(change);
        }
        expect(mergePatch(merged, patch)).toEqual(merged);
      }),
      runs(300, 20_000),
    );
  });

  test('says which places it writes', () => {
    const patch = { a: { b: 1, c: [1] }, d: null };
    expect(patchReaches(patch, ['a', 'b'])).toBe('writes');
    expect(patchReaches(patch, ['a', 'c', '0'])).toBe('writes');
    expect(patchReaches(patch, ['d'])).toBe('writes');
    expect(patchReaches(patch, ['a'])).toBe('merges');
    expect(patchReaches(patch, ['a', 'x'])).toBe('no');
    expect(patchReaches(patch, ['x'])).toBe('no');
  });
});
