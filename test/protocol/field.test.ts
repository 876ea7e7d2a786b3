import { expect, it } from 'vitest';
import { readFields } from '../../src/protocol/field.ts';

const fields = { names: { type: 'strings', description: '' }, statements: { type: 'texts', description: '' } } as const;

it('a list of strings may be one text with commas, a list of texts one text whose commas are its own', () => {
  const both = 'GRANT SELECT, INSERT ON t TO x';
  expect(readFields(fields, { names: both, statements: both })).toEqual({
    names: ['GRANT SELECT', 'INSERT ON t TO x'],
    statements: [both],
  });
  expect(readFields(fields, { names: ['a,b'], statements: [both, 'b'] })).toEqual({ names: ['a,b'], statements: [both, 'b'] });
  expect(readFields(fields, { names: '', statements: '' })).toEqual({ names: [], statements: [] });
  expect(() => readFields(fields, { statements: [1] })).toThrow('field "statements" must be a list of strings');
  expect(() => readFields(fields, { statements: { a: 'b' } })).toThrow('field "statements" must be a list of strings');
});
