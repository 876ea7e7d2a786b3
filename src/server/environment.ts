import { Fault } from '../base/error.ts';

/** Options of Node with which another process could read the memory of this one, or which write it to a file. */
const revealing = /^--(inspect|heapsnapshot|heap-prof|cpu-prof|report|diagnostic-dir|trace-|prof|experimental-repl)/;

/**
 * A server holds the keys of the store in its memory: it does not start where something was told to show it. Throws
 * Fault `settings`.
 */
export function refuseDebuggers(execArgv: readonly string[], env: Readonly<Record<string, string | undefined>>): void {
  const options = env.NODE_OPTIONS?.trim() ?? '';
  if (options !== '') {
    throw new Fault('settings', 'NODE_OPTIONS is set: the server does not start with options that it did not choose', {
      hint: 'Start it with: env -u NODE_OPTIONS secretctl server',
    });
  }
  const found = execArgv.find((option) => revealing.test(option));
  if (found !== undefined) {
    throw new Fault('settings', `the server does not start with ${found.split('=')[0]}: it would show the keys in its memory`, {
      hint: 'Start it without options of Node.',
    });
  }
}

/** What an operator should know of this Node; null: nothing. */
export function nodeWarning(nodeVersion: string): string | null {
  const major = Number(/^v?(\d+)\./.exec(nodeVersion)?.[1] ?? 0);
  if (major >= 22 && major % 2 === 0) return null;
  return `Node ${nodeVersion} gets no more security fixes: run the server on Node 24`;
}
