import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { fileSink } from '../../src/audit/file-sink.ts';
import { openAuditLog, type AuditLog } from '../../src/audit/log.ts';
import { createSink } from '../../src/audit/registry.ts';
import type { AuditSink } from '../../src/audit/sink.ts';
import { verifyLogFile } from '../../src/audit/verify.ts';
import { systemClock } from '../../src/base/clock.ts';
import { entryOf, logBasics, numbered, storeId } from './entries.ts';

const children: ChildProcess[] = [];
const logs: AuditLog[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const log of logs.splice(0)) await log.close();
});

const newFolder = () => mkdtempSync(join(tmpdir(), 'secretctl-audit-'));

/** A receiver in a process of its own, which can be stopped. */
async function startReceiver(file: string): Promise<{ child: ChildProcess; address: string }> {
  const script = resolve(import.meta.dirname, 'children/receive.mjs');
  const child = spawn(process.execPath, [script, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, address: `127.0.0.1:${port}` };
}

// Real time: what is measured is that nobody waits longer than the sink may take.
const timeout = '300ms';
const remoteAt = (address: string) => createSink({ name: 'remote', type: 'socket', options: { address, timeout } });

async function open(sinks: readonly AuditSink[]): Promise<AuditLog> {
  const log = await openAuditLog({ ...logBasics, clock: systemClock, sinks, enabled: sinks.map(({ name }) => name) });
  logs.push(log);
  return log;
}

const large = (number: number) => entryOf({ type: 'system', request: null, facts: { number, text: 'x'.repeat(60_000) } });
/** What came over each of the connections, one after the other. */
function receivedIn(file: string): string[] {
  const texts: string[] = [];
  for (let number = 1; existsSync(`${file}.${number}`); number++) texts.push(readFileSync(`${file}.${number}`, 'utf8'));
  return texts;
}
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((done) => setImmediate(done));
};

describe('a receiver that is stopped (SIGSTOP)', () => {
  it('delays one request by its time; the file goes on, and the receiver is sent all it lacks when it runs again', async () => {
    const folder = newFolder();
    const [path, received] = [join(folder, 'audit.log'), join(folder, 'received')];
    const { child, address } = await startReceiver(received);
    const log = await open([fileSink('file', path), remoteAt(address)]);
    await log.append([numbered(1)]);
    child.kill('SIGSTOP');
    let slowest = 0;
    for (let number = 2; log.health()[1]?.problem === null; number++) {
      const start = performance.now();
      await log.append([large(number)]);
      slowest = Math.max(slowest, performance.now() - start);
    }
    expect(slowest).toBeGreaterThan(250);
    expect(slowest).toBeLessThan(30_000);
    const served = log.position();
    for (let number = 0; number < 20; number++) await log.append([numbered(1000 + number)]);
    expect(log.position()).toBeGreaterThanOrEqual(served + 20);
    expect(log.health()[1]?.problem).toMatch(/did not answer within 0.3 s/);

    child.kill('SIGCONT');
    await until(() => log.retryAt() === null || log.retryAt()! <= systemClock.now());
    while (log.retryAt() !== null) {
      await log.retry();
      await new Promise((done) => setImmediate(done));
    }
    await log.append([numbered(2000)]);
    await until(() => receivedIn(received).some((text) => text.includes('"number":2000')));
    const facts = readFileSync(path, 'utf8');
    expect(facts).toMatch(/"event":"sink-failed","outcome":"unknown","sink":"remote"/);
    expect(facts).toMatch(/"event":"sink-caught-up","sink":"remote"/);
    expect(await verifyLogFile(path, { storeId, anchor: log.head() })).toMatchObject({ outcome: 'ok' });
    // Every line arrived; those under way when it was given up may have arrived twice, or broken off.
    const lines = new Set(receivedIn(received).flatMap((text) => text.split('\n')));
    for (const line of facts.split('\n')) expect(lines.has(line)).toBe(true);
  });

  it('and is the only one: each request is refused in time, and none hangs', async () => {
    const { child, address } = await startReceiver(join(newFolder(), 'received'));
    const log = await open([remoteAt(address)]);
    await log.append([numbered(1)]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, (_, at) => log.append([numbered(at)])));
    const again = await Promise.allSettled([log.append([numbered(100)]), log.append([numbered(101)])]);
    const refused = [...outcomes, ...again].filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThanOrEqual(2);
    for (const outcome of refused) {
      expect(outcome).toMatchObject({
        reason: { code: 'audit-unavailable', message: expect.stringMatching(/remote: tcp 127\.0\.0\.1:\d+/) as string },
      });
    }
  });
});
