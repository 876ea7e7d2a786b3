import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, createReadStream, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';

const folders: string[] = [];
const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export const program = resolve(import.meta.dirname, '../../dist/main.js');

interface StartOptions {
  readonly under?: readonly string[];
  readonly args?: readonly string[];
  readonly preload?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly body: JsonObject | null;
  readonly headers: Headers;
}

/** A store directory and the servers that run on it, one after the other. */
export class ServedStore {
  readonly base = mkdtempSync(join(tmpdir(), 'secretctl-server-'));
  readonly directory = join(this.base, 'store');
  readonly env = { XDG_CONFIG_HOME: join(this.base, 'config'), HOME: this.base, PATH: process.env['PATH'] ?? '' };
  token = '';

  constructor() {
    folders.push(this.base);
  }

  /** Writes settings for a store that is not made yet. `more` is YAML. */
  settings(seal: string, more = '', audit = '  file: { type: file, path: audit/audit.log }\n'): void {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    chmodSync(this.directory, 0o700);
    writeFileSync(
      join(this.directory, 'settings.yaml'),
      `storage: { type: lmdb, path: store }\nseal: ${seal}\naudit:\n${audit}server:\n  listeners: [{ address: "127.0.0.1:0" }]\n  log: { format: json, level: debug }\n${more}`,
    );
  }

  /**
   * Starts a server; resolves when it listens. `under`: a program that runs it, with its arguments; `preload`: a module that
   * is loaded before its own, which the test then talks to through `process.send`.
   */
  async start(options: StartOptions = {}): Promise<Server> {
    const line = [
      ...(options.under ?? []),
      process.execPath,
      ...(options.preload === undefined ? [] : [`--import=${options.preload}`]),
      program,
      'server',
      '-store',
      this.directory,
      ...(options.args ?? []),
    ];
    const child = spawn(line[0] ?? '', line.slice(1), {
      env: { ...this.env, ...options.env },
      stdio: ['ignore', 'ignore', 'pipe', ...(options.preload === undefined ? [] : (['ipc'] as const))],
    });
    running.add(child);
    const server = new Server(this, child);
    await server.logged(/"address":"unix:/);
    return server;
  }

  /** Starts a server whose seal needs nobody, initialized at the first time. */
  async serve(options: StartOptions = {}): Promise<Server> {
    const server = await this.start(options);
    if (this.token === '') {
      const { status, body } = await server.call('PUT', 'sys/init', {}, null);
      if (status !== 200) throw new Error(`init was answered with ${status}`);
      this.token = String(body?.['root_token']);
    } else await server.logged(/the store is unsealed/);
    return server;
  }

  auditText(): string {
    return this.#auditFiles()
      .map((path) => readFileSync(path, 'utf8'))
      .join('');
  }

  /** Does the audit log hold this text (ASCII)? Of a log of any size. */
  async auditHolds(text: string): Promise<boolean> {
    for (const path of this.#auditFiles()) {
      let last = '';
      for await (const chunk of createReadStream(path, { encoding: 'latin1', highWaterMark: 1 << 20 })) {
        const piece = last + String(chunk);
        if (piece.includes(text)) return true;
        last = piece.slice(-text.length);
      }
    }
    return false;
  }

  #auditFiles(): readonly string[] {
    const folder = join(this.directory, 'audit');
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name));
  }
}

/** One run of the server. */
export class Server {
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly #store: ServedStore;
  #log = '';
  #waiting: (() => void)[] = [];

  constructor(store: ServedStore, child: ChildProcess) {
    this.#store = store;
    this.process = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.exited = new Promise((resolve) => {
      child.once('close', (code) => {
        running.delete(child);
        for (const wake of this.#waiting.splice(0)) wake();
        resolve(code);
      });
    });
  }

  get token(): string {
    return this.#store.token;
  }

  get log(): string {
    return this.#log;
  }

  get address(): string {
    return /"address":"(https?:\/\/[^"]+)"/.exec(this.#log)?.[1] ?? '';
  }

  /** Waits until the log, from a place on, says something. Throws where the server ends without having said it. */
  async logged(pattern: RegExp, from = 0): Promise<void> {
    while (!pattern.test(this.#log.slice(from))) {
      if (!running.has(this.process)) throw new Error(`the server ended without saying ${pattern.source}: ${this.#log}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** One request with the root token unless another is given (null: none). */
  async call(method: string, path: string, body?: unknown, token: string | null = this.#store.token): Promise<Answer> {
    const response = await fetch(`${this.address}/v1/${path}`, {
      method,
      headers: token === null ? {} : { 'X-Vault-Token': token },
      ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : (JSON.parse(text) as JsonObject) };
  }

  /** Ends it in order; the exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** Ends it at once, as a crash does. */
  kill(): Promise<number | null> {
    return this.#end('SIGKILL');
  }

  #end(signal: NodeJS.Signals): Promise<number | null> {
    this.process.kill(signal);
    return this.exited;
  }
}
