import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, octetCounted, syslogMessages, type SyslogOrigin } from '../../src/audit/syslog-message.ts';
import { entryOf, smallLog, writtenLog } from './entries.ts';
import { runs } from './property.ts';
import { linesOf, octetCountedMessages, readSyslog } from './receivers.ts';

const origin: SyslogOrigin = { facility: 4, hostname: 'vault-1', appName: 'secretctl', process: '4711' };
const log = smallLog();

describe('a syslog message', () => {
  it('carries a line byte for byte, with the time of the line', () => {
    const messages = syslogMessages(log.bytes, origin, 8000);
    expect(messages).toHaveLength(6);
    expect(readSyslog(messages[0] as Buffer)).toEqual({
      pri: 4 * 8 + 6,
      timestamp: '2026-11-24T12:00:00.000000Z',
      hostname: 'vault-1',
      appName: 'secretctl',
      procId: '4711',
      msgId: 'audit',
      data: '-',
      text: Buffer.from(log.lines[0] as Uint8Array).subarray(0, -1),
    });
    expect(linesOf(messages).equals(log.bytes)).toBe(true);
  });

  it('is never longer than allowed: a line that is stands in numbered parts, which joined are the line', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 3000 });
    fc.assert(
      fc.property(text, fc.integer({ min: 480, max: 3000 }), (displayName, most) => {
        const auth = { ...(entryOf().auth as NonNullable<ReturnType<typeof entryOf>['auth']>), displayName };
        const { bytes } = writtenLog([entryOf(), entryOf({ auth }), entryOf()]);
        const messages = syslogMessages(bytes, origin, most);
        for (const message of messages) expect(message.byteLength).toBeLessThanOrEqual(most);
        for (const message of messages) expect(Buffer.from(message.toString('utf8')).equals(message)).toBe(true);
        expect(linesOf(messages).equals(bytes)).toBe(true);
      }),
      runs(100, 3000),
    );
  });

  it('names the line and the number of the part', () => {
    const [first, second] = syslogMessages(log.lines[1] as Uint8Array, origin, 480).map(readSyslog);
    expect(first?.data).toMatch(/^\[part@32473 line="2" n="1" of="\d"\]$/);
    expect(second?.data).toMatch(/^\[part@32473 line="2" n="2" of="\d"\]$/);
  });

  it('framed by octet counting is read back whatever it holds', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 8 }), (messages) => {
        const stream = Buffer.concat(messages.map((message) => octetCounted(Buffer.from(message))));
        expect(octetCountedMessages(stream)).toEqual(messages.map((message) => Buffer.from(message)));
      }),
      runs(200, 3000),
    );
  });

  it('is cut between characters only, into pieces that joined are the whole', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.integer({ min: 4, max: 40 }), (text, most) => {
        const bytes = Buffer.from(text.toWellFormed());
        const pieces = cut(bytes, most);
        for (const piece of pieces) {
          expect(piece.byteLength).toBeLessThanOrEqual(most);
          expect(Buffer.from(Buffer.from(piece).toString('utf8')).equals(Buffer.from(piece))).toBe(true);
        }
        expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
      }),
      runs(200, 3000),
    );
  });
});
