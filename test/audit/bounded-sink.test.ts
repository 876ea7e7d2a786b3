import { describe, expect, it } from 'vitest';
import { BoundedSink } from '../../src/audit/bounded-sink.ts';
import type { AuditSink } from '../../src/audit/sink.ts';
import { MemorySink } from '../memory-sink.ts';
import { smallLog, storeId } from './entries.ts';
import { gate, ManualTimer, turn } from './manual-timer.ts';

const log = smallLog();

/** A sink whose next call waits for the gate. */
class SlowSink extends MemorySink {
  waitFor: Promise<void> = Promise.resolve();
  abandoned = 0;
  closed = 0;

  override async append(lines: Uint8Array): Promise<void> {
    await this.waitFor;
    await super.append(lines);
  }

  override async open() {
    await this.waitFor;
    return super.open();
  }

  override async close(): Promise<void> {
    this.closed++;
  }

  override abandon(): void {
    this.abandoned++;
  }
}

function bounded(): { sink: AuditSink & BoundedSink; inner: SlowSink; timer: ManualTimer } {
  const inner = new SlowSink(storeId);
  const timer = new ManualTimer();
  return { inner, timer, sink: new BoundedSink(inner, timer) };
}

describe('a sink within its time', () => {
  it('is the sink, and leaves no alarm behind', async () => {
    const { sink, inner, timer } = bounded();
    expect(await sink.open()).toEqual({ head: null, torn: 0 });
    await sink.append(log.bytes);
    expect(await sink.reopen()).toEqual({ head: log.head, torn: 0 });
    expect(inner.lines).toHaveLength(6);
    await expect(sink.check()).resolves.toBeNull();
    await sink.close();
    expect([timer.pending, inner.closed, inner.abandoned, sink.overdue]).toEqual([0, 1, 0, false]);
  });

  it('fails with an unknown outcome where it takes too long, and takes nothing until that call ended', async () => {
    const { sink, inner, timer } = bounded();
    await sink.open();
    const slow = gate();
    inner.waitFor = slow.opened;
    const first = sink.append(log.lines[0] as Uint8Array);
    await timer.set();
    timer.ring();
    await expect(first).rejects.toMatchObject({ outcome: 'unknown', message: 'it did not answer within 5 s' });
    expect([inner.abandoned, sink.overdue]).toEqual([1, true]);
    await expect(sink.append(log.lines[1] as Uint8Array)).rejects.toMatchObject({ outcome: 'unwritten' });
    await expect(sink.open()).rejects.toMatchObject({ code: 'audit-unavailable' });

    slow.open();
    while (sink.overdue) await turn();
    expect(inner.lines).toHaveLength(1);
    await sink.append(log.lines[1] as Uint8Array);
    expect([inner.lines.length, timer.pending]).toEqual([2, 0]);
  });

  it('is not blamed for the time in which this process stood still', async () => {
    const { sink, inner, timer } = bounded();
    await sink.open();
    const done = gate();
    inner.waitFor = done.opened;
    const append = sink.append(log.bytes);
    await timer.set();
    // What the sink did meanwhile is seen behind the alarm that is long due.
    timer.ringOnce();
    done.open();
    await append;
    expect([inner.lines.length, sink.overdue, inner.abandoned, timer.pending]).toEqual([6, false, 0, 0]);
  });

  it('is unavailable where it does not open in time', async () => {
    const { sink, inner, timer } = bounded();
    inner.waitFor = gate().opened;
    const opening = sink.open();
    await timer.set();
    timer.ring();
    await expect(opening).rejects.toMatchObject({ code: 'audit-unavailable', message: 'it did not answer within 5 s' });
  });

  it('closes at once though a call is under way, and closes the sink when that ended', async () => {
    const { sink, inner, timer } = bounded();
    await sink.open();
    const slow = gate();
    inner.waitFor = slow.opened;
    const append = sink.append(log.bytes);
    await timer.set();
    timer.ring();
    await expect(append).rejects.toThrow();
    await sink.close();
    expect(inner.closed).toBe(0);
    slow.open();
    while (inner.closed === 0) await turn();
    expect(inner.lines).toHaveLength(6);
  });
});
