import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Fault } from '../base/error.ts';
import { verifyExitCodes, verifyLogFile, type VerifyResult } from '../audit/verify.ts';
import { listensOn } from '../client/probe.ts';
import { type Command, type Options, storeOptions } from './command.ts';
import type { CliContext, ExaminedStore } from './context.ts';
import { printJson } from './output.ts';
import { openOptions } from './connection.ts';

export const verify: Command = {
  path: ['audit', 'verify'],
  summary: 'Prove that no line of the audit log was changed',
  operands: '[FILE]',
  arity: { min: 0, max: 1 },
  description:
    'Walks the hash chain of the audit log from its first line to its last, and compares it with what the store remembers of it. ' +
    'With FILE only that file is read, and no store: a chain cut off at its end cannot be seen then.\n' +
    'Exit codes: 0 whole, 2 altered, 3 forked, 4 cut off, 6 not an audit log, 1 anything else.',
  examples: [
    { command: 'secretctl audit verify', explanation: 'The log of the store of the workspace, against that store.' },
    { command: 'secretctl audit verify -store-id=4f1c… audit.log', explanation: 'A copy of a log, elsewhere.' },
  ],
  options: {
    ...storeOptions,
    'store-id': { type: 'text', value: 'ID', description: 'With FILE: the store whose log it should be.' },
  },
  async run(context, [file], options) {
    if (file === undefined && options.text('store-id') !== undefined)
      throw new Fault('usage', '-store-id belongs to a FILE: the log of a store is compared with that store');
    if (file !== undefined) {
      return report(context, [
        [file, await verifyLogFile(resolve(context.cwd, file), { storeId: options.text('store-id') ?? null, anchor: null })],
      ]);
    }
    const store = await examine(context, options);
    if (store.unsealed === null)
      throw new Fault('sealed', 'the store is sealed: what it remembers of its log cannot be read', {
        hint: 'Give shares with -unseal-from FILE, or name the log file alone.',
      });
    const results: [string, VerifyResult][] = [];
    const { anchor } = store.unsealed;
    for (const path of store.auditFiles)
      results.push([
        path,
        anchor !== null && !existsSync(path)
          ? goneLog(anchor.seq)
          : await verifyLogFile(path, { storeId: store.storeId, anchor }),
      ]);
    if (results.length === 0) throw new Fault('settings', 'no audit sink of the store that is enabled is a file');
    return report(context, results);
  },
};

async function examine(context: CliContext, options: Options): Promise<ExaminedStore> {
  const stores = await context.stores();
  const opening = openOptions(context, options, ['audit', 'verify']);
  try {
    return await stores.examine(opening);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'store-locked') throw error;
    if (!(await listensOn((await stores.locate(opening.directory)).socketPath))) throw error;
    throw new Fault('store-locked', 'a server owns the store, and writes to its log', {
      hint: 'While it does, the log alone can be verified: secretctl audit verify FILE',
    });
  }
}

/** The store remembers lines of a file that is not there: its end was cut off before its beginning. */
function goneLog(seq: number): VerifyResult {
  const message = `the file is gone, and the log should have lines up to ${seq} at least`;
  return { outcome: 'truncated', line: null, message, notes: [], first: null, head: null };
}

function report(context: CliContext, results: readonly (readonly [string, VerifyResult])[]): number {
  if (context.json)
    printJson(
      context,
      results.map(([path, result]) => ({ path, ...result, exitCode: verifyExitCodes[result.outcome] })),
    );
  for (const [path, result] of results) {
    if (context.json) continue;
    const place = result.line === null ? path : `${path}:${result.line}`;
    context.terminal.out(
      `${place}: ${result.outcome}: ${result.message}\n${result.notes.map((note) => `  note: ${note}\n`).join('')}`,
    );
  }
  return Math.max(...results.map(([, result]) => verifyExitCodes[result.outcome]));
}
