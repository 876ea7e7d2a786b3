// Works on a real embedded store until it is done, or until it is killed. It prints "ready" once its modules are loaded
// and takes a job (see ../job.ts) as one line of standard input. Each call prints "call <id>" before it is sent and
// "answer <id> <json>" after its answer; "end <json>" follows an orderly close.
import { writeSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { createInterface } from 'node:readline';
import { assemble } from '../../../dist/assemble.js';
import { fileSink } from '../../../dist/audit/file-sink.js';
import { openLogFile } from '../../../dist/audit/log-file.js';
import { systemClock } from '../../../dist/base/clock.js';
import { systemRandom } from '../../../dist/base/random.js';
import { seenDigest } from '../../../dist/protocol/seen-digest.js';
import { openSeal, unsealStore } from '../../../dist/seal/unseal.js';
import { readSettings } from '../../../dist/settings.js';
import { openEmbeddedStore } from '../../../dist/storage/embedded.js';
import { createStore } from '../../../dist/storage/optimistic.js';

const clock = systemClock;
const random = systemRandom;
const print = (line) => writeSync(1, `${line}\n`);

print('ready');
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const job = JSON.parse((await lines.next()).value);

const counts = { commit: 0, append: 0 };

function dies(what, when) {
  const { death } = job;
  return death !== null && death.what === what && death.when === when && counts[what] === death.number;
}

function die() {
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}

function countingBackend(backend) {
  return {
    get: (key) => backend.get(key),
    list: (prefix, options) => backend.list(prefix, options),
    advanceEpoch: () => backend.advanceEpoch(),
    close: () => backend.close(),
    async commit(batch) {
      // A mere check of what was read changes nothing.
      if (batch.put.size + batch.delete.size === 0) return backend.commit(batch);
      const number = ++counts.commit;
      if (dies('commit', 'before')) die();
      const result = await backend.commit(batch);
      if (job.death?.what === 'commit' && job.death.when === 'after' && job.death.number === number) die();
      return result;
    },
  };
}

async function openCountingFile(path) {
  const file = await openLogFile(path);
  let written = false;
  return {
    ...file,
    async write(bytes) {
      counts.append++;
      if (dies('append', 'before')) die();
      if (dies('append', 'torn')) {
        await file.write(bytes.subarray(0, bytes.byteLength / 2));
        die();
      }
      written = true;
      return file.write(bytes);
    },
    async datasync() {
      await file.datasync();
      if (written && dies('append', 'after')) die();
    },
  };
}

const { directory, configDirectory } = job;
const settings = await readSettings(directory);
const embedded = await openEmbeddedStore(join(directory, settings.storage.path), { command: 'crash test', clock });
const { storeId, epoch } = embedded;
const store = createStore(countingBackend(embedded.backend), epoch);
const seal = await openSeal(store, { storeId, random, settings: { keyFile: join(configDirectory, `${storeId}.key`) } });
const barrier = await unsealStore(store, seal, { storeId, random, clock });
const sinks = Object.entries(settings.audit).map(
  ([
    name,
    {
      options: { path },
    },
  ]) => fileSink(name, isAbsolute(path) ? path : join(directory, path), openCountingFile),
);
const system = await assemble({ storeId, epoch, store, barrier, clock, random, sinks });

/** Tokens and accessors that calls of this job have made, by the call's id. */
const made = new Map();

/** `{"$token": id}` and `{"$accessor": id}` among the members stand for what an earlier call has made. */
function resolved(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (value.$token !== undefined) return made.get(value.$token)?.client_token ?? 'none';
  if (value.$accessor !== undefined) return made.get(value.$accessor)?.accessor ?? 'none';
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, resolved(member)]));
}

function send(operation, path, data, token) {
  return system.handle({ operation, path, data, token, remote: null, wrapTtl: null });
}

async function answered(id, request, more = {}) {
  print(`call ${id}`);
  try {
    const { status = 200, data = null, auth = null } = await request();
    if (auth !== null) made.set(id, auth);
    print(`answer ${id} ${JSON.stringify({ ...more, status, data, auth, counts })}`);
  } catch (error) {
    const { status = null, message } = error;
    print(`answer ${id} ${JSON.stringify({ ...more, status, message, counts })}`);
  }
}

/** What a plan does: reads everything at one revision, and decides of each object whether it is made or changed. */
async function prepareApply({ project, commit, planDigest, ahead, changes, malformed, token }) {
  const reads = changes.flatMap((change) => change.reads);
  const { data } = await send('write', 'sys/managed/snapshot', { project, reads }, token);
  let at = 0;
  const sent = changes.flatMap(({ address, reads, absent, present, record }) => {
    const replies = data.replies.slice(at, (at += reads.length));
    const requests = replies[0] === null ? absent : present;
    if (requests === null) return [];
    const action = record === null ? 'delete' : replies[0] === null ? 'create' : 'update';
    return [{ address, action, reads, seen: seenDigest(replies), requests, record }];
  });
  const body = { project, storeId, base: data.revision + ahead, commit, planDigest, changes: sent, ...malformed };
  return { body, requests: sent.reduce((sum, change) => sum + change.requests.length, 0) };
}

async function run(step) {
  if (step.applies !== undefined) {
    const prepared = await Promise.all(step.applies.map(({ apply }) => prepareApply(apply)));
    await Promise.all(
      step.applies.map(({ id, apply }, index) => {
        const { body, requests } = prepared[index];
        return answered(id, () => send('write', 'sys/apply', body, apply.token), { requests });
      }),
    );
    return;
  }
  const { id, operation, path } = step;
  const data = resolved(step.data);
  const token = resolved(step.token);
  await answered(id, () => send(operation, path, data, token));
}

await Promise.all(
  job.lanes.map(async (lane) => {
    for (const step of lane) await run(step);
  }),
);
// As compose.ts does.
await system.tidy(clock.now() + 2000);
await system.close();
barrier.seal();
await embedded.close();
print(`end ${JSON.stringify(counts)}`);
process.stdin.destroy();
