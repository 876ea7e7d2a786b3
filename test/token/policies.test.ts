import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globMatches, policySet, resolvePolicies, type PolicyRequest, type PolicyRules } from '../../src/token/policies.ts';
import { runs } from './asking.ts';

const plain: PolicyRequest = { requested: [], noDefaultPolicy: false, parent: ['a', 'b', 'default'], sudo: false, role: null };
const open: PolicyRules = {
  allowedPolicies: [],
  disallowedPolicies: [],
  allowedPoliciesGlob: [],
  disallowedPoliciesGlob: [],
  noDefaultPolicy: false,
};
const ask = (request: Partial<PolicyRequest>): string[] => resolvePolicies({ ...plain, ...request });
const withRole = (role: Partial<PolicyRules>, request: Partial<PolicyRequest> = {}): string[] =>
  ask({ ...request, role: { ...open, ...role } });

describe('the policies of a new token', () => {
  it('are those of its parent where none are asked for', () => {
    expect(ask({})).toEqual(['a', 'b', 'default']);
    expect(ask({ noDefaultPolicy: true })).toEqual(['a', 'b']);
    expect(ask({ parent: ['a'] })).toEqual(['a']);
  });

  it('are a subset of its parent’s, with default where the parent has it', () => {
    expect(ask({ requested: ['b', 'b'] })).toEqual(['b', 'default']);
    expect(ask({ requested: ['b'], noDefaultPolicy: true })).toEqual(['b']);
    expect(ask({ requested: ['a'], parent: ['a'] })).toEqual(['a']);
    expect(() => ask({ requested: ['c'] })).toThrow('child policies must be subset of parent');
    expect(() => ask({ requested: ['default'], parent: ['a'] })).toThrow('child policies must be subset of parent');
  });

  it('are any with sudo, but never root', () => {
    expect(ask({ requested: ['c'], sudo: true })).toEqual(['c', 'default']);
    expect(() => ask({ requested: ['root'], sudo: true })).toThrow(
      'root tokens may not be created without parent token being root',
    );
    expect(ask({ requested: ['root', 'c'], sudo: true, parent: ['root'] })).toEqual(['root']);
    expect(ask({ sudo: true, parent: ['root'] })).toEqual(['root']);
  });

  it('are those that a role allows', () => {
    expect(withRole({ allowedPolicies: ['x', 'y'] })).toEqual(['default', 'x', 'y']);
    expect(withRole({ allowedPolicies: ['x', 'y'] }, { requested: ['y'] })).toEqual(['default', 'y']);
    expect(withRole({ allowedPolicies: ['x'], noDefaultPolicy: true })).toEqual(['x']);
    expect(withRole({ allowedPoliciesGlob: ['team-*'] }, { requested: ['team-a'] })).toEqual(['default', 'team-a']);
    expect(() => withRole({ allowedPolicies: ['x'] }, { requested: ['a'] })).toThrow(
      'token policies (["a" "default"]) must be subset of the role\'s allowed policies (["default" "x"]) or glob policies ([])',
    );
    // Sudo does not reach beyond a role.
    expect(() => withRole({ allowedPolicies: ['x'] }, { requested: ['a'], sudo: true })).toThrow('must be subset of the role');
  });

  it('are none that a role disallows', () => {
    expect(withRole({ disallowedPolicies: ['x'] })).toEqual(['a', 'b', 'default']);
    expect(() => withRole({ disallowedPolicies: ['a'] })).toThrow('token policy "a" is disallowed by this role');
    expect(() => withRole({ disallowedPoliciesGlob: ['*b*'] }, { requested: ['xby'] })).toThrow(
      'token policy "xby" is disallowed',
    );
    expect(withRole({ disallowedPolicies: ['default'] }, { parent: ['a'] })).toEqual(['a']);
    expect(() => withRole({ allowedPolicies: ['root'] }, { requested: ['root'] })).toThrow('without parent token being root');
  });

  it('are never what the store keeps for itself', () => {
    expect(() => ask({ requested: ['response-wrapping'], sudo: true })).toThrow('cannot assign policy "response-wrapping"');
    expect(() => withRole({ allowedPolicies: ['response-wrapping'] })).toThrow('cannot assign policy');
  });

  it.each(['../x', 'a/../root', ' root', 'root ', 'Root', 'ROOT', 'Default', 'Response-Wrapping', 'a b', 'ä', '*', 'a\u0000'])(
    'have no name like %j',
    (name) => {
      expect(() => policySet([name], false)).toThrow('invalid policy name');
      expect(() => ask({ requested: [name], sudo: true, parent: ['root'] })).toThrow('invalid policy name');
    },
  );

  it('are those of the request where it names none but empty ones, not those of the parent', () => {
    expect(ask({ requested: [''], sudo: true, parent: ['root'] })).toEqual(['default']);
    expect(ask({ requested: ['', 'a'], sudo: true, parent: ['root'] })).toEqual(['a', 'default']);
  });
});

describe('a glob of policies', () => {
  it('matches what the same regular expression matches', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(text, name, (glob, candidate) => {
        expect(globMatches(glob, candidate)).toBe(new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(candidate));
      }),
      runs(2000, 100_000),
    );
  });
});
