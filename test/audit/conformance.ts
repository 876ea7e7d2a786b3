import { describe, expect, it } from 'vitest';
import type { AuditSink, SinkHistory } from '../../src/audit/sink.ts';
import { entryOf, numbered, requestTo, smallLog, writtenLog } from './entries.ts';

/** One place that sinks of a type can write to, made anew for each test. */
export interface SinkPlace {
  /** A sink for this place; each call is a new process. */
  sink(): AuditSink;
  /** What is there now. */
  content(): Promise<Uint8Array>;
  /** Puts bytes there behind the sink's back. */
  plant(bytes: Uint8Array): Promise<void>;
  /** Moves what is there away, as log rotation does. */
  rotate(): Promise<void>;
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const chunk of chunks) copies.push(Buffer.from(chunk));
  return Buffer.concat(copies);
}

/** What every audit sink must do. `makePlace` gives a place that is empty. */
export function sinkConformance(type: string, makePlace: () => Promise<SinkPlace>): void {
  describe(`the ${type} sink`, () => {
    const log = smallLog();
    const withSink = async (work: (sink: AuditSink, place: SinkPlace) => Promise<void>, content?: Uint8Array): Promise<void> => {
      const place = await makePlace();
      if (content !== undefined) await place.plant(content);
      const sink = place.sink();
      try {
        await work(sink, place);
      } finally {
        await sink.close();
      }
    };

    it('says its name, its type and which options it accepts', () =>
      withSink(async (sink) => {
        expect(sink.type).toBe(type);
        expect(sink.name).toMatch(/^[a-z0-9-]+$/);
        for (const [option, value] of Object.entries(sink.options)) expect(sink.accepts[option]).toBe(value);
        expect(await sink.check()).toBeNull();
      }));

    it('opens an empty place and appends batches in order', () =>
      withSink(async (sink, place) => {
        expect(await sink.open()).toEqual({ head: null, torn: 0 });
        await sink.append(Buffer.concat(log.lines.slice(0, 4)));
        await sink.append(Buffer.concat(log.lines.slice(4)));
        expect(Buffer.from(await place.content()).equals(log.bytes)).toBe(true);
      }));

    it('does not keep hold of the bytes that it was lent', () =>
      withSink(async (sink, place) => {
        await sink.open();
        const lent = Buffer.from(log.bytes);
        await sink.append(lent);
        lent.fill(0x78);
        expect(Buffer.from(await place.content()).equals(log.bytes)).toBe(true);
      }));

    it('finds its end when it is opened again, also twice', () =>
      withSink(async (sink) => {
        expect(await sink.open()).toEqual({ head: log.head, torn: 0 });
        expect(await sink.open()).toEqual({ head: log.head, torn: 0 });
        await sink.close();
        await sink.close();
      }, log.bytes));

    it('says how long a torn last line is, of every length, and removes it with the first append', async () => {
      const last = log.lines[5] as Uint8Array;
      const whole = log.bytes.byteLength - last.byteLength;
      for (let length = 1; length < last.byteLength; length += 37) {
        await withSink(
          async (sink, place) => {
            expect(await sink.open()).toEqual({ head: log.heads[5], torn: length });
            expect(await place.content()).toHaveLength(whole + length);
            await sink.append(last);
            expect(Buffer.from(await place.content()).equals(log.bytes)).toBe(true);
          },
          log.bytes.subarray(0, whole + length),
        );
      }
      await withSink(
        async (sink) => {
          expect(await sink.open()).toEqual({ head: null, torn: 20 });
        },
        log.bytes.subarray(0, 20),
      );
    });

    it('refuses what is not the end of an audit log, and changes nothing of it', async () => {
      const altered = Buffer.from(log.bytes);
      altered[altered.byteLength - (log.lines[5] as Uint8Array).byteLength - 100] = 0x21;
      const swapped = Buffer.concat([log.lines[0], log.lines[2], log.lines[1]] as Uint8Array[]);
      const contents = [
        Buffer.from('root:x:0:0::/root:/bin/sh\n'),
        Buffer.from('no newline'),
        Buffer.alloc(100),
        altered,
        swapped,
      ];
      for (const content of [...contents, Buffer.concat([log.bytes, Buffer.from('{}\n')]), Buffer.alloc(5 * 1024 * 1024, 0x7b)]) {
        await withSink(async (sink, place) => {
          await expect(sink.open()).rejects.toMatchObject({ code: 'audit-corrupt' });
          expect(Buffer.from(await place.content()).equals(content)).toBe(true);
          await expect(sink.append(log.bytes)).rejects.toThrow();
        }, content);
      }
    });

    it('starts anew without deleting what was there', () =>
      withSink(async (sink, place) => {
        const aside = await sink.startAnew();
        expect(aside).toEqual(expect.any(String));
        expect(Buffer.from(await place.content()).toString()).toBe('');
        await sink.append(log.lines[0] as Uint8Array);
        expect(await sink.startAnew()).not.toBe(aside);
        expect(await sink.startAnew()).toBeNull();
      }, Buffer.from('not an audit log')));

    it('goes on at a new place after a rotation, and at the old one where nothing was rotated', () =>
      withSink(async (sink, place) => {
        await sink.open();
        expect(await sink.reopen()).toEqual({ head: log.head, torn: 0 });
        await place.rotate();
        expect(await sink.reopen()).toEqual({ head: null, torn: 0 });
        const next = writtenLog([numbered(7)], log.head);
        await sink.append(next.bytes);
        expect(Buffer.from(await place.content()).equals(next.bytes)).toBe(true);
      }, log.bytes));

    it('goes on as before where what is at the new place is no log', () =>
      withSink(async (sink, place) => {
        await sink.open();
        await place.rotate();
        await place.plant(Buffer.from('not an audit log'));
        await expect(sink.reopen()).rejects.toMatchObject({ code: 'audit-corrupt' });
        await sink.append(writtenLog([numbered(7)], log.head).bytes);
        expect(Buffer.from(await place.content()).toString()).toBe('not an audit log');
      }, log.bytes));

    describe('read back', () => {
      const entries = Array.from({ length: 500 }, (_, at) =>
        entryOf({ request: requestTo(`kv/team/data/${at}`), facts: { text: 'x'.repeat(at * 5) } }),
      );
      const large = writtenLog(entries);

      it('gives its lines from the last to the first', () =>
        withSink(async (sink) => {
          await sink.open();
          const lines: Buffer[] = [];
          for await (const line of sink.history?.backwards() ?? []) lines.push(Buffer.from(line));
          expect(lines.reverse().map(String)).toEqual(large.lines.map((line) => Buffer.from(line).toString().trimEnd()));
        }, large.bytes));

      it('locates every head, and gives the bytes after it', () =>
        withSink(async (sink) => {
          await sink.open();
          for (const seq of [0, 1, 2, 250, 499, 500]) {
            const located = await sink.history?.locate(seq);
            expect(located?.head).toEqual(large.heads[seq]);
            const rest = await bytesOf((sink.history as SinkHistory).bytesFrom(located?.offset ?? -1));
            expect(rest.equals(Buffer.concat(large.lines.slice(seq)))).toBe(true);
          }
          expect(await sink.history?.locate(501)).toBeNull();
        }, large.bytes));

      it('knows no head from before its first line but the one right before', () =>
        withSink(
          async (sink) => {
            await sink.open();
            expect(await sink.history?.locate(3)).toEqual({ head: log.heads[3], offset: 0 });
            expect(await sink.history?.locate(2)).toBeNull();
          },
          Buffer.concat(log.lines.slice(3)),
        ));

      it('notices an altered line on the way to a head', () => {
        const altered = Buffer.from(log.bytes);
        altered[(log.lines[0] as Uint8Array).byteLength + 200] = 0x21;
        return withSink(async (sink) => {
          await sink.open();
          await expect(sink.history?.locate(0)).rejects.toMatchObject({ code: 'audit-corrupt' });
          expect((await sink.history?.locate(4))?.head).toEqual(log.heads[4]);
        }, altered);
      });
    });
  });
}
