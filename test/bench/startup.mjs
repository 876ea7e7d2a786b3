// How long a command takes that does next to nothing.
import { spawnSync } from 'node:child_process';
import { median, now, program } from './measure.mjs';
import { row } from './table.mjs';
import { createWorkspace } from './workspace.mjs';

const rounds = Number(process.env.BENCH_ROUNDS ?? 0) || 40;

export async function startup() {
  const workspace = createWorkspace();
  try {
    const run = (args, input) => {
      const start = now();
      const { status, stderr } = spawnSync(process.execPath, args, {
        cwd: workspace.directory,
        env: workspace.env,
        input: input ?? '',
      });
      if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
      return now() - start;
    };
    run([program, 'write', 'sys/mounts/kv', 'type=kv-v2']);
    run([program, 'kv', 'put', 'kv/some/secret', 'value=-'], 'secret');
    const commands = {
      bare: ['-e', '0'],
      version: [program, 'version'],
      help: [program, '-help'],
      get: [program, 'kv', 'get', 'kv/some/secret'],
    };
    const samples = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
    // Interleaved, so that a neighbour's load falls on all of them.
    for (let round = 0; round < rounds; round++) {
      for (const [name, args] of Object.entries(commands)) samples[name].push(run(args));
    }
    const baseline = { what: 'node -e 0', value: median(samples.bare) };
    return [
      row('startup', 'secretctl version', 'ms', median(samples.version), { baseline, aim: { most: 1.6, of: 'ratio' } }),
      row('startup', 'secretctl -help', 'ms', median(samples.help), { baseline }),
      row('startup', 'secretctl kv get', 'ms', median(samples.get), { baseline }),
    ];
  } finally {
    workspace.close();
  }
}
