import { describe, expect, it } from 'vitest';
import { instantText, parseInstant } from '../../src/base/instant.ts';

describe('a moment in text', () => {
  it.each([
    ['2027-01-31', '2027-01-31T00:00:00Z'],
    ['2027-01-31T12:30:00Z', '2027-01-31T12:30:00Z'],
    ['2027-01-31t12:30:00.250z', '2027-01-31T12:30:00.250Z'],
    ['2027-01-31T12:30:00+02:00', '2027-01-31T10:30:00Z'],
    ['2028-02-29', '2028-02-29T00:00:00Z'],
  ])('%s is %s', (text, canonical) => {
    expect(instantText(parseInstant(text) ?? NaN)).toBe(canonical);
  });

  it.each([
    '',
    '2027',
    '2027-1-31',
    '2027-02-29',
    '2027-13-01',
    '2027-01-00',
    '2027-01-31T24:00:00Z',
    '2027-01-31T12:30:00',
    '2027-01-31 12:30:00Z',
    'tomorrow',
  ])('%j is none', (text) => {
    expect(parseInstant(text)).toBeNull();
  });
});
