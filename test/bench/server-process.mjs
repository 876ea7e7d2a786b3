// A server of ours as a process, with an encrypted store on disk and its audit log on.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { now, program } from './measure.mjs';

/** Has the server of a workspace listen on a free port, once. */
export function letServe(workspace) {
  const settings = join(workspace.store, 'settings.yaml');
  const text = readFileSync(settings, 'utf8');
  writeFileSync(settings, `${text}server:\n  listeners:\n    - address: 127.0.0.1:0\n  log: { format: json }\n`);
}

/** `{ process, address, started, stop }`: `started` is how many milliseconds it took until it was unsealed. */
export async function startServer(workspace) {
  const start = now();
  const child = spawn(process.execPath, [program, 'server', '-store', workspace.store], {
    env: workspace.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const address = await new Promise((resolve, reject) => {
    let log = '';
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${log}`)));
    child.stderr.on('data', (chunk) => {
      log = (log + chunk).slice(-10_000);
      const found = /"address":"(http:\/\/[^"]+)"/.exec(log);
      if (found !== null && log.includes('the store is unsealed')) resolve(new URL(found[1]));
    });
  });
  return {
    process: child,
    address,
    started: now() - start,
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit');
        child.once('exit', resolve);
        child.kill('SIGTERM');
      }),
  };
}

/** Resident bytes of a process, now or, with `VmHWM`, at most; 0 where the machine does not tell. */
export function memoryOf(pid, name = 'VmRSS') {
  try {
    return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Seconds of a processor that a process has used; 0 where the machine does not tell. */
export function cpuOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}
