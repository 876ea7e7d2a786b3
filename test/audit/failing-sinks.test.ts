import { mkdtempSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { genesis, type Head } from '../../src/audit/chain.ts';
import { fileSink } from '../../src/audit/file-sink.ts';
import { openAuditLog, type AuditLog, type AuditLogOptions } from '../../src/audit/log.ts';
import { createSink } from '../../src/audit/registry.ts';
import type { AuditSink } from '../../src/audit/sink.ts';
import type { SinkHealth } from '../../src/audit/sink-set.ts';
import { verifyLog, verifyLogFile } from '../../src/audit/verify.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { entryOf, logBasics, numbered, storeId } from './entries.ts';
import { errno, faultyFiles } from './faulty-file.ts';
import { gate, ManualTimer, turn } from './manual-timer.ts';
import { type Receiver, tcpReceiver } from './receivers.ts';

const opened: AuditLog[] = [];
const receivers: Receiver[] = [];
afterEach(async () => {
  for (const log of opened.splice(0)) await log.close();
  for (const receiver of receivers.splice(0)) await receiver.stop().catch(() => undefined);
});

interface Opened {
  readonly log: AuditLog;
  readonly timer: ManualTimer;
  readonly anchors: Head[];
  readonly reports: SinkHealth[];
}

async function open(sinks: readonly AuditSink[], options: Partial<AuditLogOptions> = {}): Promise<Opened> {
  const timer = new ManualTimer();
  const anchors: Head[] = [];
  const reports: SinkHealth[] = [];
  const saveAnchor = (head: Head) => Promise.resolve(void anchors.push(head));
  const log = await openAuditLog({
    ...logBasics,
    clock: timer.clock,
    timer,
    saveAnchor,
    report: (health) => reports.push(health),
    sinks,
    enabled: sinks.map(({ name }) => name),
    ...options,
  });
  opened.push(log);
  return { log, timer, anchors, reports };
}

async function receiver(): Promise<Receiver> {
  const made = await tcpReceiver();
  receivers.push(made);
  return made;
}

const newPath = () => join(mkdtempSync(join(tmpdir(), 'secretctl-audit-')), 'audit.log');
const socketTo = ({ address }: Receiver, name = 'remote', timer?: ManualTimer) =>
  createSink({ name, type: 'socket', options: { address } }, timer === undefined ? {} : { timer });
const linesIn = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { seq: number; request: { facts: JsonObject } });
const factsIn = (path: string) => linesIn(readFileSync(path, 'utf8')).map(({ request }) => request.facts);
const factsAt = (at: Receiver) => linesIn((at.packets()[0] as Buffer).toString()).map(({ request }) => request.facts);
const verified = (path: string, anchor: Head | null = null) => verifyLogFile(path, { storeId, anchor });
const verifiedAt = (at: Receiver, from = 0) =>
  verifyLog(
    (async function* () {
      yield await Promise.resolve((at.packets()[0] as Buffer).subarray(from));
    })(),
    { storeId, anchor: null },
  );
const large = (number: number) => entryOf({ type: 'system', request: null, facts: { number, text: 'x'.repeat(60_000) } });

/** Waits until only one sink has not answered, and lets it run out of its time. */
async function timeIsUp(timer: ManualTimer): Promise<void> {
  await timer.set();
  while (timer.pending > 1) await turn();
  timer.ring();
}

describe('a sink that hangs', () => {
  it('holds a request up until its time is over, and no later one: the others go on, and the log says so', async () => {
    const [a, b] = [newPath(), newPath()];
    const files = faultyFiles();
    const { log, timer, reports } = await open([fileSink('a', a, files.open), fileSink('b', b)]);
    await log.append([numbered(1)]);
    const hang = gate();
    files.faults.beforeSync = () => hang.opened;
    const second = log.append([numbered(2)]);
    await timeIsUp(timer);
    await second;
    await log.append([numbered(3)]);
    expect(log.health()).toMatchObject([
      { name: 'a', problem: 'it did not answer within 5 s', retryAt: timer.time },
      { name: 'b', problem: null, retryAt: null },
    ]);
    expect(reports.map(({ name, problem }) => [name, problem])).toEqual([['a', 'it did not answer within 5 s']]);
    expect(factsIn(b).slice(2)).toEqual([{ event: 'sink-failed', sink: 'a', after: 1, outcome: 'unknown' }, { number: 3 }]);

    // Tried while it still hangs: later each time.
    await log.retry();
    expect(log.retryAt()).toBe(timer.time + 1000);
    await log.retry();
    expect(log.retryAt()).toBe(timer.time + 1000);
    timer.time += 1000;
    await log.retry();
    expect(log.retryAt()).toBe(timer.time + 2000);

    delete files.faults.beforeSync;
    hang.open();
    await log.append([numbered(4)]);
    // What hung ends when the system comes to it; a try before that is one more that fails.
    do {
      await turn();
      timer.time += 60_000;
      await log.retry();
    } while (log.health()[0]?.problem !== null);
    expect(log.health()).toMatchObject([{ problem: null }, { problem: null }]);
    expect(log.retryAt()).toBeNull();
    await log.append([numbered(5)]);
    // The line that took too long was written after all.
    expect(factsIn(a)).toContainEqual({ event: 'sink-caught-up', sink: 'a', after: 2 });
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    expect(await verified(a, log.head())).toMatchObject({ outcome: 'ok', first: 1 });
  });

  it('writes what it was lent, however late', async () => {
    const [a, b] = [newPath(), newPath()];
    const files = faultyFiles();
    const { log, timer } = await open([fileSink('a', a, files.open), fileSink('b', b)]);
    const hang = gate();
    files.faults.beforeWrite = () => hang.opened;
    const first = log.append([numbered(1)]);
    await timeIsUp(timer);
    await first;
    for (let number = 2; number < 40; number++) await log.append([numbered(number)]);
    delete files.faults.beforeWrite;
    hang.open();
    while (log.retryAt() !== null) {
      await turn();
      timer.time += 60_000;
      await log.retry();
    }
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    expect(factsIn(a).slice(0, 1)).toEqual([{ number: 1 }]);
  });

  it('and is the only one refuses requests, at once after the first, until it is back; the lines in doubt keep their numbers', async () => {
    for (const late of ['written', 'lost'] as const) {
      const path = newPath();
      const files = faultyFiles();
      const { log, timer } = await open([fileSink('file', path, files.open)]);
      await log.append([numbered(1)]);
      const before = log.head();
      const hang = gate();
      files.faults.beforeWrite = () => hang.opened;
      const second = log.append([numbered(2)]);
      await timeIsUp(timer);
      const refusal = { code: 'audit-unavailable', message: expect.stringContaining('did not answer within 5 s') as string };
      await expect(second).rejects.toMatchObject(refusal);
      for (let number = 3; number < 6; number++) {
        await expect(log.append([numbered(number)])).rejects.toMatchObject({ code: 'audit-unavailable' });
      }
      expect(log.head()).toEqual(before);
      expect(log.position()).toBe(1);
      expect(timer.pending).toBe(0);

      delete files.faults.beforeWrite;
      if (late === 'lost') files.faults.write = () => raise('ENOSPC');
      hang.open();
      while (log.retryAt() !== null) {
        await turn();
        timer.time += 60_000;
        await log.retry();
        delete files.faults.write;
      }
      await log.append([numbered(6)]);
      const facts = factsIn(path);
      expect(facts.filter(({ number }) => number !== undefined)).toEqual([{ number: 1 }, { number: 2 }, { number: 6 }]);
      expect(facts).toContainEqual(
        late === 'written' ? { event: 'sink-back', sink: 'file' } : { event: 'sink-caught-up', sink: 'file', after: 1 },
      );
      expect(await verified(path, log.head())).toMatchObject({ outcome: 'ok', first: 1 });
    }
  });

  it('is tried again by the request that needs it, when its time has come', async () => {
    const path = newPath();
    const files = faultyFiles();
    const { log, timer } = await open([fileSink('file', path, files.open)]);
    const hang = gate();
    files.faults.beforeSync = () => hang.opened;
    const first = log.append([numbered(1)]);
    await timeIsUp(timer);
    await expect(first).rejects.toThrow();
    expect(log.retryAt()).toBe(timer.time + 1000);
    delete files.faults.beforeSync;
    hang.open();
    await expect(log.append([numbered(3)])).rejects.toMatchObject({ code: 'audit-unavailable' });
    let taken = false;
    while (!taken) {
      await turn();
      timer.time = log.retryAt() ?? timer.time;
      taken = await log.append([numbered(4)]).then(
        () => true,
        () => false,
      );
    }
    expect(factsIn(path).filter(({ number }) => number !== undefined)).toEqual([{ number: 1 }, { number: 4 }]);
  });

  it('does not keep the log from opening with the others, nor from closing', async () => {
    const path = newPath();
    const files = faultyFiles();
    const hang = gate();
    files.faults.beforeSync = () => hang.opened;
    const timer = new ManualTimer();
    const opening = open([fileSink('hangs', newPath(), files.open), fileSink('file', path)], { timer, clock: timer.clock });
    await timeIsUp(timer);
    const { log } = await opening;
    expect(factsIn(path)).toEqual([{ event: 'sink-failed', sink: 'hangs' }]);
    await log.close();
    expect(timer.pending).toBe(0);
    hang.open();
  });
});

describe('a receiver', () => {
  it('that stops reading is set aside when its time is over; what it lacks is sent when it is back', async () => {
    const path = newPath();
    const remote = await receiver();
    const { log, timer } = await open([fileSink('file', path), socketTo(remote)]);
    await log.append([numbered(1)]);
    remote.pause();
    // The system takes some megabytes for a receiver that does not read.
    let number = 2;
    const ringing = timeIsUpWhenNothingMoves(timer, () => log.position());
    while (log.health()[1]?.problem === null) await log.append([large(number++)]);
    ringing.stop();
    expect(log.health()[1]).toMatchObject({
      problem: expect.stringMatching(/^it did not answer within 2 s$/) as string,
    });
    const served = log.position();
    await log.append([numbered(999)]);
    expect(log.position()).toBeGreaterThan(served);

    await remote.stop();
    const fresh = await receiver();
    expect(fresh.address).not.toBe(remote.address);
    await log.close();
  });

  it('that goes away is noticed, and is sent what it lacks when it is back', async () => {
    const path = newPath();
    const remote = await receiver();
    const { log, timer, reports } = await open([fileSink('file', path), socketTo(remote)]);
    await log.append([numbered(1)]);
    await remote.until((bytes) => bytes.includes('"number":1'));
    const seen = (remote.packets()[0] as Buffer).byteLength;
    await remote.stop();
    for (let number = 2; log.health()[1]?.problem === null; number++) {
      await log.append([numbered(number)]);
      await turn();
    }
    await log.retry();
    expect(log.retryAt()).toBe(timer.time + 1000);
    expect(reports.at(-1)?.problem).toMatch(/nobody listens there/);
    for (let number = 100; number < 110; number++) await log.append([numbered(number)]);
    await remote.restart();
    timer.time += 1000;
    await log.retry();
    await log.append([numbered(1000)]);
    await remote.until((bytes) => bytes.includes('"number":1000'));
    const again = await verifiedAt(remote, seen);
    expect(again).toMatchObject({ outcome: 'ok', head: log.head() });
    const failed = factsIn(path).find(({ event }) => event === 'sink-failed');
    expect(again.first).toBe(Number(failed?.['after']) + 1);
    expect(factsIn(path)).toContainEqual({ event: 'sink-caught-up', sink: 'remote', after: failed?.['after'] });
    expect(reports.at(-1)).toEqual({ name: 'remote', type: 'socket', problem: null, retryAt: null });
  });

  it('that is the only one, and closed the connection, gets a new one with the next entry', async () => {
    const remote = await receiver();
    const { log } = await open([socketTo(remote)]);
    await log.append([numbered(1)]);
    await remote.until((bytes) => bytes.includes('"number":1'));
    await remote.stop();
    await remote.restart();
    // Until the end of the connection was noticed entries may go nowhere: no receiver says what it got.
    let last = 1;
    while (!/sink-back|sink-caught-up/.test((remote.packets()[0] as Buffer).toString())) {
      await log.append([numbered(++last)]);
      await turn();
    }
    await remote.until((bytes) => bytes.includes(`"number":${last}`));
    expect(factsAt(remote).filter(({ event }) => event !== undefined)).toHaveLength(1);
    expect(linesIn((remote.packets()[0] as Buffer).toString()).at(-1)?.seq).toBe(log.position());
  });

  it('that is the only one, and gone, refuses requests, and goes on with the numbers that are free when it is back', async () => {
    const remote = await receiver();
    const { log, timer } = await open([socketTo(remote)]);
    await log.append([numbered(1)]);
    await remote.until((bytes) => bytes.includes('"number":1'));
    await remote.stop();
    for (;;) {
      const outcome = await log.append([numbered(2)]).then(
        () => null,
        (error: unknown) => error,
      );
      if (outcome !== null) {
        expect(outcome).toMatchObject({ code: 'audit-unavailable', message: expect.stringContaining('remote: tcp') as string });
        break;
      }
      await turn();
    }
    await expect(log.append([numbered(3)])).rejects.toMatchObject({ code: 'audit-unavailable' });
    await remote.restart();
    timer.time += 60_000;
    await log.append([numbered(4)]);
    await remote.until((bytes) => bytes.includes('"number":4'));
    expect(factsAt(remote).at(-1)).toEqual({ number: 4 });
    const lines = linesIn((remote.packets()[0] as Buffer).toString());
    expect(lines.at(-1)?.seq).toBe(log.position());
  });

  it('that moved is found with the next opening of all places', async () => {
    const path = newPath();
    const remote = await receiver();
    const { log } = await open([fileSink('file', path), socketTo(remote)]);
    await log.append([numbered(1)]);
    await log.reopen();
    await log.append([numbered(2)]);
    await remote.until((bytes) => bytes.includes('"number":2'));
    expect(factsAt(remote)).toEqual([{ number: 1 }, { number: 2 }]);
    expect(readFileSync(path).equals(remote.packets()[0] as Buffer)).toBe(true);
  });
});

describe('a log with receivers only', () => {
  it('goes on from the anchor at the next start, and says so', async () => {
    const remote = await receiver();
    const first = await open([socketTo(remote)]);
    for (let number = 1; number <= 3; number++) await first.log.append([numbered(number)]);
    const anchor = first.log.head();
    await first.log.append([numbered(4)]);
    // It ends without saying how far it came.
    const crashed = await open([socketTo(remote)], { anchor, boot: '00000000-0000-4000-8000-000000000002' });
    await crashed.log.append([numbered(5)]);
    await remote.until((bytes) => bytes.includes('"number":5'));
    const lines = linesIn((remote.packets()[0] as Buffer).toString());
    expect(lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 4, 5]);
    expect(lines[4]?.request.facts).toEqual({ event: 'log-resumed', after: 3 });
    expect(lines[4]).toMatchObject({ boot: '00000000-0000-4000-8000-000000000002', prev: anchor.hash });
  });

  it('begins with the genesis and no note, and finds no entry', async () => {
    const remote = await receiver();
    const { log } = await open([socketTo(remote)]);
    expect(log.head()).toEqual(genesis(storeId));
    await log.append([numbered(1)]);
    expect(await log.find({ type: 'system', after: 0, matches: () => true })).toEqual({ entry: null, searchedTo: null });
  });

  it('stays closed where a sink that could be read is enabled but cannot be opened: the end of the log is not known', async () => {
    const remote = await receiver();
    const nowhere = () => fileSink('file', join(newPath(), 'none', 'audit.log'));
    const anchor = { seq: 7, hash: 'ab'.repeat(32) };
    await expect(open([nowhere(), socketTo(remote)], { anchor })).rejects.toMatchObject({
      code: 'audit-unavailable',
      message: expect.stringContaining('the end of the audit log is not known') as string,
    });
    const { log } = await open([nowhere(), socketTo(remote)], { anchor, acceptLoss: true });
    expect(log.notes[0]).toEqual({
      event: 'log-loss-accepted',
      sink: null,
      reason: 'audit-unavailable',
      anchor,
      set_aside: null,
    });
    expect(log.position()).toBe(7 + log.notes.length);
  });

  it('is not taken for the log of a file that is gone', async () => {
    const remote = await receiver();
    const anchor = { seq: 7, hash: 'ab'.repeat(32) };
    await expect(open([fileSink('file', newPath()), socketTo(remote)], { anchor })).rejects.toMatchObject({
      code: 'audit-truncated',
    });
  });
});

describe('a file that was set aside while only receivers went on', () => {
  it('is brought up from what the log kept', async () => {
    const path = newPath();
    const files = faultyFiles();
    const remote = await receiver();
    const { log, timer, anchors } = await open([fileSink('file', path, files.open), socketTo(remote)]);
    await log.append([numbered(1)]);
    files.faults.write = () => raise('ENOSPC');
    for (let number = 2; number < 50; number++) await log.append([numbered(number)]);
    // Nobody can read back how far the log came, so the store knows.
    expect(anchors.at(-1)?.seq).toBeGreaterThanOrEqual(3);
    await expect(verified(path, anchors.at(-1) as Head)).resolves.toMatchObject({ outcome: 'truncated' });
    delete files.faults.write;
    timer.time += 60_000;
    await log.retry();
    await log.append([numbered(50)]);
    await remote.until((bytes) => bytes.includes('"number":50'));
    expect(factsIn(path)).toContainEqual({ event: 'sink-caught-up', sink: 'file', after: 1 });
    expect(readFileSync(path).equals(remote.packets()[0] as Buffer)).toBe(true);
  });

  it('begins anew where the log kept less, joins on to the anchor, and the log says which lines it lacks', async () => {
    const path = newPath();
    const files = faultyFiles();
    const remote = await receiver();
    const { log, timer, anchors } = await open([fileSink('file', path, files.open), socketTo(remote)]);
    await log.append([numbered(1)]);
    files.faults.write = () => raise('ENOSPC');
    for (let number = 2; number < 300; number++) await log.append([large(number)]);
    delete files.faults.write;
    timer.time += 60_000;
    await log.retry();
    const anchor = anchors.at(-1) as Head;
    await log.append([numbered(300)]);
    expect(factsIn(path)).toEqual([
      { event: 'sink-lacks', sink: 'file', from: 2, to: anchor.seq, set_aside: `${path}.aside-1` },
      { number: 300 },
    ]);
    expect(await verified(`${path}.aside-1`)).toMatchObject({ outcome: 'ok', first: 1, head: { seq: 1 } });
    expect(await verified(path, anchor)).toMatchObject({ outcome: 'ok', first: anchor.seq + 1 });
    const end = log.head();
    await log.close();
    const next = await open([fileSink('file', path)], { anchor });
    expect(next.log.head()).toEqual(end);
  });
});

describe('a new file beside an old one', () => {
  it('joins on to what the store remembers, so that a crash at once is no loss', async () => {
    const [a, b] = [newPath(), newPath()];
    const first = await open([fileSink('b', b), fileSink('a', a)], { enabled: ['b'] });
    for (let number = 1; number <= 5; number++) await first.log.append([numbered(number)]);
    await first.log.follow(['a', 'b']);
    expect(first.anchors.at(-1)?.seq).toBe(5);
    const next = await open([fileSink('a', a), fileSink('b', b)], { anchor: first.anchors.at(-1) ?? null });
    expect(next.log.head()).toEqual(first.log.head());
    // Also where the store remembers less, as long as another sink reaches back.
    const older = await open([fileSink('a', a), fileSink('b', b)], { anchor: genesis(storeId) });
    expect(older.log.head()).toEqual(first.log.head());
  });

  it('that the store cannot join on to gets no line', async () => {
    const [a, b] = [newPath(), newPath()];
    const saveAnchor = () => Promise.reject(new Error('the store is full'));
    const { log } = await open([fileSink('a', a), fileSink('b', b)], { enabled: ['a'], saveAnchor });
    await log.append([numbered(1)]);
    await log.follow(['a', 'b']);
    await log.append([numbered(2)]);
    expect(log.health()).toMatchObject([{ problem: null }, { problem: 'the store is full' }]);
    expect(readFileSync(b, 'utf8')).toBe('');
    expect(factsIn(a)).toEqual([{ number: 1 }, { number: 2 }]);
  });
});

describe('delays', () => {
  it('double from one second to a minute, and go on where they were for a sink that fails again soon', async () => {
    const [a, b] = [newPath(), newPath()];
    const files = faultyFiles();
    const { log, timer } = await open([fileSink('a', a, files.open), fileSink('b', b)]);
    const fail = async (): Promise<void> => {
      files.faults.write = () => raise('ENOSPC');
      await log.append([numbered(1)]);
      await log.append([numbered(1)]);
    };
    await fail();
    // It lacks a line, so it is written to when it is let in, and fails there.
    const delays: number[] = [];
    for (let round = 0; round < 9; round++) {
      await log.retry();
      delays.push((log.retryAt() ?? 0) - timer.time);
      timer.time = log.retryAt() ?? 0;
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1000));
    delete files.faults.write;
    await log.retry();
    expect(log.retryAt()).toBeNull();
    timer.time += 59_000;
    await fail();
    expect((log.retryAt() ?? 0) - timer.time).toBe(60_000);
    timer.time -= 3_600_000;
    delete files.faults.write;
    await log.retry();
    expect(log.retryAt()).toBeNull();
    timer.time += 3_700_000;
    await fail();
    expect(log.retryAt()).toBe(timer.time);
  });
});

describe('a log without sinks', () => {
  it('takes entries only where it was told that nothing is audited', async () => {
    await expect(open([])).rejects.toMatchObject({ code: 'audit-unavailable' });
    const { log } = await open([], { unaudited: true });
    await log.append([numbered(1)]);
    await log.retry();
    await log.reopen();
    await log.follow([]);
    expect([log.position(), log.linesSinceAnchor(), log.health(), log.notes]).toEqual([0, 0, [], []]);
  });

  it('is a log as any other once a sink is enabled', async () => {
    const path = newPath();
    const files = faultyFiles();
    const { log } = await open([fileSink('file', path, files.open)], { unaudited: true, enabled: [] });
    await log.append([numbered(1)]);
    await log.follow(['file']);
    await log.append([numbered(2)]);
    expect(factsIn(path)).toEqual([{ event: 'sink-enabled', sink: 'file' }, { number: 2 }]);
    files.faults.write = () => raise('ENOSPC');
    await expect(log.append([numbered(3)])).rejects.toMatchObject({ code: 'audit-unavailable' });
  });

  it('takes none where a sink is enabled that does not work, or is not declared', async () => {
    const nowhere = fileSink('file', join(newPath(), 'none', 'audit.log'));
    await expect(open([nowhere], { unaudited: true })).rejects.toMatchObject({ code: 'audit-unavailable' });
    await expect(open([], { unaudited: true, enabled: ['gone'] })).rejects.toMatchObject({ code: 'audit-unavailable' });
  });
});

describe('the anchor', () => {
  it('is counted from: how many lines the store does not know of', async () => {
    const path = newPath();
    const { log, anchors } = await open([fileSink('file', path)]);
    for (let number = 1; number <= 5; number++) await log.append([numbered(number)]);
    expect(log.linesSinceAnchor()).toBe(5);
    log.anchored(log.head());
    await log.append([numbered(6)]);
    expect(log.linesSinceAnchor()).toBe(1);
    renameSync(path, `${path}.1`);
    await log.reopen();
    expect(anchors.map(({ seq }) => seq)).toEqual([6]);
    expect(log.linesSinceAnchor()).toBe(1);
  });
});

/** Rings the alarms once the position has stood still for a while. */
function timeIsUpWhenNothingMoves(timer: ManualTimer, position: () => number): { stop(): void } {
  let before = -1;
  const handle = setInterval(() => {
    if (position() === before && timer.pending > 0) timer.ring();
    before = position();
  }, 100);
  return { stop: () => clearInterval(handle) };
}

function raise(code: string): never {
  throw errno(code);
}
