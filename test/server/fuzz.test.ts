import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Choices, fuzzRequest, type FuzzRequest } from './fuzz-requests.ts';
import { ServedStore, type Server } from './server-process.ts';

const full = process.env['SECRETCTL_FULL'] === '1';
const seed = Number(process.env['SECRETCTL_SEED'] ?? 20261125);
const total = full ? 1_000_000 : 6_000;
const connections = 16;

/** Sends whole requests one after the other over a connection, and each damaged one over a connection of its own. */
class Sender {
  readonly #server: Server;
  #socket: Socket | null = null;

  constructor(server: Server) {
    this.#server = server;
  }

  /** The answer's bytes; '' where the connection ended without one. */
  async send({ bytes, whole }: FuzzRequest): Promise<string> {
    const socket = this.#socket ?? (await this.#open());
    this.#socket = null;
    return new Promise((resolve) => {
      let text = '';
      const take = (chunk: Buffer): void => {
        text += chunk.toString('latin1');
        if (whole && complete(text, bytes.startsWith('HEAD '))) done();
      };
      const done = (): void => {
        socket.off('data', take);
        socket.off('close', done);
        if (whole && !socket.destroyed && !/\r\nconnection: close/i.test(text)) this.#socket = socket;
        else socket.destroy();
        resolve(text);
      };
      socket.on('data', take);
      socket.on('close', done);
      if (whole) socket.write(bytes);
      // Whatever it is, there is no more of it.
      else socket.end(bytes);
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Promise<Socket> {
    const { hostname, port } = new URL(this.#server.address);
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true }, () => resolve(socket));
      socket.on('error', reject);
    });
  }
}

function complete(text: string, head: boolean): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return false;
  if (head || / (204|304) /.test(text.slice(0, 16))) return true;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end));
  if (length !== null) return text.length >= end + 4 + Number(length[1]);
  return text.endsWith('0\r\n\r\n');
}

function memoryOf(server: Server): number {
  const status = readFileSync(`/proc/${server.process.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

test(
  `Of ${total} random and damaged requests none ends the server, none is answered with a 5xx, and none brings out what it must not`,
  { timeout: full ? 7_200_000 : 240_000 },
  async () => {
    const store = new ServedStore();
    store.settings('{ type: static }');
    const server = await store.serve();
    await server.call('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } });
    await server.call('POST', 'sys/mounts/keep', { type: 'kv', options: { version: '2' } });
    await server.call('POST', 'sys/mounts/old', { type: 'kv' });
    await server.call('POST', 'sys/auth/approle', { type: 'approle' });
    await server.call('POST', 'sys/auth/userpass', { type: 'userpass' });
    await server.call('POST', 'keep/data/hidden', { data: { canary: 'canary-4711' } });
    const policy =
      'path "*" { capabilities = ["create", "read", "update", "delete", "list", "patch", "sudo"] }\npath "keep/*" { capabilities = ["deny"] }';
    await server.call('PUT', 'sys/policies/acl/most', { policy });
    const made = async (name: string): Promise<string> => {
      const { body } = await server.call('POST', 'auth/token/create', { policies: [name], ttl: '24h' });
      return (body?.['auth'] as { client_token: string }).client_token;
    };
    const most = await made('most');
    const tokens = [most, most, most, most, await made('default'), 'hvs.wrong', ''];

    const statuses = new Map<string, number>();
    const wrong: string[] = [];
    let sent = 0;
    let early = 0;
    await Promise.all(
      Array.from({ length: connections }, async (_, number) => {
        const sender = new Sender(server);
        const choices = new Choices(seed * 31 + number * 7919);
        while (sent < total) {
          sent += 1;
          if (sent === Math.floor(total / 4)) early = memoryOf(server);
          // What was sent may have ended the token, or its policy: the rest shall not be refusals only.
          if (sent % 1000 === 0) {
            await server.call('PUT', 'sys/policies/acl/most', { policy });
            tokens.fill(await made('most'), 0, 4);
          }
          const asked = fuzzRequest(choices, tokens);
          const answer = await sender.send(asked);
          const status = answer.slice(9, 12);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          const leaks = answer.includes('canary-4711') || answer.includes(store.token);
          if ((status.startsWith('5') && !answer.includes('Vault is sealed')) || leaks || /\bat .+\.(js|ts):\d+/.test(answer)) {
            if (wrong.length < 10) wrong.push(`${asked.bytes}\n=> ${answer.slice(0, 600)}`);
          }
        }
        sender.close();
      }),
    );
    expect(wrong).toEqual([]);
    expect((await server.call('GET', 'sys/health', undefined, null)).status).toBe(200);
    expect((await server.call('GET', 'keep/data/hidden')).body).toMatchObject({
      data: { data: { canary: 'canary-4711' } },
    });
    // Enough of it was understood to be worth something.
    expect((statuses.get('200') ?? 0) + (statuses.get('204') ?? 0)).toBeGreaterThan(total / 40);
    expect(memoryOf(server)).toBeLessThan(early + 256 * 1024 * 1024);
    expect(await store.auditHolds('canary-4711')).toBe(false);
    expect(await server.stop()).toBe(0);
    if (full)
      process.stdout.write(`${total} requests, seed ${seed}: ${JSON.stringify(Object.fromEntries([...statuses].sort()))}\n`);
  },
);
