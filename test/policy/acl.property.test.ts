import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Acl, AclQuestion } from '../../src/core/caller.ts';
import { compileAcl } from '../../src/policy/acl.ts';
import type { Policy } from '../../src/policy/rule.ts';
import { decide, type Verdict } from './acl-reference.ts';
import { arbitraryPath, arbitraryRules, arbitraryValue, parameterName, relatedRules } from './arbitrary.ts';
import { runs } from './property.ts';

const policies: fc.Arbitrary<readonly Policy[]> = fc
  .array(arbitraryRules, { minLength: 1, maxLength: 4 })
  .map((sets) => sets.map((rules, index) => ({ name: `policy-${index}`, rules })));

const question: fc.Arbitrary<AclQuestion> = fc.record({
  verb: fc.constantFrom('create', 'read', 'update', 'delete', 'list', 'patch'),
  path: arbitraryPath,
  data: fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    {
      weight: 3,
      arbitrary: fc
        .array(fc.tuple(fc.oneof(parameterName, fc.constantFrom('A', 'B')), arbitraryValue), { maxLength: 3 })
        .map((entries) => Object.fromEntries(entries)),
    },
  ),
  wrapTtl: fc.option(fc.integer({ min: 1, max: 200 })),
  sudo: fc.boolean(),
});

function answerOf(acl: Acl, asked: AclQuestion): Verdict {
  const { allowed, granting } = acl.allows(asked);
  return { allowed, granting: granting.map(({ name }) => name), capabilities: acl.capabilities(asked.path) };
}

/** Policies and questions about one path, its folder, and paths beside it. */
const related = arbitraryPath.chain((path) => {
  const asked = fc.tuple(question, fc.boolean()).map(([other, beside]) => (beside ? other : { ...other, path }));
  return fc.tuple(
    fc
      .array(relatedRules(path), { minLength: 1, maxLength: 3 })
      .map((sets) => sets.map((rules, index) => ({ name: `policy-${index}`, rules }))),
    fc.array(asked, { minLength: 5, maxLength: 10 }),
  );
});

describe('the compiled policies', () => {
  it('decide every question as the slow reading of the rules does', () => {
    fc.assert(
      fc.property(policies, fc.array(question, { minLength: 10, maxLength: 30 }), (set, questions) => {
        const acl = compileAcl(set);
        for (const asked of questions) expect(answerOf(acl, asked)).toEqual(decide(set, asked));
      }),
      runs(400, 20_000),
    );
  }, 300_000);

  it('decide by the right one of many patterns that match', () => {
    fc.assert(
      fc.property(related, ([set, questions]) => {
        const acl = compileAcl(set);
        for (const asked of questions) expect(answerOf(acl, asked)).toEqual(decide(set, asked));
      }),
      runs(1_500, 50_000),
    );
  }, 300_000);

  it('give the same answers whatever the order of policies and of rules', () => {
    fc.assert(
      fc.property(policies, fc.array(question, { minLength: 5, maxLength: 10 }), (set, questions) => {
        const acl = compileAcl(set);
        const reversed = compileAcl([...set].reverse().map(({ name, rules }) => ({ name, rules: [...rules].reverse() })));
        for (const asked of questions) {
          expect(reversed.allows(asked).allowed).toBe(acl.allows(asked).allowed);
          expect(reversed.capabilities(asked.path)).toEqual(acl.capabilities(asked.path));
        }
      }),
      runs(200, 10_000),
    );
  }, 300_000);

  it('reach every mount in which they allow something', () => {
    fc.assert(
      fc.property(policies, arbitraryPath, (set, path) => {
        const acl = compileAcl(set);
        fc.pre(acl.capabilities(path)[0] !== 'deny' && path.includes('/'));
        expect(acl.reaches(`${path.split('/')[0] ?? ''}/`)).toBe(true);
      }),
      runs(200, 5_000),
    );
  });

  it('never say more for a policy that denies everything', () => {
    fc.assert(
      fc.property(policies, arbitraryPath, (set, path) => {
        const denying = set.map(({ name, rules }) => ({
          name,
          rules: rules.map((rule) => ({ path: rule.path, capabilities: ['deny' as const] })),
        }));
        const acl = compileAcl([...set, ...denying]);
        expect(acl.capabilities(path)).toEqual(['deny']);
      }),
      runs(200, 5_000),
    );
  }, 300_000);
});
