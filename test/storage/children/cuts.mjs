// Opens copies of a store whose data file is cut to each of the given lengths, and reads all of each. One line per
// length: the code of the fault, or "whole <digest of all keys and values>".
import { createHash } from 'node:crypto';
import { cpSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../dist/base/clock.js';
import { openEmbeddedStore } from '../../../dist/storage/embedded.js';

const [directory, ...lengths] = process.argv.slice(2);
for (const length of lengths) {
  const copy = `${directory}.${length}`;
  cpSync(directory, copy, { recursive: true });
  truncateSync(join(copy, 'data.mdb'), Number(length));
  try {
    const store = await openEmbeddedStore(copy, { command: 'cuts', clock: systemClock });
    const hash = createHash('sha256');
    for (const { key, value } of await store.backend.list('', { values: true })) hash.update(key).update(value);
    await store.close();
    console.log(length, 'whole', hash.digest('hex'));
  } catch (error) {
    console.log(length, error.code);
  }
  rmSync(copy, { recursive: true });
}
