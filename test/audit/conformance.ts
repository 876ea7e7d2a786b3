import { describe, expect, it } from 'vitest';
import type { AuditSink, SinkHistory } from '../../src/audit/sink.ts';
import { caller, entryOf, numbered, requestTo, smallLog, writtenLog } from './entries.ts';

/** One place that sinks of a type can write to, made anew for each test. */
interface SinkPlace {
  /** A sink for this place; each call is a new process. */
  sink(): AuditSink;
  /** The lines that are there; of a receiver: once there are so many. */
  content(lines?: number): Promise<Uint8Array>;
}

/** A place whose content a sink can read back. */
export interface ReadablePlace extends SinkPlace {
  /** Puts bytes there behind the sink's back. */
  plant(bytes: Uint8Array): Promise<void>;
  /** Moves what is there away, as log rotation does. */
  rotate(): Promise<void>;
}

/** A receiver elsewhere. */
export interface ReceiverPlace extends SinkPlace {
  /** The receiver goes away, and no sender can reach it. */
  stop(): Promise<void>;
  restart(): Promise<void>;
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const chunk of chunks) copies.push(Buffer.from(chunk));
  return Buffer.concat(copies);
}

type WithSink<Place extends SinkPlace> = (
  work: (sink: AuditSink, place: Place) => Promise<void>,
  prepare?: (place: Place) => Promise<void>,
) => Promise<void>;

function sinksAt<Place extends SinkPlace>(makePlace: () => Promise<Place>): WithSink<Place> {
  return async (work, prepare) => {
    const place = await makePlace();
    await prepare?.(place);
    const sink = place.sink();
    try {
      await work(sink, place);
    } finally {
      await sink.close();
    }
  };
}

const log = smallLog();

/** What every audit sink must do. */
function anySink(type: string, withSink: WithSink<SinkPlace>): void {
  it('says its name, its type and which options it accepts', () =>
    withSink(async (sink) => {
      expect(sink.type).toBe(type);
      expect(sink.name).toMatch(/^[a-z0-9-]+$/);
      expect(sink.timeout).toBeGreaterThan(0);
      for (const [option, value] of Object.entries(sink.options)) expect(sink.accepts[option]).toBe(value);
      expect(await sink.check()).toBeNull();
    }));

  it('opens an empty place and appends batches in order', () =>
    withSink(async (sink, place) => {
      expect(await sink.open()).toEqual({ head: null, torn: 0 });
      await sink.append(Buffer.concat(log.lines.slice(0, 4)));
      await sink.append(Buffer.concat(log.lines.slice(4)));
      expect(Buffer.from(await place.content(6)).equals(log.bytes)).toBe(true);
    }));

  it('does not keep hold of the bytes that it was lent', () =>
    withSink(async (sink, place) => {
      await sink.open();
      const lent = Buffer.from(log.bytes);
      await sink.append(lent);
      lent.fill(0x78);
      expect(Buffer.from(await place.content(6)).equals(log.bytes)).toBe(true);
    }));

  it('carries the longest line, and text of any alphabet', () =>
    withSink(async (sink, place) => {
      const auth = { ...caller, displayName: 'é€\u{10000}'.repeat(500), entityId: 'ж'.repeat(1001) };
      const long = entryOf({
        auth,
        request: requestTo('kv/team/data/app', { data: { many: Array.from({ length: 3000 }, (_, at) => at) } }),
      });
      const large = writtenLog([numbered(1), long, numbered(3), entryOf({ auth, error: '€'.repeat(4000) }), numbered(5)]);
      expect(Math.max(...large.lines.map(({ byteLength }) => byteLength))).toBeGreaterThan(100_000);
      await sink.open();
      await sink.append(large.bytes);
      expect(Buffer.from(await place.content(5)).equals(large.bytes)).toBe(true);
    }));

  it('takes nothing before it is opened and after it is closed, and says that nothing was written', () =>
    withSink(async (sink) => {
      await expect(sink.append(log.bytes)).rejects.toMatchObject({ outcome: 'unwritten' });
      await sink.open();
      await sink.close();
      await sink.close();
      await expect(sink.append(log.bytes)).rejects.toMatchObject({ outcome: 'unwritten' });
    }));

  it('may be told to give up where nothing is under way', () =>
    withSink(async (sink, place) => {
      sink.abandon();
      await sink.open();
      await sink.append(log.lines[0] as Uint8Array);
      expect(Buffer.from(await place.content(1)).equals(log.lines[0] as Uint8Array)).toBe(true);
    }));
}

/** What a sink must do whose receiver is elsewhere. `makePlace` gives a receiver that got nothing yet. */
export function receiverConformance(type: string, transport: string, makePlace: () => Promise<ReceiverPlace>): void {
  describe(`the ${type} sink over ${transport}`, () => {
    const withSink = sinksAt(makePlace);
    anySink(type, withSink);

    it('cannot be read back', () =>
      withSink(async (sink) => {
        expect(sink.history).toBeNull();
        await sink.open();
        await sink.append(log.bytes);
        expect(await sink.open()).toEqual({ head: null, torn: 0 });
      }));

    it('goes on after it was opened anew, and starts anew without anything to put aside', () =>
      withSink(async (sink, place) => {
        await sink.open();
        await sink.append(log.lines[0] as Uint8Array);
        await place.content(1);
        expect(await sink.reopen()).toEqual({ head: null, torn: 0 });
        await sink.append(log.lines[1] as Uint8Array);
        await place.content(2);
        expect(await sink.startAnew()).toBeNull();
        await sink.append(Buffer.concat(log.lines.slice(2)));
        expect(Buffer.from(await place.content(6)).equals(log.bytes)).toBe(true);
      }));

    it('notices sooner or later that the receiver is gone, takes nothing until it is opened, and goes on when it is back', () =>
      withSink(async (sink, place) => {
        await sink.open();
        await sink.append(log.lines[0] as Uint8Array);
        await place.content(1);
        await place.stop();
        // A stream learns of it with an event, a datagram with the answer to one that was sent.
        const failure = await firstFailure(sink, log.lines[1] as Uint8Array);
        expect(['unwritten', 'unknown']).toContain(failure['outcome']);
        await expect(sink.append(log.lines[1] as Uint8Array)).rejects.toMatchObject({ outcome: 'unwritten' });
        await place.restart();
        expect(await sink.check()).toBeNull();
        await sink.open();
        await sink.append(log.lines[5] as Uint8Array);
        const content = Buffer.from(await place.content(2));
        expect(content.subarray(-(log.lines[5] as Uint8Array).byteLength).equals(log.lines[5] as Uint8Array)).toBe(true);
      }));
  });
}

async function firstFailure(sink: AuditSink, line: Uint8Array): Promise<Record<string, unknown>> {
  for (;;) {
    try {
      await sink.append(line);
      await new Promise((resolve) => setImmediate(resolve));
    } catch (error) {
      return error as Record<string, unknown>;
    }
  }
}

/** What an audit sink must do that can be read back. `makePlace` gives a place that is empty. */
export function sinkConformance(type: string, makePlace: () => Promise<ReadablePlace>): void {
  describe(`the ${type} sink`, () => {
    const withPlace = sinksAt(makePlace);
    anySink(type, withPlace);
    const withSink = (work: (sink: AuditSink, place: ReadablePlace) => Promise<void>, content?: Uint8Array): Promise<void> =>
      withPlace(work, content === undefined ? undefined : (place) => place.plant(content));

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
