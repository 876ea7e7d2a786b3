// Preloaded into the command line: writes down what every child process is called with.
import childProcess from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const record = (file, args) => appendFileSync(process.env.SPAWNS, `${JSON.stringify([file, ...(args ?? [])])}\n`);
const { spawn } = childProcess.ChildProcess.prototype;
childProcess.ChildProcess.prototype.spawn = function recorded(options) {
  record(options.file, options.args);
  return spawn.call(this, options);
};
for (const name of ['spawnSync', 'execSync', 'execFileSync']) {
  const original = childProcess[name];
  childProcess[name] = (file, ...rest) => {
    record(file, Array.isArray(rest[0]) ? rest[0] : []);
    return original(file, ...rest);
  };
}
syncBuiltinESMExports();
