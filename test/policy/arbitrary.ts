import fc from 'fast-check';
import type { Json } from '../../src/base/json.ts';
import { patternProblem } from '../../src/policy/pattern.ts';
import { inPrintOrder, type Parameters, type PolicyRule, ruleCapabilities } from '../../src/policy/rule.ts';

const segment = fc.constantFrom('a', 'b', 'ab', 'ba', 'abc', '+', '+a', 'a+', 'é', '🔑', '\uffee');
const ending = fc.constantFrom('', '', '', '*', '/*', '/', 'a*', '/b*');

/** Few segments, so that patterns and paths meet; wildcards of every form. */
const arbitraryPattern: fc.Arbitrary<string> = fc
  .tuple(fc.array(segment, { minLength: 0, maxLength: 5 }), ending)
  .map(([segments, end]) => segments.join('/') + end)
  .filter((path) => patternProblem(path) === null);

/** A path as requests have it. */
export const arbitraryPath: fc.Arbitrary<string> = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 6 }), fc.boolean())
  .map(([segments, slash]) => segments.join('/') + (slash ? '/' : ''));

export const arbitraryValue: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom('x', 'xy', 'zx', '*', 'x*', '*x', '*x*', '**', '', 'a "quoted" ${value}\n', 'é🔑'),
  fc.integer({ min: -2, max: 3 }),
  fc.constantFrom(1.5, 1e-7, -0.25),
  fc.boolean(),
  fc.constantFrom<Json>([1, 'x'], { a: 1, b: ['x'] }, {}, []),
);

export const parameterName = fc.constantFrom('a', 'b', 'c', '*', '__proto__', 'ünïcode', 'with "quotes"');

const parameters: fc.Arbitrary<Parameters> = fc
  .uniqueArray(fc.tuple(parameterName, fc.array(arbitraryValue, { maxLength: 3 })), {
    minLength: 1,
    maxLength: 4,
    selector: ([name]) => name,
  })
  .map((entries) => Object.fromEntries(entries));

const capabilities = fc
  .oneof(
    { weight: 1, arbitrary: fc.constant(['deny']) },
    { weight: 6, arbitrary: fc.subarray(ruleCapabilities.filter((word) => word !== 'deny')) },
  )
  .map(inPrintOrder);

const sometimes = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** Rules in the form that the parser gives. */
const arbitraryRule: fc.Arbitrary<PolicyRule> = fc
  .record({
    path: arbitraryPattern,
    capabilities,
    allowedParameters: sometimes(parameters),
    deniedParameters: sometimes(parameters),
    requiredParameters: sometimes(fc.uniqueArray(parameterName, { minLength: 1, maxLength: 2 })),
    minWrappingTtl: sometimes(fc.integer({ min: 1, max: 60 })),
    maxWrappingTtl: sometimes(fc.integer({ min: 60, max: 100_000 })),
  })
  .map((rule) => {
    if (rule.capabilities.includes('deny')) return { path: rule.path, capabilities: ['deny'] };
    return Object.fromEntries(Object.entries(rule).filter(([, part]) => part !== undefined)) as unknown as PolicyRule;
  });

/** Rules over patterns that all match one path (mostly), so that priorities and merging decide. */
export const relatedRules = (path: string): fc.Arbitrary<readonly PolicyRule[]> =>
  fc.array(
    fc.tuple(arbitraryRule, patternOf(path)).map(([rule, pattern]) => ({ ...rule, path: pattern })),
    { minLength: 1, maxLength: 8 },
  );

/** The path with some segments as `+`, cut off anywhere with a `*`, or not. */
function patternOf(path: string): fc.Arbitrary<string> {
  const segments = path.split('/');
  return fc
    .tuple(
      fc.array(fc.boolean(), { minLength: segments.length, maxLength: segments.length }),
      fc.option(fc.nat(path.length), { freq: 1 }),
    )
    .map(([plus, cut]) => {
      const pattern = segments.map((segment, index) => (plus[index] === true && segment !== '' ? '+' : segment)).join('/');
      return cut === null || cut >= pattern.length ? pattern : `${pattern.slice(0, cut)}*`;
    })
    .filter((pattern) => patternProblem(pattern) === null);
}

export const arbitraryRules: fc.Arbitrary<readonly PolicyRule[]> = fc.array(arbitraryRule, { maxLength: 12 });
