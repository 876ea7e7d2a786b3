import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanLine } from '../../src/audit/canonical-scan.ts';
import { readLine, readPlace } from '../../src/audit/stored-line.ts';
import { entryOf, requestTo, smallLog, writtenLog } from './entries.ts';
import { runs } from './property.ts';

const lines = smallLog().lines.map((line) => line.subarray(0, -1));

describe('a stored line', () => {
  it('is read back with its place and members', () => {
    for (const [at, line] of lines.entries()) {
      expect(readLine(line)).toMatchObject({ seq: at + 1, value: JSON.parse(Buffer.from(line).toString()) as object });
    }
  });

  it('is recognised by the fast scan, so that the slow one is rarely needed', () => {
    for (const line of lines) expect(scanLine(line)).toEqual(readPlace(line));
    for (const line of lines) expect(scanLine(line)).not.toBeNull();
  });

  it('with escapes, letters beyond ASCII or fractions is read by the slow way', () => {
    const data = { é: 'x', 'quote"': 'x' };
    const [line] = writtenLog([entryOf({ request: requestTo('kv/tëam', { data }), error: 'a\nb', facts: { half: 0.5 } })]).lines;
    const bytes = (line as Uint8Array).subarray(0, -1);
    expect(scanLine(bytes)).toBeNull();
    expect(readPlace(bytes)).toMatchObject({ seq: 1 });
  });

  it('with any change of its bytes is never taken for canonical by the scan where the slow way refuses it', () => {
    const change = fc.record({
      at: fc.nat(),
      remove: fc.nat(3),
      insert: fc.oneof(fc.constantFrom(...Array.from('{}[]",:0123456789-.eE tfn\\\r')), fc.string({ maxLength: 3 })),
    });
    let recognised = 0;
    fc.assert(
      fc.property(fc.constantFrom(...lines), fc.array(change, { minLength: 1, maxLength: 3 }), (line, changes) => {
        let bytes = Buffer.from(line);
        for (const { at, remove, insert } of changes) {
          const from = at % bytes.byteLength;
          bytes = Buffer.concat([bytes.subarray(0, from), Buffer.from(insert), bytes.subarray(from + remove)]);
        }
        const scanned = scanLine(bytes);
        if (scanned === null) return;
        recognised++;
        expect(readLine(bytes)).toMatchObject(scanned);
      }),
      runs(5000, 200_000),
    );
    expect(recognised).toBeGreaterThan(50);
  });

  const text = Buffer.from(lines[1] as Uint8Array).toString();
  const altered: readonly [string, string, 'corrupt' | 'unparsable'][] = [
    ['a carriage return at its end', `${text}\r`, 'corrupt'],
    ['white space', text.replace(':', ': '), 'corrupt'],
    ['a duplicate member', text.replace('"boot"', '"auth":null,"boot"'), 'corrupt'],
    ['a duplicate member deep inside', text.replace('"mount_class":', '"mount_class":"secret","mount_class":'), 'corrupt'],
    ['members in another order', text.replace(/^\{("auth":.*),("boot":"[^"]*"),/, '{$2,$1,'), 'corrupt'],
    ['a number in another form', text.replace('"epoch":3', '"epoch":3.0'), 'corrupt'],
    ['an escape that is not needed', text.replace('"request"}', '"reques\\u0074"}'), 'corrupt'],
    ['a member less', text.replace('"epoch":3,', ''), 'unparsable'],
    ['a member more', text.replace('"epoch":3', '"epoch":3,"erfunden":1'), 'unparsable'],
    ['a member of another type', text.replace('"epoch":3', '"epoch":"3"'), 'unparsable'],
    ['sequence 0', text.replace(/"seq":\d+/, '"seq":0'), 'unparsable'],
    ['a hash in upper case', text.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${'AB'.repeat(32)}"`), 'unparsable'],
    ['no JSON', 'nonsense', 'unparsable'],
    ['another kind of JSON', '[1]', 'unparsable'],
    ['nothing', '', 'unparsable'],
  ];
  for (const [what, line, problem] of altered) {
    it(`with ${what} is ${problem}`, () => {
      expect(line).not.toBe(text);
      expect(readPlace(Buffer.from(line))).toMatchObject({ problem });
    });
  }

  it('that is not UTF-8 is unparsable', () => {
    expect(readPlace(new Uint8Array([0x7b, 0xff, 0x7d]))).toMatchObject({ problem: 'unparsable' });
  });
});
