import { mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import type { AuditEntry } from '../../src/core/ports.ts';
import { genesis, type Head } from '../../src/audit/chain.ts';
import { fileSink } from '../../src/audit/file-sink.ts';
import { hasApplyCommit } from '../../src/audit/find-entry.ts';
import { openAuditLog, type AuditLog, type AuditLogOptions } from '../../src/audit/log.ts';
import { verifyLogFile } from '../../src/audit/verify.ts';
import { entryOf, logBasics, numbered, requestTo, storeId } from './entries.ts';
import { errno, faultyFiles } from './faulty-file.ts';

const opened: AuditLog[] = [];
afterEach(async () => {
  for (const log of opened.splice(0)) await log.close();
});

async function open(options: Pick<AuditLogOptions, 'sinks'> & Partial<AuditLogOptions>): Promise<AuditLog> {
  const log = await openAuditLog({ ...logBasics, enabled: options.sinks.map((sink) => sink.name), ...options });
  opened.push(log);
  return log;
}

const newPath = (name = 'audit.log') => join(mkdtempSync(join(tmpdir(), 'secretctl-audit-')), name);
const entriesIn = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as JsonObject & { seq: number; request: { facts?: JsonObject } });
const factsIn = (path: string) => entriesIn(path).map(({ request }) => request.facts);
const verified = (path: string, log: AuditLog) => verifyLogFile(path, { storeId, anchor: log.head() });

describe('appending', () => {
  it('chains the entries of all calls in their order, from sequence 1', async () => {
    const path = newPath();
    const log = await open({ sinks: [fileSink('file', path)] });
    expect(log.head()).toEqual(genesis(storeId));
    await log.append([numbered(1), numbered(2)]);
    await log.append([]);
    await log.append([numbered(3)]);
    expect(factsIn(path)).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }]);
    expect(log.position()).toBe(3);
    expect(await verified(path, log)).toMatchObject({ outcome: 'ok', first: 1, head: log.head() });
  });

  it('shares one sync among the calls that wait, and keeps their order', async () => {
    const path = newPath();
    const files = faultyFiles();
    const log = await open({ sinks: [fileSink('file', path, files.open)] });
    const before = files.counts.syncs;
    await Promise.all(Array.from({ length: 100 }, (_, at) => log.append([numbered(at)])));
    expect(files.counts.syncs - before).toBeLessThanOrEqual(2);
    expect(factsIn(path)).toEqual(Array.from({ length: 100 }, (_, number) => ({ number })));
  });

  it('gathers what arrives during a sync into the next one', async () => {
    const files = faultyFiles();
    const log = await open({ sinks: [fileSink('file', newPath(), files.open)] });
    const before = files.counts.syncs;
    let late: Promise<unknown> | null = null;
    files.faults.beforeSync = async () => {
      late ??= Promise.all(Array.from({ length: 99 }, (_, at) => log.append([numbered(at)])));
      await Promise.resolve();
    };
    await log.append([numbered(0)]);
    await (late as Promise<unknown> | null);
    expect(files.counts.syncs - before).toBe(2);
    expect(log.position()).toBe(100);
  });

  it('resolves no call before its sync is done', async () => {
    const files = faultyFiles();
    const log = await open({ sinks: [fileSink('file', newPath(), files.open)] });
    const order: string[] = [];
    files.faults.datasync = () => order.push('sync');
    await log.append([numbered(1)]).then(() => order.push('resolved'));
    expect(order).toEqual(['sync', 'resolved']);
  });

  it('writes more than one batch takes without losing the order', async () => {
    const path = newPath();
    const log = await open({ sinks: [fileSink('file', path)] });
    const large = (number: number) => entryOf({ type: 'system', request: null, facts: { number, text: 'x'.repeat(60_000) } });
    await Promise.all(
      Array.from({ length: 30 }, (_, call) => log.append(Array.from({ length: 10 }, (_, at) => large(call * 10 + at)))),
    );
    expect(factsIn(path).map((facts) => facts?.['number'])).toEqual(Array.from({ length: 300 }, (_, number) => number));
    expect(await verified(path, log)).toMatchObject({ outcome: 'ok' });
  });

  it('writes identical lines to every sink', async () => {
    const [a, b] = [newPath(), newPath()];
    const log = await open({ sinks: [fileSink('a', a), fileSink('b', b)] });
    await log.append([numbered(1), numbered(2)]);
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    expect(log.health()).toEqual([
      { name: 'a', type: 'file', problem: null, retryAt: null },
      { name: 'b', type: 'file', problem: null, retryAt: null },
    ]);
  });

  it('is refused after the log was closed, and close waits for what is under way', async () => {
    const path = newPath();
    const log = await open({ sinks: [fileSink('file', path)] });
    const pending = log.append([numbered(1)]);
    await log.close();
    await pending;
    await expect(log.append([numbered(2)])).rejects.toMatchObject({ code: 'audit-unavailable' });
    expect(factsIn(path)).toEqual([{ number: 1 }]);
  });
});

describe('failing sinks', () => {
  it('of which none is left refuse the entry, say why, and leave the chain as it was', async () => {
    const path = newPath();
    const files = faultyFiles();
    const log = await open({ sinks: [fileSink('file', path, files.open)] });
    await log.append([numbered(1)]);
    const before = log.head();
    let room = 100;
    files.faults.write = (bytes) => (room > 0 ? ((room -= 50), Math.min(50, bytes.byteLength)) : raise('ENOSPC'));
    const refused = await Promise.allSettled([log.append([numbered(2)]), log.append([numbered(3)])]);
    for (const outcome of refused) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'audit-unavailable',
          message: expect.stringMatching(/file: writing .* failed: the disk is full/) as string,
        },
      });
    }
    expect(log.head()).toEqual(before);
    expect(log.health()).toMatchObject([{ problem: expect.stringContaining('disk is full') as string }]);

    delete files.faults.write;
    await log.append([numbered(4)]);
    expect(log.health()).toMatchObject([{ problem: null }]);
    expect(factsIn(path)).toEqual([{ number: 1 }, { number: 4 }]);
    expect(await verified(path, log)).toMatchObject({ outcome: 'ok' });
  });

  it('whose sync failed refuse everything until the next start, which finds one chain', async () => {
    const path = newPath();
    const files = faultyFiles();
    const log = await open({ sinks: [fileSink('file', path, files.open)] });
    await log.append([numbered(1)]);
    files.faults.datasync = () => raise('EIO');
    await expect(log.append([numbered(2)])).rejects.toMatchObject({ code: 'audit-unavailable' });
    delete files.faults.datasync;
    await expect(log.append([numbered(3)])).rejects.toMatchObject({ code: 'audit-unavailable' });
    await log.follow(['file']);
    await expect(log.append([numbered(3)])).rejects.toMatchObject({ code: 'audit-unavailable' });
    await log.close();

    const next = await open({ sinks: [fileSink('file', path)], anchor: log.head() });
    await next.append([numbered(4)]);
    expect(factsIn(path).at(-1)).toEqual({ number: 4 });
    expect(await verified(path, next)).toMatchObject({ outcome: 'ok' });
  });

  it('do not stop the others: the entry is stored, the log says so, and the sink is brought up again', async () => {
    const [a, b] = [newPath(), newPath()];
    const files = faultyFiles();
    const log = await open({ sinks: [fileSink('a', a, files.open), fileSink('b', b)] });
    await log.append([numbered(1)]);
    files.faults.write = () => raise('ENOSPC');
    await log.append([numbered(2)]);
    await log.append([numbered(3)]);
    expect(log.health()).toMatchObject([
      { name: 'a', problem: expect.stringContaining('full') as string },
      { name: 'b', problem: null },
    ]);
    expect(factsIn(a)).toEqual([{ number: 1 }]);
    expect(factsIn(b)).toContainEqual({ event: 'sink-failed', sink: 'a', after: 1, outcome: 'unwritten' });

    delete files.faults.write;
    await log.follow(['a', 'b']);
    expect(log.health()).toMatchObject([{ problem: null }, { problem: null }]);
    await log.append([numbered(4)]);
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    expect(factsIn(a)).toContainEqual({ event: 'sink-caught-up', sink: 'a', after: 1 });
    expect(await verified(a, log)).toMatchObject({ outcome: 'ok' });
  });
});

describe('opening', () => {
  /** A log of three lines, closed; its path and its heads. */
  async function closedLog(name?: string) {
    const path = newPath(name);
    const log = await open({ sinks: [fileSink('file', path)] });
    const heads = [log.head()];
    for (const number of [1, 2, 3]) {
      await log.append([numbered(number)]);
      heads.push(log.head());
    }
    await log.close();
    return { path, heads, anchor: log.head(), bytes: readFileSync(path) };
  }

  it('goes on where the last process stopped', async () => {
    const { path, anchor } = await closedLog();
    const log = await open({ sinks: [fileSink('file', path)], anchor });
    expect(log.head()).toEqual(anchor);
    await log.append([numbered(4)]);
    expect(factsIn(path)).toHaveLength(4);
    expect(await verified(path, log)).toMatchObject({ outcome: 'ok' });
  });

  it('goes on after lines that the store does not remember yet', async () => {
    const { path, heads } = await closedLog();
    const log = await open({ sinks: [fileSink('file', path)], anchor: heads[1] });
    expect(log.head()).toEqual(heads[3]);
  });

  it('removes a torn last line at each length, and the log says so', async () => {
    const { path, heads, bytes } = await closedLog();
    const whole = bytes.lastIndexOf(0x0a, bytes.byteLength - 2) + 1;
    for (let length = whole + 1; length < bytes.byteLength; length += 13) {
      writeFileSync(path, bytes.subarray(0, length));
      const log = await open({ sinks: [fileSink('file', path)], anchor: heads[2] });
      expect(factsIn(path)).toEqual([
        { number: 1 },
        { number: 2 },
        { event: 'torn-line-removed', sink: 'file', bytes: length - whole },
      ]);
      expect(await verified(path, log)).toMatchObject({ outcome: 'ok' });
      await log.close();
    }
  });

  it('refuses a log that is shorter than the store remembers, at each length, and changes nothing', async () => {
    const { path, anchor, bytes } = await closedLog();
    const second = bytes.indexOf(0x0a) + 1;
    for (const length of [0, 10, second, second + 10, bytes.byteLength - 1]) {
      writeFileSync(path, bytes.subarray(0, length));
      await expect(open({ sinks: [fileSink('file', path)], anchor })).rejects.toMatchObject({
        code: 'audit-truncated',
        message: expect.stringContaining('up to 3 at least') as string,
        hint: expect.stringMatching(/Put the original file back/) as string,
      });
      expect(readFileSync(path).equals(bytes.subarray(0, length))).toBe(true);
    }
  });

  it('refuses a log that is gone', async () => {
    const { anchor } = await closedLog();
    await expect(open({ sinks: [fileSink('file', newPath())], anchor })).rejects.toMatchObject({
      code: 'audit-truncated',
      message: expect.stringContaining('the audit log is gone') as string,
    });
  });

  it('refuses another history, an altered line and the log of another store', async () => {
    const { path, heads, bytes } = await closedLog();
    const other = newPath();
    const stranger = await open({ sinks: [fileSink('file', other)] });
    for (const number of [1, 2, 33, 4]) await stranger.append([numbered(number)]);
    await stranger.close();
    await expect(open({ sinks: [fileSink('file', other)], anchor: heads[3] })).rejects.toMatchObject({
      code: 'audit-fork',
    });

    const altered = Buffer.from(bytes);
    altered[altered.indexOf('"number":1') + 9] = 0x37;
    writeFileSync(path, altered);
    await expect(open({ sinks: [fileSink('file', path)], anchor: heads[1] })).rejects.toMatchObject({
      code: 'audit-corrupt',
    });

    writeFileSync(path, bytes);
    await expect(open({ sinks: [fileSink('file', path)], storeId: 'another' })).rejects.toMatchObject({ code: 'audit-fork' });
  });

  it('accepts a lost log only when told to: the chain goes on from the anchor, and the old file is kept', async () => {
    const { path, heads, bytes } = await closedLog();
    const cut = bytes.subarray(0, bytes.indexOf(0x0a) + 1);
    writeFileSync(path, cut);
    const anchor = heads[2] as never;
    const log = await open({ sinks: [fileSink('file', path)], anchor, acceptLoss: true });
    await log.append([numbered(4)]);
    const [first, second] = entriesIn(path);
    expect(first).toMatchObject({
      seq: 3,
      prev: heads[2]?.hash,
      type: 'system',
      request: {
        facts: {
          event: 'log-loss-accepted',
          sink: 'file',
          reason: 'audit-truncated',
          anchor: heads[2],
          set_aside: `${path}.aside-1`,
        },
      },
    });
    expect(second).toMatchObject({ seq: 4 });
    expect(readFileSync(`${path}.aside-1`).equals(cut)).toBe(true);
    expect(await verifyLogFile(path, { storeId, anchor })).toMatchObject({ outcome: 'ok', first: 3 });
    await log.close();

    const next = await open({ sinks: [fileSink('file', path)], anchor });
    expect(next.position()).toBe(4);
  });

  it('accepts the loss of a file that is no log at all, and of one that is gone', async () => {
    const { heads } = await closedLog();
    const path = newPath();
    writeFileSync(path, 'something else\n', { mode: 0o600 });
    const log = await open({ sinks: [fileSink('file', path)], anchor: heads[3], acceptLoss: true });
    expect(factsIn(path)).toMatchObject([{ event: 'log-loss-accepted', reason: 'audit-corrupt', set_aside: `${path}.aside-1` }]);
    expect(log.position()).toBe(4);
    const gone = newPath();
    await open({ sinks: [fileSink('file', gone)], anchor: heads[3], acceptLoss: true });
    expect(factsIn(gone)).toMatchObject([{ event: 'log-loss-accepted', reason: 'audit-truncated', set_aside: null }]);
  });

  it('goes on with the sink that is whole where another one is lost', async () => {
    const { path, heads, bytes } = await closedLog();
    const other = newPath();
    const altered = Buffer.from(bytes);
    altered[altered.indexOf('"number":2') + 9] = 0x37;
    writeFileSync(other, altered, { mode: 0o600 });
    const sinks = [fileSink('altered', other), fileSink('whole', path)];
    await expect(open({ sinks, anchor: heads[1] ?? null })).rejects.toMatchObject({ code: 'audit-corrupt' });
    const log = await open({ sinks, anchor: heads[1] ?? null, acceptLoss: true });
    const accepted = { event: 'log-loss-accepted', sink: 'altered', reason: 'audit-corrupt', set_aside: `${other}.aside-1` };
    expect(factsIn(path).slice(3)).toMatchObject([accepted]);
    expect(factsIn(other)).toMatchObject([accepted]);
    expect(await verified(path, log)).toMatchObject({ outcome: 'ok', first: 1 });
    expect(await verified(other, log)).toMatchObject({ outcome: 'ok', first: 4 });
  });

  it('changes nothing of a whole log where a loss would be accepted', async () => {
    const { path, anchor, bytes } = await closedLog();
    await open({ sinks: [fileSink('file', path)], anchor, acceptLoss: true });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it('brings a sink that lacks lines up to the others', async () => {
    const { path, anchor, bytes } = await closedLog();
    const other = newPath();
    writeFileSync(other, bytes.subarray(0, bytes.indexOf(0x0a) + 1), { mode: 0o600 });
    const log = await open({ sinks: [fileSink('a', other), fileSink('b', path)], anchor });
    expect(readFileSync(other).equals(readFileSync(path))).toBe(true);
    expect(factsIn(path).at(-1)).toEqual({ event: 'sink-caught-up', sink: 'a', after: 1 });
    expect(await verified(other, log)).toMatchObject({ outcome: 'ok', first: 1 });
  });

  it('starts a new sink with the next line, and says so', async () => {
    const { path, anchor } = await closedLog();
    const other = newPath();
    const log = await open({ sinks: [fileSink('a', other), fileSink('b', path)], anchor });
    expect(factsIn(other)).toEqual([{ event: 'sink-started', sink: 'a', after: 3 }]);
    expect(await verified(other, log)).toMatchObject({ outcome: 'ok', first: 4 });
  });

  it('refuses a sink that holds another history than the rest', async () => {
    const { path, anchor } = await closedLog();
    const stranger = newPath();
    const log = await open({ sinks: [fileSink('file', stranger)] });
    await log.append([numbered(99)]);
    await log.close();
    await expect(open({ sinks: [fileSink('a', stranger), fileSink('b', path)], anchor })).rejects.toMatchObject({
      code: 'audit-fork',
    });
  });

  it('works with the sinks that can be opened, and needs one', async () => {
    const path = newPath();
    const nowhere = fileSink('nowhere', join(path, 'none', 'audit.log'));
    const log = await open({ sinks: [nowhere, fileSink('file', path)], enabled: ['nowhere', 'file', 'gone'] });
    expect(log.health()).toMatchObject([
      { name: 'nowhere', problem: expect.stringContaining('none') as string },
      { name: 'file', problem: null },
      { name: 'gone', problem: expect.stringContaining('do not declare') as string },
    ]);
    expect(factsIn(path)).toEqual([
      { event: 'sink-failed', sink: 'nowhere' },
      { event: 'sink-failed', sink: 'gone' },
    ]);
    await expect(open({ sinks: [nowhere] })).rejects.toMatchObject({ code: 'audit-unavailable' });
    await expect(open({ sinks: [nowhere], anchor: log.head() })).rejects.toMatchObject({ code: 'audit-unavailable' });
    await expect(open({ sinks: [] })).rejects.toMatchObject({ code: 'audit-unavailable' });
  });
});

describe('following the enabled set', () => {
  it('starts and ends sinks while entries are appended, with no gap in either', async () => {
    const [a, b] = [newPath(), newPath()];
    const log = await open({ sinks: [fileSink('a', a), fileSink('b', b)], enabled: ['a'] });
    await log.append([numbered(1)]);
    await Promise.all([log.append([numbered(2)]), log.follow(['a', 'b']), log.append([numbered(3)])]);
    await Promise.all([log.append([numbered(4)]), log.follow(['b']), log.append([numbered(5)])]);
    expect(factsIn(a)).toEqual([
      { number: 1 },
      { number: 2 },
      { number: 3 },
      { event: 'sink-enabled', sink: 'b' },
      { event: 'sink-started', sink: 'b', after: 3 },
      { number: 4 },
      { number: 5 },
      { event: 'sink-disabled', sink: 'a' },
    ]);
    await log.append([numbered(6)]);
    expect(factsIn(b)).toEqual([...factsIn(a).slice(3), { number: 6 }]);
    expect(await verified(b, log)).toMatchObject({ outcome: 'ok', first: 4 });
    expect(log.health()).toEqual([{ name: 'b', type: 'file', problem: null, retryAt: null }]);

    await log.follow(['a', 'b']);
    expect(readFileSync(a).subarray(-200).equals(readFileSync(b).subarray(-200))).toBe(true);
    expect(await verified(a, log)).toMatchObject({ outcome: 'ok', first: 1 });
  });

  it('does nothing where nothing differs', async () => {
    const files = faultyFiles();
    const log = await open({ sinks: [fileSink('a', newPath(), files.open)] });
    const before = { ...files.counts };
    await log.follow(['a']);
    expect(files.counts).toEqual(before);
    expect(log.position()).toBe(0);
  });

  it('keeps the old sink until a new one works', async () => {
    const path = newPath();
    const log = await open({ sinks: [fileSink('a', path), fileSink('b', join(path, 'none'))], enabled: ['a'] });
    await log.follow(['b']);
    await log.append([numbered(1)]);
    expect(factsIn(path)).toEqual([{ number: 1 }]);
    expect(log.health()).toMatchObject([
      { name: 'b', problem: expect.any(String) as string },
      { name: 'a', problem: null },
    ]);
  });
});

describe('log rotation', () => {
  it('continues the chain in a new file that joins on to the anchor', async () => {
    const path = newPath();
    let anchor = genesis(storeId);
    const saveAnchor = (head: Head) => ((anchor = head), Promise.resolve());
    const log = await open({ sinks: [fileSink('file', path)], saveAnchor });
    await log.append([numbered(1), numbered(2)]);
    renameSync(path, `${path}.1`);
    await Promise.all([log.reopen(), log.append([numbered(3)])]);
    expect(anchor.seq).toBe(2);
    expect(factsIn(path)).toEqual([{ event: 'sink-started', sink: 'file', after: 2 }, { number: 3 }]);
    await log.close();
    expect(await verifyLogFile(`${path}.1`, { storeId, anchor })).toMatchObject({ outcome: 'ok' });
    expect(await verifyLogFile(path, { storeId, anchor })).toMatchObject({ outcome: 'ok', first: 3 });
    const next = await open({ sinks: [fileSink('file', path)], anchor });
    expect(next.position()).toBe(4);
  });

  it('writes nothing where no file was moved, and goes on where the anchor could not be saved', async () => {
    const path = newPath();
    let broken = false;
    const saveAnchor = () => (broken ? Promise.reject(new Error('no store')) : Promise.resolve());
    const log = await open({ sinks: [fileSink('file', path)], saveAnchor });
    await log.append([numbered(1)]);
    await log.reopen();
    await log.append([numbered(2)]);
    broken = true;
    renameSync(path, `${path}.1`);
    await expect(log.reopen()).rejects.toThrow('no store');
    await log.append([numbered(3)]);
    expect(factsIn(`${path}.1`)).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }]);
  });

  it('says so where the new file cannot be opened, and goes on in the old one', async () => {
    const path = newPath();
    const log = await open({ sinks: [fileSink('file', path)] });
    await log.append([numbered(1)]);
    renameSync(path, `${path}.1`);
    writeFileSync(path, 'not a log\n', { mode: 0o600 });
    await expect(log.reopen()).rejects.toMatchObject({ code: 'audit-unavailable' });
    await log.append([numbered(2)]);
    expect(factsIn(`${path}.1`)).toEqual([{ number: 1 }, { number: 2 }]);
  });
});

describe('finding an entry', () => {
  const commit = (apply: string): AuditEntry =>
    entryOf({ type: 'apply-commit', request: requestTo('sys/apply'), facts: { apply } });

  it('looks from the end back to the line that is given', async () => {
    const log = await open({ sinks: [fileSink('file', newPath())] });
    await log.append([commit('a1'), numbered(2), commit('a2'), numbered(4), numbered(5)]);
    expect(await hasApplyCommit(log, 'a2', 0)).toBe(true);
    expect(await hasApplyCommit(log, 'a2', 2)).toBe(true);
    expect(await hasApplyCommit(log, 'a2', 3)).toBe(false);
    expect(await hasApplyCommit(log, 'a1', 0)).toBe(true);
    expect(await hasApplyCommit(log, 'a3', 0)).toBe(false);
    const none = { type: 'apply-commit', after: 3, matches: () => true } as const;
    expect(await log.find(none)).toEqual({ entry: null, searchedTo: 4 });
    expect(await log.find({ ...none, after: 2 })).toMatchObject({ entry: { seq: 3 }, searchedTo: 3 });
  });

  it('says how far back the file reaches', async () => {
    const path = newPath();
    const log = await open({ sinks: [fileSink('file', path)] });
    await log.append([commit('a1')]);
    renameSync(path, `${path}.1`);
    await log.reopen();
    expect(await log.find({ type: 'apply-commit', after: 0, matches: () => true })).toEqual({ entry: null, searchedTo: 2 });
  });
});

function raise(code: string): never {
  throw errno(code);
}
