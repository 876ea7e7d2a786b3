// Writes to the store of a directory from several sides until it is killed. Each batch sets two keys to the same number;
// the line "attempt <writer> <number>" comes before it, "ack <writer> <number>" after it was acknowledged.
import { writeSync } from 'node:fs';
import { systemClock } from '../../../dist/base/clock.js';
import { openEmbeddedStore } from '../../../dist/storage/embedded.js';

const [directory, writers, size] = process.argv.slice(2);
const { backend, epoch } = await openEmbeddedStore(directory, { command: 'writer', clock: systemClock });

async function write(writer) {
  const last = await backend.get(`left/${writer}`);
  for (let number = last === null ? 1 : Number(Buffer.from(last.value).toString().trim()) + 1; ; number++) {
    writeSync(1, `attempt ${writer} ${number}\n`);
    const value = Buffer.from(String(number).padEnd(Number(size)));
    const put = new Map([
      [`left/${writer}`, value],
      [`right/${writer}`, value],
      [`log/${writer}/${number}`, Buffer.from('x')],
    ]);
    // Room that comes free again, so that pages are reused.
    const deleted = new Set([`log/${writer}/${number - 20}`]);
    await backend.commit({ epoch, expect: new Map(), unchanged: [], put, delete: deleted });
    writeSync(1, `ack ${writer} ${number}\n`);
  }
}

await Promise.all(Array.from({ length: Number(writers) }, (_, index) => write(index)));
