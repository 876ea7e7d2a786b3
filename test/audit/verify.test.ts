import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyExitCodes, verifyLog, verifyLogFile, type VerifyExpectation, type VerifyResult } from '../../src/audit/verify.ts';
import { entryOf, numbered, requestTo, smallLog, storeId, writtenLog } from './entries.ts';
import { runs } from './property.ts';

const log = smallLog();
const whole: VerifyExpectation = { storeId, anchor: log.head };

function verify(
  bytes: Uint8Array | readonly Uint8Array[],
  expected: VerifyExpectation = whole,
  chunk = 1000,
): Promise<VerifyResult> {
  const all = bytes instanceof Uint8Array ? bytes : Buffer.concat(bytes);
  return verifyLog(inChunks(all, chunk), expected);
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

const line = (number: number): Uint8Array => log.lines[number - 1] as Uint8Array;

describe('verification', () => {
  it('finds a whole log whole, however its bytes arrive', async () => {
    for (const chunk of [1, 7, 64, 1000, 1_000_000]) {
      expect(await verify(log.bytes, whole, chunk)).toEqual({
        outcome: 'ok',
        line: null,
        message: '6 lines (1 to 6) are whole and in order',
        notes: [],
        first: 1,
        head: log.head,
      });
    }
  });

  it('finds no flipped bit of any byte whole', async () => {
    const byOutcome: Record<string, number> = {};
    for (let at = 0; at < log.bytes.byteLength; at++) {
      for (const mask of process.env['SECRETCTL_FULL'] === '1' ? [1, 2, 4, 8, 16, 32, 64, 128, 255] : [1, 0x20, 0x80]) {
        const altered = Buffer.from(log.bytes);
        altered[at] = (altered[at] as number) ^ mask;
        const { outcome } = await verify(altered, whole, 4096);
        byOutcome[outcome] = (byOutcome[outcome] ?? 0) + 1;
        if (outcome === 'ok') expect.fail(`byte ${at} with mask ${mask} was not detected`);
      }
    }
    expect(byOutcome['corrupt']).toBeGreaterThan(1000);
    expect(byOutcome['unparsable']).toBeGreaterThan(1000);
  });

  it('finds no log whole that was cut at any byte', async () => {
    for (let length = 0; length < log.bytes.byteLength; length++) {
      expect(await verify(log.bytes.subarray(0, length), whole, 4096)).toMatchObject({ outcome: 'truncated' });
    }
  });

  it('calls a torn last line corrupt where no anchor says that it was acknowledged', async () => {
    for (let length = line(1).byteLength + 1; length < line(1).byteLength + line(2).byteLength; length++) {
      const result = await verify(log.bytes.subarray(0, length), { storeId, anchor: log.heads[1] as never }, 4096);
      expect(result).toMatchObject({ outcome: 'corrupt', line: 2 });
    }
  });

  it('finds deleted, repeated, swapped and foreign lines, and says where', async () => {
    const foreign = writtenLog([numbered(1), numbered(2), numbered(3)]).lines;
    const reordered = [1, 2, 4, 3, 5, 6].map(line);
    expect(await verify([1, 2, 4, 5, 6].map(line))).toMatchObject({
      outcome: 'corrupt',
      line: 3,
      message: expect.stringContaining('a line was removed') as string,
    });
    expect(await verify([1, 2, 3, 3, 4, 5, 6].map(line))).toMatchObject({
      outcome: 'corrupt',
      line: 4,
      message: expect.stringContaining('repeated') as string,
    });
    expect(await verify(reordered)).toMatchObject({ outcome: 'corrupt', line: 3 });
    expect(await verify([line(1), line(2), foreign[2] as Uint8Array, line(4), line(5), line(6)])).toMatchObject({
      outcome: 'corrupt',
      line: 3,
    });
    expect(await verify([...log.lines, line(6)])).toMatchObject({ outcome: 'corrupt', line: 7 });
  });

  it('finds any reordering, removal or repetition of whole lines, but for a beginning that is missing', async () => {
    const order = fc
      .array(fc.integer({ min: 1, max: 6 }), { maxLength: 8 })
      .filter((lines) => !'1,2,3,4,5,6'.endsWith(lines.join() || ','));
    await fc.assert(
      fc.asyncProperty(order, async (lines) => {
        expect((await verify(lines.map(line))).outcome).not.toBe('ok');
      }),
      runs(300, 20_000),
    );
  });

  it('finds line ends of another system and lines that were written anew', async () => {
    const crlf = Buffer.from(log.bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
    expect(await verify(crlf)).toMatchObject({ outcome: 'corrupt', line: 1 });
    const blank = Buffer.concat([line(1), Buffer.from('\n'), ...log.lines.slice(1)]);
    expect(await verify(blank)).toMatchObject({ outcome: 'unparsable', line: 2 });
  });

  it('calls another history that is whole in itself a fork', async () => {
    const other = writtenLog([numbered(1), numbered(2), numbered(3), numbered(4), numbered(5), numbered(6), numbered(7)]);
    expect(await verify(other.bytes)).toMatchObject({ outcome: 'fork', line: 6 });
  });

  it('calls a log that ends before the anchor truncated', async () => {
    expect(await verify(log.lines.slice(0, 5))).toMatchObject({
      outcome: 'truncated',
      message: expect.stringContaining('ends at line 5') as string,
    });
    expect(await verify(new Uint8Array(0))).toMatchObject({ outcome: 'truncated' });
  });

  it('refuses the log of another store', async () => {
    expect(await verify(log.bytes, { storeId: 'another', anchor: null })).toMatchObject({ outcome: 'corrupt', line: 1 });
  });

  it('verifies a log that begins later from its first line, and says so', async () => {
    expect(await verify(log.lines.slice(3))).toMatchObject({
      outcome: 'ok',
      first: 4,
      notes: [expect.stringContaining('begins with line 4') as string],
    });
    expect(await verify(log.lines.slice(3), { storeId, anchor: log.heads[3] as never })).toMatchObject({
      outcome: 'ok',
      first: 4,
    });
    expect(await verify(log.lines.slice(3), { storeId, anchor: log.heads[2] as never })).toMatchObject({
      outcome: 'truncated',
      line: 1,
    });
    const elsewhere = { seq: 3, hash: (log.heads[2] as { hash: string }).hash };
    expect(await verify(log.lines.slice(3), { storeId, anchor: elsewhere })).toMatchObject({ outcome: 'fork' });
  });

  it('says what it does not prove', async () => {
    expect((await verify(log.bytes, { storeId: null, anchor: null })).notes).toHaveLength(2);
    expect((await verify(log.bytes, { storeId, anchor: log.heads[4] as never })).notes).toEqual([
      expect.stringContaining('remembers line 4'),
    ]);
    expect(await verify(new Uint8Array(0), { storeId, anchor: null })).toMatchObject({
      outcome: 'ok',
      message: 'the log is empty',
      head: null,
    });
  });

  it('gives up on a line that no log has, in bounded memory', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(1024 * 1024).fill(0x20);
    }
    expect(await verifyLog(endless(), whole)).toMatchObject({ outcome: 'unparsable', line: 1 });
  });

  it('reads files, and never takes one that cannot be read for a whole log', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'secretctl-verify-'));
    const many = writtenLog(Array.from({ length: 4000 }, (_, at) => entryOf({ request: requestTo(`kv/team/data/${at}`) })));
    writeFileSync(join(folder, 'audit.log'), many.bytes);
    expect(many.bytes.byteLength).toBeGreaterThan(2 * 1024 * 1024);
    expect(await verifyLogFile(join(folder, 'audit.log'), { storeId, anchor: many.head })).toMatchObject({
      outcome: 'ok',
      head: many.head,
    });
    await expect(verifyLogFile(join(folder, 'none.log'), whole)).rejects.toMatchObject({ code: 'file' });
    await expect(verifyLogFile(folder, whole)).rejects.toMatchObject({ code: 'file' });
  });

  it('has an exit status of its own for each class', () => {
    expect(verifyExitCodes).toEqual({ ok: 0, corrupt: 2, fork: 3, truncated: 4, unparsable: 6 });
  });
});
