// Appends to a log until it is killed, and tells its parent of each entry that was acknowledged.
// argv: folder of the built sources, log file, anchor (JSON), first number, where to die ('' or 'write:3:57', 'sync:3', 'synced:3')
import { writeSync } from 'node:fs';

const [dist, path, anchor, first, death] = process.argv.slice(2);
const { openAuditLog } = await import(`${dist}/audit/log.js`);
const { fileSink } = await import(`${dist}/audit/file-sink.js`);
const { openLogFile } = await import(`${dist}/audit/log-file.js`);

const [point, count, bytes] = death.split(':');
const calls = { write: 0, sync: 0, synced: 0 };
function dieAt(name) {
  calls[name]++;
  if (name !== point || calls[name] !== Number(count)) return;
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}

async function open(at) {
  const file = await openLogFile(at);
  return {
    ...file,
    write: async (lines) => {
      if (point === 'write' && calls.write + 1 === Number(count)) await file.write(lines.subarray(0, Number(bytes)));
      dieAt('write');
      return file.write(lines);
    },
    datasync: async () => {
      dieAt('sync');
      await file.datasync();
      dieAt('synced');
    },
  };
}

const storeId = '6f2c7a52-8b0e-4c6e-9d0b-2f6f1c1f5a10';
const key = new Uint8Array(32).fill(1);
const log = await openAuditLog({
  storeId,
  key,
  boot: `boot-${first}`,
  epoch: 1,
  clock: { now: () => 0 },
  sinks: [fileSink('file', path, open)],
  enabled: ['file'],
  anchor: JSON.parse(anchor),
});
let number = Number(first);
async function work() {
  for (;;) {
    const mine = number++;
    const facts = { number: mine, text: 'x'.repeat(mine % 500) };
    await log.append([{ type: 'system', request: null, verb: null, mount: null, auth: null, reply: null, error: null, facts }]);
    writeSync(1, `${JSON.stringify({ number: mine, head: log.head() })}\n`);
  }
}
for (let worker = 0; worker < 8; worker++) void work();
