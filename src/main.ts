#!/usr/bin/env node
import process from 'node:process';

process.umask(0o077);
process.on('unhandledRejection', (error) => {
  // A commit that fails is rejected by lmdb a turn before whoever waits for it listens: it is heard of there.
  if (typeof error === 'object' && error !== null && 'commitError' in error) return;
  throw error;
});
const argv = process.argv.slice(2);

if (argv.length === 1 && /^(version|--?version|-v)$/.test(argv[0] ?? '')) {
  // What scripts ask most often needs nothing of the rest.
  const { version } = await import('./base/version.ts');
  process.stdout.on('error', () => {
    process.exitCode = 1;
  });
  process.stdout.write(`secretctl ${version()}\n`);
} else {
  const { runProcess } = await import('./cli/process.ts');
  process.exitCode = await runProcess(argv, {
    kinds: async () => (await import('./catalog.ts')).kinds,
    stores: async () => (await import('./compose.ts')).stores,
    serve: async (options) => (await import('./serve.ts')).serve(options),
  });
}
