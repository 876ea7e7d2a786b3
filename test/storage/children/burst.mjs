// So many writers count so many steps each, side by side, each step one durable commit; prints how many that were.
import { systemClock } from '../../../dist/base/clock.js';
import { openEmbeddedStore } from '../../../dist/storage/embedded.js';

const [directory, writers, steps] = process.argv.slice(2);
const { backend, epoch, close } = await openEmbeddedStore(directory, { command: 'burst', clock: systemClock });
const put = (key, value) =>
  backend.commit({
    epoch,
    expect: new Map(),
    unchanged: [],
    put: new Map([[key, Buffer.from(String(value))]]),
    delete: new Set(),
  });

let done = 0;
async function write(writer) {
  for (let step = 0; step < Number(steps); step++) {
    await put(`step/${writer}/${step}`, step);
    done++;
  }
}

await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)));
await put('done', done);
await close();
console.log(done);
