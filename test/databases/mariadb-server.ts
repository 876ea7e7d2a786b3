import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MysqlServer } from './mysql-server.ts';
import { freePort, unprivileged } from './process.ts';
import type { ServerTls } from './test-database.ts';

/** A MariaDB of its own: the `mariadbd` of the machine, on a free port, with data that are thrown away. */
export class MariadbServer extends MysqlServer {
  /** The path of its socket. */
  readonly socket: string;
  readonly #folder: string;
  readonly #tls: boolean;
  #process: ChildProcess | null = null;

  private constructor(folder: string, port: number, tls: boolean) {
    super({ host: '127.0.0.1', port, username: 'root', password: 'root-password' });
    this.#folder = folder;
    this.#tls = tls;
    this.socket = join(folder, 'socket');
  }

  static async start({ tls = null }: { readonly tls?: ServerTls | null } = {}): Promise<MariadbServer> {
    const folder = mkdtempSync(join(tmpdir(), 'secretctl-mariadb-'));
    const server = new MariadbServer(folder, await freePort(), tls !== null);
    chmodSync(folder, 0o755);
    const files = { 'ca.pem': tls?.ca, 'server.pem': tls?.certificate, 'server-key.pem': tls?.key };
    for (const [name, text] of Object.entries(files)) {
      if (text !== undefined) writeFileSync(join(folder, name), text, { mode: 0o644 });
    }
    if (unprivileged !== null) chownSync(folder, unprivileged.uid, unprivileged.gid);
    const words = [
      '--no-defaults',
      `--datadir=${join(folder, 'data')}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
    ];
    const made = spawnSync('mariadb-install-db', words, { ...unprivileged, cwd: folder, encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`mariadb-install-db failed: ${made.error?.message ?? made.stdout + made.stderr}`);
    // It comes with accounts without a password, of which one remains: ours.
    const first = join(folder, 'first.sql');
    const accounts = [
      `GRANT ALL ON *.* TO root@'%' IDENTIFIED BY '${server.password}' ${tls === null ? '' : 'REQUIRE X509'} WITH GRANT OPTION;`,
      `DELETE FROM mysql.global_priv WHERE Host <> '%' AND User <> 'mariadb.sys';`,
      `CREATE DATABASE secretctl_test;`,
    ];
    writeFileSync(first, ['FLUSH PRIVILEGES;', ...accounts, 'FLUSH PRIVILEGES;'].join('\n'), { mode: 0o644 });
    await server.#run([`--init-file=${first}`]);
    return server;
  }

  run(): Promise<void> {
    return this.#run([]);
  }

  async kill(how: 'orderly' | 'crash' = 'orderly'): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(how === 'crash' ? 'SIGKILL' : 'SIGTERM');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill('crash');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #run(more: readonly string[]): Promise<void> {
    const tls = {
      ssl_ca: join(this.#folder, 'ca.pem'),
      ssl_cert: join(this.#folder, 'server.pem'),
      ssl_key: join(this.#folder, 'server-key.pem'),
      require_secure_transport: 'on',
    };
    const settings = {
      datadir: join(this.#folder, 'data'),
      socket: this.socket,
      pid_file: join(this.#folder, 'pid'),
      port: String(this.port),
      bind_address: '127.0.0.1',
      skip_name_resolve: 'on',
      max_connections: '20',
      innodb_flush_log_at_trx_commit: '0',
      innodb_buffer_pool_size: '16M',
      ...(this.#tls ? tls : {}),
    };
    const words = ['--no-defaults', ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`), ...more];
    const child = spawn('mariadbd', words, { ...unprivileged, cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      let text = '';
      child.stderr.on('data', (data: Buffer) => {
        text += data.toString();
        if (text.includes('ready for connections')) resolve();
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`mariadbd ended: ${text}`)));
    });
  }
}
