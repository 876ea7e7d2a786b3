import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { genesis, type Head } from '../../src/audit/chain.ts';
import { fileSink } from '../../src/audit/file-sink.ts';
import { openAuditLog } from '../../src/audit/log.ts';
import { verifyLogFile } from '../../src/audit/verify.ts';
import { logBasics, storeId } from './entries.ts';

const full = process.env['SECRETCTL_FULL'] === '1';
// Built before the tests run, so that a child process can do without a loader.
const dist = resolve(import.meta.dirname, '../../dist');

/** What the parent knows of one log: entries that were acknowledged, and the furthest head it was told of. */
interface Known {
  readonly path: string;
  readonly acknowledged: Set<number>;
  head: Head;
  next: number;
}

function newLog(): Known {
  const path = join(mkdtempSync(join(tmpdir(), 'secretctl-crash-')), 'audit.log');
  return { path, acknowledged: new Set(), head: genesis(storeId), next: 1 };
}

/** Runs a child until it dies where it was told to, or is killed after so many acknowledgements. */
async function run(known: Known, death: string, killAfter: number): Promise<void> {
  const script = resolve(import.meta.dirname, 'children/append-forever.mjs');
  const child = spawn(process.execPath, [script, dist, known.path, JSON.stringify(known.head), String(known.next), death], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<string | null>((resolveEnd) => child.once('exit', (_code, signal) => resolveEnd(signal)));
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const { number, head } = JSON.parse(line) as { number: number; head: Head };
    known.acknowledged.add(number);
    if (head.seq > known.head.seq) known.head = head;
    if (++count === killAfter) child.kill('SIGKILL');
  }
  expect(await ended).toBe('SIGKILL');
  known.next += 1_000_000;
}

/** The next start: repairs, proves, and then every acknowledged entry is there. */
async function check(known: Known): Promise<void> {
  const log = await openAuditLog({ ...logBasics, sinks: [fileSink('file', known.path)], enabled: ['file'], anchor: known.head });
  known.head = log.head();
  await log.close();
  expect(await verifyLogFile(known.path, { storeId, anchor: known.head })).toMatchObject({
    outcome: 'ok',
    first: known.head.seq === 0 ? null : 1,
  });
  const stored = new Set<number>();
  for (const line of readFileSync(known.path, 'utf8').split('\n').slice(0, -1)) {
    const { facts } = (JSON.parse(line) as { request: { facts: { number?: number } } }).request;
    if (facts.number !== undefined) stored.add(facts.number);
  }
  for (const number of known.acknowledged) if (!stored.has(number)) expect.fail(`the acknowledged entry ${number} is lost`);
}

describe('a process killed while it appends', { timeout: full ? 900_000 : 60_000 }, () => {
  it('at each step of a batch loses no acknowledged entry and leaves a log that goes on', async () => {
    const known = newLog();
    const steps = [
      'write:1:0',
      'write:3:1',
      'write:3:57',
      'write:3:2000',
      'sync:3',
      'synced:3',
      ...(full ? Array.from({ length: 60 }, (_, at) => `write:${at + 2}:${at * 31}`) : []),
    ];
    for (const step of steps) {
      await run(known, step, Infinity);
      await check(known);
    }
    expect(known.acknowledged.size).toBeGreaterThan(steps.length);
  });

  it('at random moments loses no acknowledged entry', async () => {
    const known = newLog();
    const rounds = full ? 200 : 12;
    let seed = Number(process.env['SECRETCTL_SEED'] ?? 20_261_124);
    for (let round = 0; round < rounds; round++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      await run(known, '', 1 + (seed % 400));
      await check(known);
    }
    expect(known.acknowledged.size).toBeGreaterThan(rounds * 10);
  });
});
