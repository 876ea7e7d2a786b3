// Writes records to the store of a directory one after the other, and says "ack <number>" when one is acknowledged. At the
// first fault it says which, tries to go on and to close, says how that went, and exits with 3.
import { writeSync } from 'node:fs';
import { systemClock } from '../../../dist/base/clock.js';
import { openEmbeddedStore } from '../../../dist/storage/embedded.js';

const say = (line) => writeSync(1, `${line}\n`);
const [directory, count, size] = process.argv.slice(2);
process.on('unhandledRejection', (error) => say(`unhandled ${error}`));

async function run() {
  const store = await openEmbeddedStore(directory, { command: 'acker', clock: systemClock });
  say(`open ${store.epoch}`);
  const write = (number) =>
    store.backend.commit({
      epoch: store.epoch,
      expect: new Map(),
      unchanged: [],
      put: new Map([[`record/${number}`, Buffer.alloc(Number(size), `${number} `)]]),
      delete: new Set(),
    });
  try {
    for (let number = 1; number <= Number(count); number++) {
      await write(number);
      say(`ack ${number}`);
    }
  } catch (error) {
    say(`fault ${error.code} ${error.message}`);
    for (const later of [write(0), store.backend.get('record/1'), store.backend.list(''), store.backend.advanceEpoch()]) {
      await later.then(
        () => say('later ok'),
        (refusal) => say(`later ${refusal.code}`),
      );
    }
    process.exitCode = 3;
  }
  await store.close();
  say('closed');
}

await run().catch((error) => {
  say(`fault ${error.code} ${error.message}`);
  process.exitCode = 3;
});
