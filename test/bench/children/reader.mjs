// One process: a reader asks for a secret 250 times a second, alone, and then while the repo is applied for the first time.
// A read's latency counts from the moment at which it was due, so that a blocked event loop is seen in all of them.
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { kinds } from '../../../dist/catalog.js';
import { stores } from '../../../dist/compose.js';
import { planRepo } from '../../../dist/cli/planning.js';
import { toApplyBody } from '../../../dist/plan/apply-body.js';
import { percentile } from '../measure.mjs';

const [directory, configDirectory, token] = process.argv.slice(2);
const store = await stores.open({
  directory: join(directory, '.secretctl'),
  configDirectory,
  command: 'bench',
  lockTimeout: 0,
  acceptAuditLoss: false,
  nextShare: () => Promise.resolve(null),
  notify: () => undefined,
});
const send = (operation, path, data = {}) => store.handle({ operation, path, data, token });

await send('write', 'sys/mounts/reader', { type: 'kv-v2' });
await send('write', 'reader/data/secret', { data: { password: 'canary' } });
const read = () => send('read', 'reader/data/secret');

const context = {
  cwd: directory,
  env: process.env,
  json: true,
  kinds: () => Promise.resolve(kinds),
  terminal: { out: () => undefined, err: (text) => process.stderr.write(text), colour: false, interactive: false },
  interrupted: new AbortController().signal,
};
const options = { text: () => undefined, list: () => [], flag: () => false, number: () => undefined };
const planned = await planRepo(context, { storeId: store.storeId, store, request: send }, options);
if (planned === null) throw new Error('the repo has errors');
const body = await toApplyBody(planned.plan, () => null);

for (let warm = 0; warm < 500; warm++) await read();
const idle = await readWhile(new Promise((resolve) => setTimeout(resolve, 4000)));
const start = performance.now();
const during = await readWhile(send('write', 'sys/apply', body));
const seconds = (performance.now() - start) / 1000;
await store.close();
process.stdout.write(JSON.stringify({ idle: of(idle), during: of(during), seconds, changes: planned.plan.changes.length }));

async function readWhile(work) {
  const period = 4;
  const samples = [];
  const under = new Set();
  let over = false;
  let due = performance.now();
  const pump = () => {
    for (const current = performance.now(); due <= current; due += period) {
      const from = due;
      const one = read().then(() => samples.push(performance.now() - from));
      under.add(one);
      one.finally(() => under.delete(one));
    }
    if (!over) setTimeout(pump, 1);
  };
  pump();
  await work;
  over = true;
  await Promise.all(under);
  return samples;
}

function of(samples) {
  return { count: samples.length, p50: percentile(samples, 0.5), p99: percentile(samples, 0.99), max: percentile(samples, 1) };
}
