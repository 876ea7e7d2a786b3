import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { createEmbeddedStore, openEmbeddedStore } from '../../src/storage/embedded.ts';

const acker = fileURLToPath(new URL('../storage/children/acker.mjs', import.meta.url));
const full = process.env['SECRETCTL_FULL'] === '1';
const options = { command: 'test', clock: systemClock };

let parent: string;
let directory: string;

beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), 'secretctl-system-'));
  directory = join(parent, 'store');
  await makeStore(directory);
});

afterEach(() => rmSync(parent, { recursive: true }));

async function makeStore(path: string): Promise<void> {
  await (await createEmbeddedStore(path, { ...options, random: systemRandom })).close();
}

interface Run {
  readonly lines: readonly string[];
  readonly errors: string;
  readonly status: number | null;
}

/** Runs the acknowledging writer, under strace where there are arguments for it. */
function run(path: string, count: number, size: number, strace: readonly string[] = []): Run {
  const command = [process.execPath, acker, path, String(count), String(size)];
  const [program = '', ...args] = strace.length === 0 ? command : ['strace', '-f', ...strace, ...command];
  // One thread, since strace counts the calls of each thread on its own.
  const result = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, UV_THREADPOOL_SIZE: '1' } });
  if (result.error !== undefined) throw result.error;
  return { lines: result.stdout.split('\n').filter((line) => line !== ''), errors: result.stderr, status: result.status };
}

const acked = (lines: readonly string[]) => lines.filter((line) => line.startsWith('ack ')).map((line) => Number(line.slice(4)));

async function stored(path: string): Promise<number[]> {
  const store = await openEmbeddedStore(path, options);
  const records = await store.backend.list('record/', { values: true });
  await store.close();
  const numbers = records.map((record) => Number(record.key.slice('record/'.length)));
  const beginnings = records.map((record) =>
    Buffer.from(record.value ?? [])
      .toString()
      .slice(0, 12),
  );
  expect(beginnings).toEqual(numbers.map((number) => `${number} `.repeat(12).slice(0, 12)));
  return numbers.sort((a, b) => a - b);
}

/** A run that met a fault said so and exited with an error, refused what came later, and lost nothing acknowledged. */
async function expectOrderlyFault(path: string, { lines, errors, status }: Run, code: string): Promise<void> {
  const report = { lines, errors, status };
  expect(
    lines.filter((line) => line.startsWith('fault ')).map((line) => line.split(' ')[1]),
    JSON.stringify(report),
  ).toEqual([code]);
  expect(lines.filter((line) => line.startsWith('later '))).toEqual(
    lines.includes('closed') ? Array(4).fill(`later ${code}`) : [],
  );
  expect(lines.filter((line) => line.startsWith('unhandled'))).toEqual([]);
  expect(status).toBe(3);
  const there = await stored(path);
  const promised = acked(lines);
  expect(there.slice(0, promised.length)).toEqual(promised);
  expect(there.length).toBeLessThanOrEqual(promised.length + 1);
}

describe('the system calls of a commit', () => {
  test('write its pages, sync them and write the meta page synchronously, all before it is acknowledged', () => {
    const trace = join(parent, 'trace');
    const calls = 'openat,write,writev,pwrite64,pwritev,fdatasync,fsync,lseek';
    const { lines, errors } = run(directory, 20, 5000, ['-y', '-o', trace, '-e', `trace=${calls}`]);
    expect(acked(lines), errors).toHaveLength(20);
    const events = readFileSync(trace, 'utf8')
      .split('\n')
      .map((line) => line.replace(/^\d+ +/, ''));
    const synchronous = events
      .map((line) => /^openat\(.*data\.mdb", O_WRONLY\|O_DSYNC.* = (\d+)</.exec(line)?.[1])
      .find((fd) => fd !== undefined);
    expect(synchronous).toBeDefined();
    // What happened to the data file between two lines of output, one word per call that matters.
    const between: string[][] = [[]];
    for (const event of events) {
      if (/^write\(1</.test(event)) between.push([]);
      else if (event.startsWith(`pwrite64(${synchronous}<`)) between.at(-1)?.push('meta');
      else if (/^(writev|pwrite64|pwritev)\(\d+<[^>]*data\.mdb>/.test(event)) between.at(-1)?.push('pages');
      else if (/^fdatasync\(\d+<[^>]*data\.mdb>\) += 0/.test(event)) between.at(-1)?.push('sync');
      else if (/^<\.\.\. fdatasync resumed>\) += 0/.test(event)) between.at(-1)?.push('sync');
    }
    // The first piece ends with "open", the last with "closed"; each of the others is one commit.
    for (const commit of between.slice(1, -2)) {
      expect(commit.filter((call, index) => call !== commit[index - 1])).toEqual(['pages', 'sync', 'meta']);
    }
    expect(between).toHaveLength(23);
  });
});

describe('a disk that fails', () => {
  const writes = 'pwrite64,writev,pwritev';
  const cases = [
    ...[1, 2, 5].map((when) => [`the sync of commit ${when}`, 'fdatasync', String(when)] as const),
    ...[1, 2, 3, 4, 5, 8].map((when) => [`write ${when} of pages or meta page`, writes, String(when)] as const),
    ['every sync from the third', 'fdatasync', '3+'],
    ['every write from the fifth', writes, '5+'],
    ...(full ? Array.from({ length: 60 }, (_, index) => [`write ${index + 9}`, writes, String(index + 9)] as const) : []),
  ] as const;

  test.each(cases)('with EIO at %s is a fault of its own kind, and loses nothing acknowledged', async (_where, calls, when) => {
    const injection = [
      '-o',
      '/dev/null',
      '-P',
      join(directory, 'data.mdb'),
      '-e',
      `trace=${calls}`,
      '-e',
      `inject=${calls}:error=EIO:when=${when}`,
    ];
    await expectOrderlyFault(directory, run(directory, 50, 5000, injection), 'store-io');
  });
});

describe('a disk that is full', () => {
  test.each(['1', '2', '3', '4', '9+'])(
    'at write %s is a fault of its own kind, and loses nothing acknowledged',
    async (when) => {
      const calls = 'pwrite64,writev,pwritev';
      const injection = [
        '-o',
        '/dev/null',
        '-P',
        join(directory, 'data.mdb'),
        '-e',
        `trace=${calls}`,
        '-e',
        `inject=${calls}:error=ENOSPC:when=${when}`,
      ];
      await expectOrderlyFault(directory, run(directory, 50, 5000, injection), 'store-full');
    },
  );

  // Only where this process may mount a small disk (in a mount namespace of its own); the injected faults run anywhere.
  const namespace = ['--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user', '--user'])];
  const mayMount = spawnSync('unshare', [...namespace, 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0;

  if (mayMount)
    test('for real is the same, and the store goes on once there is room', async () => {
      const disk = join(parent, 'disk');
      mkdirSync(disk);
      const script = `
      mount -t tmpfs -o size=400k tmpfs "$1" && cp -r "$2" "$1/store" || exit 9
      "$3" "$4" "$1/store" 500 5000; echo "status $?"
      mount -o remount,size=4m "$1"
      "$3" "$4" "$1/store" 10 5000; echo "status $?"
      cp -r "$1/store" "$5"`;
      const after = join(parent, 'after');
      const args = [...namespace, 'sh', '-c', script, 'sh', disk, directory, process.execPath, acker, after];
      const output = execFileSync('unshare', args, { encoding: 'utf8', stdio: 'pipe' });
      const lines = output.split('\n');
      const end = lines.findIndex((line) => line.startsWith('status'));
      const first = lines.slice(0, end);
      expect(lines[end]).toBe('status 3');
      expect(first.filter((line) => line.startsWith('fault')).map((line) => line.split(' ')[1])).toEqual(['store-full']);
      expect(first.filter((line) => line.startsWith('later'))).toEqual(Array(4).fill('later store-full'));
      expect(acked(first).length).toBeGreaterThan(5);
      const second = lines.slice(end + 1);
      expect(acked(second)).toHaveLength(10);
      expect(second).toContain('status 0');
      expect((await stored(after)).slice(0, acked(first).length)).toEqual(acked(first));
    });
});

describe('a sync that takes long', () => {
  test('is shared by all commits that come meanwhile', async () => {
    const trace = join(parent, 'trace');
    const slow = [
      '-o',
      trace,
      '-P',
      join(directory, 'data.mdb'),
      '-e',
      'trace=fdatasync',
      '-e',
      'inject=fdatasync:delay_exit=50000',
    ];
    const writer = fileURLToPath(new URL('../storage/children/burst.mjs', import.meta.url));
    const result = spawnSync('strace', ['-f', ...slow, process.execPath, writer, directory, '64', '5'], { encoding: 'utf8' });
    expect(result.stdout.trim(), result.stderr).toBe('320');
    const syncs = readFileSync(trace, 'utf8')
      .split('\n')
      .filter((line) => /fdatasync\(\d/.test(line)).length;
    expect(syncs).toBeLessThan(16);
    const store = await openEmbeddedStore(directory, options);
    expect(await store.backend.get('done')).toMatchObject({ value: utf8('320') });
    await store.close();
  });
});
