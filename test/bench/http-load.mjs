// A light HTTP/1.1 client for load: keep-alive connections, one request at a time on each, no parsing beyond what it
// takes to know where an answer ends. It runs in another process than the server.
import { connect } from 'node:net';
import { now } from './measure.mjs';

const headEnd = Buffer.from('\r\n\r\n');

/** The bytes of a request. */
export function requestBytes({ method, path, token = null, body = null, headers = {} }) {
  const content = body === null ? '' : JSON.stringify(body);
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'X-Vault-Request: true'];
  if (token !== null) lines.push(`X-Vault-Token: ${token}`);
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body !== null) lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(content)}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${content}`);
}

/** One keep-alive connection. `send` gives `{ status, body }`; `body` is made only where `keep` asks for it. */
export class Connection {
  #socket;
  #received = [];
  #size = 0;
  #waiting = null;
  #failed = null;

  static open({ hostname, port }) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new Connection(socket)));
    });
  }

  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take(chunk));
    const fail = (error) => {
      this.#failed = error ?? new Error('the server closed the connection');
      this.#waiting?.reject(this.#failed);
      this.#waiting = null;
    };
    socket.on('error', fail);
    socket.on('close', () => fail());
  }

  send(bytes, keep = false) {
    if (this.#failed !== null) return Promise.reject(this.#failed);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject, keep, end: -1, status: 0, bodyAt: 0 };
      this.#socket.write(bytes);
    });
  }

  close() {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #take(chunk) {
    this.#received.push(chunk);
    this.#size += chunk.length;
    const waiting = this.#waiting;
    if (waiting === null) return;
    if (waiting.end === -1 || waiting.end === Infinity) this.#measure(waiting);
    if (this.#size < waiting.end) return;
    const all = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received);
    this.#received = [];
    this.#size = 0;
    this.#waiting = null;
    waiting.resolve({ status: waiting.status, body: waiting.keep ? bodyOf(all, waiting) : null });
  }

  #measure(waiting) {
    const all = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received);
    this.#received = [all];
    const head = all.indexOf(headEnd);
    if (head === -1) return;
    const text = all.latin1Slice(0, head);
    waiting.status = Number(text.slice(9, 12));
    waiting.bodyAt = head + 4;
    const length = /\r\ncontent-length: *(\d+)/i.exec(text);
    if (length !== null) waiting.end = waiting.bodyAt + Number(length[1]);
    else if (/\r\ntransfer-encoding: *chunked/i.test(text)) {
      waiting.chunked = true;
      waiting.end = all.subarray(-5).equals(Buffer.from('0\r\n\r\n')) ? all.length : Infinity;
    } else waiting.end = waiting.bodyAt;
  }
}

function bodyOf(all, { bodyAt, chunked }) {
  if (!chunked) return all.toString('utf8', bodyAt);
  let text = '';
  for (let at = bodyAt; ;) {
    const line = all.indexOf('\r\n', at);
    const size = Number.parseInt(all.latin1Slice(at, line), 16);
    if (!(size > 0)) return text;
    text += all.toString('utf8', line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

/**
 * Sends requests over `connections` for `seconds` and gives `{ rate, samples }` (latencies in milliseconds). `next` gives
 * the bytes of a request and the status that its answer must have, or makes a whole exchange of several requests.
 */
export async function load(address, { connections, seconds, next }) {
  const opened = await Promise.all(Array.from({ length: connections }, () => Connection.open(address)));
  try {
    for (const connection of opened) await exchange(connection, next(0));
    const samples = [];
    const start = now();
    const end = start + seconds * 1000;
    let index = 0;
    await Promise.all(
      opened.map(async (connection) => {
        for (let begun = now(); begun < end; begun = now()) {
          await exchange(connection, next(++index));
          samples.push(now() - begun);
        }
      }),
    );
    return { rate: samples.length / ((now() - start) / 1000), samples };
  } finally {
    for (const connection of opened) connection.close();
  }
}

async function exchange(connection, step) {
  if (typeof step === 'function') return step(connection);
  const { status } = await connection.send(step.bytes);
  if (status !== step.status) throw new Error(`the server answered ${status} instead of ${step.status}`);
}
