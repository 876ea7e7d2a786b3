// How things are measured: child processes with what they used, and numbers out of many samples.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const usageReporter = new URL('children/report-usage.mjs', import.meta.url).href;

/** Milliseconds, with a fraction, from an arbitrary start. */
export const now = () => performance.now();

/**
 * Runs a Node program to its end: `{ wall, cpu, peak, stdout }` in seconds and bytes. What it used it reports itself,
 * in its last moment. Throws where it does not end as expected: a benchmark of a failure says nothing.
 */
export function measureChild(args, { cwd, env = process.env, input = '', code = 0 } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'secretctl-usage-'));
  const file = join(directory, 'usage.json');
  try {
    const start = now();
    const result = spawnSync(process.execPath, ['--import', usageReporter, ...args], {
      cwd,
      env: { ...env, BENCH_USAGE_FILE: file },
      input,
      encoding: 'utf8',
      maxBuffer: 512 * 1024 * 1024,
    });
    const wall = (now() - start) / 1000;
    if (result.status !== code) {
      throw new Error(
        `${args.join(' ')} ended with ${result.status ?? result.signal}:\n${result.stdout.slice(-2000)}${result.stderr.slice(-4000)}`,
      );
    }
    const { cpu, peak } = JSON.parse(readFileSync(file, 'utf8'));
    return { wall, cpu, peak, stdout: result.stdout };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The run with the median wall time of several. */
export function medianChild(rounds, args, options) {
  const runs = Array.from({ length: rounds }, () => measureChild(args, options));
  return runs.sort((a, b) => a.wall - b.wall)[Math.floor(rounds / 2)];
}

/** The value below which this share of the samples lies. */
export function percentile(samples, share) {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export const median = (samples) => percentile(samples, 0.5);

/** Seconds that `work` takes, as the median of several rounds. */
export async function timed(rounds, work) {
  const samples = [];
  for (let round = 0; round < rounds; round++) {
    const start = now();
    await work(round);
    samples.push((now() - start) / 1000);
  }
  return median(samples);
}

/** Latencies in milliseconds of `count` calls, `concurrency` of them under way at a time, and the rate of all per second. */
export async function latencies(count, concurrency, call) {
  const samples = new Float64Array(count);
  let next = 0;
  const start = now();
  const caller = async () => {
    while (next < count) {
      const index = next++;
      const begun = now();
      await call(index);
      samples[index] = now() - begun;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return { samples, rate: count / ((now() - start) / 1000) };
}
