// Owns the store of a directory until its standard input ends; says so, or what went wrong, in one line of JSON.
import { systemClock } from '../../../dist/base/clock.js';
import { openEmbeddedStore } from '../../../dist/storage/embedded.js';

const [directory, command] = process.argv.slice(2);
try {
  const store = await openEmbeddedStore(directory, { command, clock: systemClock });
  console.log(JSON.stringify({ epoch: store.epoch, pid: process.pid }));
  for await (const _chunk of process.stdin);
  await store.close();
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message, pid: process.pid }));
}
