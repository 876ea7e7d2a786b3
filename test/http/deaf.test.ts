import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { badRequest } from '../../src/protocol/request-error.ts';
import { RawClient, request } from './raw-client.ts';
import { authority, certificate, serving, shown } from './serving.ts';

/** What Node's parser made of all bytes that came: it keeps each request until the connection is over. */
let parsed = 0;
const count = (): void => {
  parsed += 1;
};
beforeEach(() => {
  parsed = 0;
  subscribe('http.server.request.start', count);
});
afterEach(() => void unsubscribe('http.server.request.start', count));

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** A service that answers when it is let go. */
function held() {
  let release = (): void => undefined;
  const free = new Promise<void>((resolve) => (release = resolve));
  return { handle: (asked: Parameters<typeof shown>[0]) => free.then(() => shown(asked)), release };
}

const small = request('GET', '/v1/a');
/** As many as fit into what one read from the network brings. */
const perRead = Math.ceil(65536 / small.length);

const transports = [
  ['TCP', {}, undefined],
  ['TLS', { tls: certificate('server') }, { ca: authority, servername: 'localhost' }],
] as const;

describe('what is sent without waiting for an answer', () => {
  it.each(transports)('is thrown away unread once too much of it waits: %s', async (_, options, tls) => {
    const { handle, release } = held();
    const { port } = await serving({ ...options, handle, limits: { maxPipelined: 2 } });
    const client = await RawClient.open(port, tls);
    await client.send(small.repeat(4));
    await turns();
    const before = parsed;
    for (let pieces = 0; pieces < 100; pieces++) await client.send(small.repeat(perRead));
    await turns();
    expect([before, parsed]).toEqual([4, 4]);
    release();
    for (const status of [200, 200, 200, 429]) expect((await client.answer())?.status).toBe(status);
    await client.closed();
  });

  it('ends the connection where what came of it at once is more than the server has room for', async () => {
    const { handle, release } = held();
    const { port, requests } = await serving({ handle, limits: { maxPipelined: 2, maxWaitingBytes: 100_000 } });
    const client = await RawClient.open(port);
    await client.send(small.repeat(perRead));
    await client.closed();
    release();
    await turns();
    expect(requests).toHaveLength(1);
    const next = await RawClient.open(port);
    await next.send(small.repeat(3));
    for (let answers = 0; answers < 3; answers++) expect((await next.answer())?.status).toBe(200);
    next.end();
  });

  it('takes room for its body, too', async () => {
    const { handle, release } = held();
    const { port } = await serving({ handle, limits: { maxWaitingBytes: 100_000 } });
    const client = await RawClient.open(port);
    const body = JSON.stringify({ a: 'x'.repeat(20_000) });
    await client.send(request('POST', '/v1/a', [], body).repeat(6));
    await turns();
    release();
    const statuses: (number | undefined)[] = [];
    for (let answer = await client.answer(); answer !== null; answer = await client.answer()) statuses.push(answer.status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });

  it('takes room for each of its headers', async () => {
    const { handle, release } = held();
    const { port } = await serving({ handle, limits: { maxWaitingBytes: 100_000 } });
    const client = await RawClient.open(port);
    const headers = Array.from({ length: 90 }, () => 'a:');
    await client.send(request('GET', '/v1/a', headers).repeat(11));
    await turns();
    release();
    const statuses: (number | undefined)[] = [];
    for (let answer = await client.answer(); answer !== null; answer = await client.answer()) statuses.push(answer.status);
    expect(statuses).toEqual([...Array<number>(10).fill(200), 429]);
  });
});

describe('what is sent behind a request that was refused before it had come', () => {
  it('is thrown away unread', async () => {
    const { port } = await serving({ limits: { maxAnonymousBodyBytes: 1000 } });
    const client = await RawClient.open(port);
    await client.send('POST /v1/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n{');
    const answer = await client.answer();
    expect([answer?.status, answer?.headers['connection']]).toEqual([413, 'close']);
    await client.send('x'.repeat(1999));
    for (let pieces = 0; pieces < 20; pieces++) await client.send(small.repeat(perRead));
    await turns();
    expect(parsed).toBe(1);
    client.end();
  });

  it('is taken from a client that sends the rest first and reads then', async () => {
    const { port } = await serving({ handle: () => Promise.reject(badRequest('no snapshot')) });
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    const errors: unknown[] = [];
    socket.on('error', (error) => errors.push(error));
    const head = 'POST /v1/sys/storage/snapshot HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000\r\n\r\n';
    socket.write(head);
    // More than what the system and the parser hold for us.
    for (let pieces = 0; pieces < 20; pieces++) {
      await new Promise((resolve) => socket.write(Buffer.alloc(1_000_000), resolve));
    }
    expect([errors, socket.bytesWritten]).toEqual([[], head.length + 20_000_000]);
    expect(received.slice(0, 12)).toBe('HTTP/1.1 400');
    socket.destroy();
  });
});
