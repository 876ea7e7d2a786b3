// Loaded into a server before its own modules (node --import): wraps every durable or external step that it takes,
// and kills it at the one that it is told to. Through its IPC channel it takes {"arm": n}: from now on the n-th step is
// the last one, and {"disarm": true}, which is answered with the steps that were taken since. SECRETCTL_KILL_AT=n arms it from the
// start. The last thing it writes to standard error is "killed at <step>".
import { writeSync } from 'node:fs';
import { ServerResponse } from 'node:http';
import pg from 'pg';
import { fileSink } from '../../../../../dist/audit/file-sink.js';
import { LmdbWriteQueue } from '../../../../../dist/storage/lmdb-write-queue.js';

let last = Number(process.env['SECRETCTL_KILL_AT'] ?? 0);
let taken = [];

function step(name) {
  if (last === 0) return;
  taken.push(name);
  if (taken.length !== last) return;
  writeSync(2, `killed at ${name}\n`);
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}

/**
 * Before a step, where it has been handed over, and when it is done. The moment before one is left out where the last
 * thing that happened is the end of another: what outlives the process is as it was then.
 */
function wrap(prototype, method, nameOf, handedOver = false) {
  const original = prototype[method];
  prototype[method] = function (...words) {
    const name = nameOf(words);
    if (taken.length === 0 || !taken.at(-1).startsWith('after')) step(`before ${name}`);
    const callback = words.at(-1);
    if (typeof callback === 'function') {
      words[words.length - 1] = (...results) => {
        step(`after ${name}`);
        return callback(...results);
      };
      return original.apply(this, words);
    }
    const result = original.apply(this, words);
    if (handedOver) step(`during ${name}`);
    if (typeof result?.then !== 'function') {
      step(`after ${name}`);
      return result;
    }
    return result.then(
      (value) => {
        step(`after ${name}`);
        return value;
      },
      (error) => {
        step(`after the failure of ${name}`);
        throw error;
      },
    );
  };
}

/** Without what may be secret or differs from one round to the next. */
const statementOf = ([query]) =>
  /^\s*\w+(?:\s+[a-z_]+\b)?/i
    .exec(typeof query === 'string' ? query : query.text)?.[0]
    .replaceAll(/\s+/g, ' ')
    .trim() ?? '';

wrap(LmdbWriteQueue.prototype, 'write', () => 'a commit');
wrap(Object.getPrototypeOf(fileSink('', '/')), 'append', () => 'an audit append');
wrap(pg.Client.prototype, 'connect', () => 'a login');
wrap(pg.Client.prototype, 'query', (words) => `the query ${statementOf(words)}`, true);
wrap(ServerResponse.prototype, 'end', () => 'the answer');

if (process.send !== undefined) {
  process.on('message', ({ arm, disarm }) => {
    if (arm !== undefined) {
      taken = [];
      last = arm;
      process.send({ armed: true });
    }
    if (disarm === true) {
      last = 0;
      process.send({ taken });
    }
  });
  // It holds no process that would end.
  process.channel.unref();
}
