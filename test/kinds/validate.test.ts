import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kinds } from '../../src/catalog.ts';
import type { Json } from '../../src/base/json.ts';
import { explain } from '../../src/kinds/explain.ts';
import type { SpecSchema } from '../../src/kinds/kind.ts';
import { compileSchema, hasFormat, unresolved } from '../../src/kinds/validate.ts';
import { runs } from './property.ts';
import { sampleKinds } from './sample-kinds.ts';

const ajv = new Ajv({
  strict: false,
  allErrors: false,
  formats: Object.fromEntries(['duration', 'date', 'cidr'].map((name) => [name, (text: string) => hasFormat(text, name)])),
});

/** Values that a schema accepts, more or less: what is drawn for each keyword may break another. */
function near(schema: SpecSchema): fc.Arbitrary<Json> {
  const branches = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  if (branches.length > 0) return fc.oneof(...branches.map(near), anything);
  if (schema.const !== undefined) return fc.oneof({ weight: 5, arbitrary: fc.constant(schema.const) }, anything);
  if (schema.enum !== undefined) return fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...schema.enum) }, anything);
  const [type = 'string'] = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  return fc.oneof({ weight: 9, arbitrary: ofType(type, schema) }, anything);
}

const anything = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;
const someText = fc.oneof(
  fc.constantFrom('', '1h30m', '30d', 'AB', 'a/b', 'kv', '10.0.0.0/8', '2027-01-31', '🔑🔑'),
  fc.string({ maxLength: 8 }),
);

function ofType(type: string, schema: SpecSchema): fc.Arbitrary<Json> {
  switch (type) {
    case 'object':
      return objectOf(schema);
    case 'array':
      return fc.array(near(schema.items ?? {}), { maxLength: 5 });
    case 'integer':
      return fc.integer({ min: -2, max: 200 });
    case 'number':
      return fc.oneof(fc.integer({ min: -2, max: 200 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
    case 'boolean':
      return fc.boolean();
    default:
      return someText;
  }
}

function objectOf(schema: SpecSchema): fc.Arbitrary<Json> {
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => [name, near(property)] as const);
  const other = typeof schema.additionalProperties === 'object' ? near(schema.additionalProperties) : anything;
  const required = (schema.required ?? []).filter((name) => Object.hasOwn(schema.properties ?? {}, name));
  const named = fc.record(Object.fromEntries(properties), { requiredKeys: required });
  const extra = fc.dictionary(
    fc.string({ maxLength: 4 }).filter((name) => name !== '__proto__'),
    other,
    { maxKeys: 1 },
  );
  const open = schema.properties === undefined;
  return fc
    .tuple(
      named,
      open
        ? fc.dictionary(someText, other, { maxKeys: 4 })
        : fc.oneof({ weight: 6, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: extra }),
    )
    .map(([a, b]): Json => ({ ...b, ...a }));
}

describe.each(
  [...sampleKinds, ...kinds].map((kind) => [`${sampleKinds.includes(kind) ? 'sample ' : ''}${kind.kind}`, kind.spec] as const),
)('the schema of %s', (_name, schema) => {
  const fits = compileSchema(schema);
  const oracle = ajv.compile(schema);

  test('is checked as ajv checks it', () => {
    fc.assert(
      fc.property(near(schema), (value) => {
        expect(fits(value)).toBe(oracle(value));
      }),
      runs(200, 10_000),
    );
  });

  test('is explained exactly where a value does not fit, with pointers into the value', () => {
    fc.assert(
      fc.property(near(schema), (value) => {
        const problems = explain(schema, value);
        expect(problems.length > 0).toBe(!fits(value));
        for (const { message, at } of problems) {
          expect(message).not.toBe('');
          expect(at === '' || at.startsWith('/')).toBe(true);
        }
      }),
      runs(200, 10_000),
    );
  });
});

describe('what is not known', () => {
  test('fits wherever it stands', () => {
    const [note] = sampleKinds.filter(({ kind }) => kind === 'Note');
    const fits = compileSchema(note!.spec);
    expect(fits({ count: unresolved, shape: unresolved, tags: [unresolved, unresolved], map: { a: unresolved } })).toBe(true);
    expect(explain(note!.spec, { count: unresolved, tags: [unresolved, unresolved] })).toEqual([]);
  });

  test('an unknown keyword of a schema is refused, not ignored', () => {
    expect(() => compileSchema({ type: 'string', contentEncoding: 'base64' } as SpecSchema)).toThrow(/contentEncoding/);
  });
});

describe('explanations', () => {
  const note = sampleKinds.find(({ kind }) => kind === 'Note')!.spec;
  const told = (value: Json) =>
    explain(note, value).map(({ at, message, hint }) => `${at}: ${message}${hint === null ? '' : ` (${hint})`}`);

  test.each<[string, Json, string[]]>([
    ['a misspelt key', { colur: 'red' }, ['/colur: unknown key "colur" (did you mean "colour"?)']],
    [
      'a misspelt value',
      { colour: 'gren' },
      ['/colour: "colour" must be one of "red", "green", not "gren" (did you mean "green"?)'],
    ],
    ['a number in quotes', { count: '7' }, ['/count: "count" must be a whole number, not text (leave the quotes away)']],
    ['a fraction', { count: 1.5 }, ['/count: "count" must be a whole number, not a number']],
    ['no list', { tags: 'a' }, ['/tags: "tags" must be a list, not text (put it in brackets to make it a list)']],
    ['a double', { tags: ['a', 'a'] }, ['/tags/1: "tags" has the same item twice']],
    [
      'the branch that the tag names',
      { shape: { type: 'circle', sides: [1] } },
      ['/shape/sides: unknown key "sides"', '/shape: "radius" is missing (The radius.)'].map((line) =>
        line.replace('"sides"', '"sides" (known here: type, radius)'),
      ),
    ],
    [
      'an unknown tag',
      { shape: { type: 'circel' } },
      ['/shape/type: "type" must be one of "circle", "box", not "circel" (did you mean "circle"?)'],
    ],
    ['a condition', { flag: true }, [': "count" is missing']],
    ['what a condition forbids', { ratio: 1 }, [': "spec" cannot be this (A ratio needs the flag.)']],
    ['a duration', { age: '1 hour' }, ['/age: "age" must be a duration such as 90s, 1h30m or 30d, not "1 hour"']],
  ])('name %s', (_what, value, expected) => {
    expect(told(value)).toEqual(expected);
  });

  test('a secret is never quoted, whatever stands there', () => {
    fc.assert(
      fc.property(anything, fc.constantFrom('sealed', 'fromEnv', 'fromFile', 'value', 'generate'), (noise, key) => {
        for (const secret of ['canary', { [key]: 'canary\u0000' }, { [key]: ['canary'] }, { [key]: { a: 'canary' }, noise }]) {
          expect(JSON.stringify(explain(note, { secret }))).not.toContain('canary');
        }
      }),
      runs(50, 2000),
    );
  });
});
