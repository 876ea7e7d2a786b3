import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/base/nearest.ts';

const commands = [
  'status',
  'login',
  'read',
  'write',
  'plan',
  'operator init',
  'operator seal',
  'operator unseal',
  'kv get',
  'kv put',
];

describe('a name', () => {
  it.each([
    ['statsu', 'status'],
    ['plna', 'plan'],
    ['raed', 'read'],
    ['LOGIN', 'login'],
    ['operater init', 'operator init'],
    ['operator inti', 'operator init'],
    ['operator sela', 'operator seal'],
    ['kv gte', 'kv get'],
    ['kv ge', 'kv get'],
  ])('that slipped means the one beside it: %s', (name, near) => {
    expect(nearest(name, commands)).toBe(near);
  });

  it.each(['operator foo', 'operator join', 'kv set', 'kv x', 'x', 'rd', 'format', 'wait', 'init operator'])(
    'that is another word means nothing: %s',
    (name) => {
      expect(nearest(name, name === 'kv set' ? ['kv put', 'kv list'] : commands)).toBeNull();
    },
  );

  it('is compared by what differs, not by the words around it', () => {
    const addresses = ['StaticSecret/kv/payments/stripe', 'StaticSecret/kv/payments/foo', 'StaticSecret/kv/payment/bar'];
    expect(nearest('StaticSecret/kv/payments/bar', ['StaticSecret/kv/payments/foo'])).toBeNull();
    expect(nearest('StaticSecret/kv/payments/strpie', addresses)).toBe('StaticSecret/kv/payments/stripe');
    expect(nearest('StaticSecret/kv/payments/bar', addresses)).toBe('StaticSecret/kv/payment/bar');
    expect(nearest('x'.repeat(60) + 'aaaa', ['x'.repeat(60) + 'bbbb'])).toBeNull();
  });

  it('of one letter is near to no other', () => {
    expect(nearest('a', ['b', 'c', 'ab'])).toBeNull();
  });
});
