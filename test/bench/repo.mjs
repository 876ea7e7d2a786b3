// A repo of 10,000 documents through the real command line: validate, first apply, plan of no change.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { documents, inFewFiles } from './documents.mjs';
import { measureChild, median, program } from './measure.mjs';
import { row } from './table.mjs';
import { createWorkspace, writeFiles } from './workspace.mjs';

export const size = { count: Number(process.env.BENCH_DOCUMENTS ?? 10_000), sealed: Number(process.env.BENCH_SEALED ?? 500) };
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const baselineProgram = fileURLToPath(new URL('children/baseline.mjs', import.meta.url));
const megabyte = 1024 * 1024;

export async function repo() {
  const workspace = createWorkspace();
  try {
    const all = await documents({ ...size, recipient: workspace.recipient });
    writeFiles(workspace.directory, all);
    const few = join(workspace.base, 'few');
    mkdirSync(few);
    writeFileSync(join(few, 'secretctl.yaml'), readFileSync(join(workspace.directory, 'secretctl.yaml')));
    writeFiles(few, inFewFiles(all, 500));
    const untouched = join(workspace.base, 'untouched');
    cpSync(workspace.store, untouched, { recursive: true });

    const runs = [];
    for (let round = 0; round < rounds; round++) {
      rmSync(workspace.store, { recursive: true });
      cpSync(untouched, workspace.store, { recursive: true });
      runs.push(oneRound(workspace, few));
    }
    return rowsOf(runs);
  } finally {
    workspace.close();
  }
}

function oneRound({ directory, store, env }, few) {
  const run = (args, cwd, says) => {
    const measured = measureChild([program, ...args], { cwd, env });
    if (!measured.stdout.includes(says))
      throw new Error(`secretctl ${args.join(' ')} did not say "${says}":\n${measured.stdout.slice(-2000)}`);
    return measured;
  };
  const baseline = (args) => {
    const measured = measureChild([baselineProgram, ...args.map(String)], { env });
    return { ...measured, steps: JSON.parse(measured.stdout) };
  };
  return {
    parse: baseline(['parse', directory]),
    parseFew: baseline(['parse', few]),
    bare: baseline(['store', size.count, size.sealed]),
    validate: run(['validate'], directory, 'Success!'),
    validateFew: run(['validate'], few, 'Success!'),
    apply: run(['apply', '-auto-approve'], directory, 'Apply complete!'),
    plan: run(['plan'], directory, 'No changes.'),
    planFew: run(['plan', `-store=${store}`], few, 'No changes.'),
  };
}

function rowsOf(runs) {
  const of = (read) => median(runs.map(read));
  const peak = { what: 'yaml, all values kept', value: of(({ parse }) => parse.peak) };
  const cases = [
    ['validate', 'validate', 'the same files through yaml', ['parse'], [], 3],
    ['validateFew', 'validate, files of 500', 'the same files through yaml', ['parseFew'], [], 3],
    ['plan', 'plan without change', 'yaml, bare reads', ['parse'], ['get'], 4],
    ['planFew', 'plan without change, files of 500', 'yaml, bare reads', ['parseFew'], ['get'], 4],
    ['apply', `apply, ${size.sealed} sealed`, 'yaml, bare puts, age', ['parse'], ['put', 'open'], 10],
  ];
  return cases.flatMap(([key, what, name, children, steps, most]) => {
    const baseline = (unit) => ({
      what: name,
      value:
        children.reduce((sum, child) => sum + of((run) => run[child][unit]), 0) +
        steps.reduce((sum, step) => sum + of(({ bare }) => bare.steps[step][unit]), 0),
    });
    const aim = { most, of: 'value' };
    return [
      row(
        'repo',
        what,
        's',
        of((run) => run[key].wall),
        { baseline: baseline('wall'), aim },
      ),
      // What the clock would show on a machine where nobody else works.
      row(
        'repo',
        `${what}: processor`,
        's',
        of((run) => run[key].cpu),
        { baseline: baseline('cpu'), aim },
      ),
      row(
        'repo',
        `${what}: peak memory`,
        'B',
        of((run) => run[key].peak),
        { baseline: peak, aim: { most: 512 * megabyte, of: 'value' } },
      ),
    ];
  });
}
