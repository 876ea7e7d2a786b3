import { describe, expect, it } from 'vitest';
import { RawClient, request } from './raw-client.ts';
import { serving, shown } from './serving.ts';
import type { Reply } from '../../src/protocol/reply.ts';
import type { Request } from '../../src/protocol/request.ts';

/** A service whose replies wait until they are let go. */
function held() {
  const waiting: { readonly path: string; release(): void }[] = [];
  const handle = (asked: Request): Promise<Reply> =>
    new Promise((resolve) => waiting.push({ path: asked.path, release: () => resolve(shown(asked)) }));
  const next = async () => {
    while (waiting.length === 0) await turn();
    return waiting.shift()!;
  };
  return { handle, next, waiting };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('requests of one connection', () => {
  it('are carried out one after the other, in the order in which they came', async () => {
    const { handle, next, waiting } = held();
    const { port, requests } = await serving({ handle });
    const client = await RawClient.open(port);
    await client.send(request('POST', '/v1/a', [], '{"a":1}') + request('GET', '/v1/b') + request('DELETE', '/v1/c'));
    for (const path of ['a', 'b', 'c']) {
      const one = await next();
      expect([one.path, waiting.length]).toEqual([path, 0]);
      for (let count = 0; count < 3; count++) await turn();
      expect(requests.at(-1)?.path).toBe(path);
      one.release();
      expect((await client.answer())?.status).toBe(200);
    }
    client.end();
  });

  it('wait in a number that has an end', async () => {
    const { handle, next } = held();
    const { port, requests } = await serving({ handle, limits: { maxPipelined: 4 } });
    const client = await RawClient.open(port);
    await client.send(request('GET', '/v1/a').repeat(1000));
    const statuses: (number | undefined)[] = [];
    for (let count = 0; count < 5; count++) {
      (await next()).release();
      statuses.push((await client.answer())?.status);
    }
    const last = await client.answer();
    expect([...statuses, last?.status, last?.headers['connection']]).toEqual([200, 200, 200, 200, 200, 429, 'close']);
    await client.closed();
    expect(requests).toHaveLength(5);
  });

  it('take up no more, with those of all others, than the server has for them', async () => {
    const { handle, next } = held();
    const { port } = await serving({ handle, limits: { maxWaitingBytes: 30_000 } });
    const clients = await Promise.all([0, 1, 2].map(() => RawClient.open(port)));
    const long = request('GET', '/v1/a', [`X-Filler: ${'f'.repeat(6000)}`]);
    // Two of these take the most of it; who goes away gives back what its own took.
    await clients[0]!.send(long.repeat(2));
    const first = await next();
    await clients[1]!.send(long.repeat(2));
    const second = await next();
    for (let count = 0; count < 20; count++) await turn();
    await clients[2]!.send(long.repeat(2));
    const third = await next();
    third.release();
    expect((await clients[2]!.answer())?.status).toBe(200);
    const refused = await clients[2]!.answer();
    expect([refused?.status, refused?.headers['connection']]).toEqual([429, 'close']);
    await clients[2]!.closed();

    first.release();
    expect((await clients[0]!.answer())?.status).toBe(200);
    (await next()).release();
    expect((await clients[0]!.answer())?.status).toBe(200);
    clients[1]!.socket.resetAndDestroy();
    second.release();
    for (let count = 0; count < 20; count++) await turn();

    // All of it is there again.
    const last = await RawClient.open(port);
    await last.send(long.repeat(3));
    for (let count = 0; count < 3; count++) {
      (await next()).release();
      expect((await last.answer())?.status).toBe(200);
    }
    for (const client of [clients[0]!, last]) client.end();
  });

  it('do not wait for those of another', async () => {
    const { handle, next } = held();
    const { port } = await serving({ handle });
    const clients = await Promise.all(['a', 'b'].map(() => RawClient.open(port)));
    await clients[0]!.send(request('GET', '/v1/a'));
    const first = await next();
    await clients[1]!.send(request('GET', '/v1/b'));
    (await next()).release();
    expect((await clients[1]!.answer())?.status).toBe(200);
    first.release();
    expect((await clients[0]!.answer())?.status).toBe(200);
    for (const client of clients) client.end();
  });
});

describe('a client that goes away', () => {
  it('is not waited for: what it asked is carried out to the end, and nothing else is begun', async () => {
    const { handle, next } = held();
    const { port, requests, listener, log } = await serving({ handle });
    const client = await RawClient.open(port);
    await client.send(request('POST', '/v1/a', [], '{"a":1}') + request('POST', '/v1/b', [], '{}') + request('LIST', '/v1/c'));
    const one = await next();
    client.socket.resetAndDestroy();
    for (let count = 0; count < 20; count++) await turn();
    expect(listener.inFlight()).toBe(1);
    one.release();
    while (listener.inFlight() > 0) await turn();
    expect(requests.map(({ path }) => path)).toEqual(['a']);
    expect(log).toEqual([]);
  });

  it('in the middle of a body asked for nothing', async () => {
    const { port, requests, listener, log } = await serving();
    const client = await RawClient.open(port);
    await client.send('POST /v1/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"a":1}');
    while (listener.inFlight() === 0) await turn();
    client.end();
    while (listener.inFlight() > 0) await turn();
    expect([requests, log]).toEqual([[], []]);
  });

  it('has ended its side only, and gets its answers', async () => {
    const { handle, next } = held();
    const { port } = await serving({ handle });
    const client = await RawClient.open(port);
    client.socket.end(request('GET', '/v1/a') + request('GET', '/v1/b'));
    for (let count = 0; count < 2; count++) {
      const one = await next();
      for (let turns = 0; turns < 10; turns++) await turn();
      one.release();
      expect((await client.answer())?.status).toBe(200);
    }
    await client.closed();
  });

  it('has ended its side in the middle of a body, and is told so', async () => {
    const { port, requests } = await serving();
    const client = await RawClient.open(port);
    client.socket.end('POST /v1/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"a":1}');
    expect((await client.answer())?.status).toBe(400);
    expect(requests).toEqual([]);
  });

  it('lets go of a body that comes one piece after the other', async () => {
    let let_go = 0;
    const handle = async () => ({
      body: {
        contentType: 'application/octet-stream',
        bytes: (async function* () {
          try {
            for (;;) {
              yield new Uint8Array(65536);
              await turn();
            }
          } finally {
            let_go++;
          }
        })(),
      },
    });
    const { port } = await serving({ handle });
    const client = await RawClient.open(port);
    await client.send(request('GET', '/v1/a'));
    await turn();
    client.socket.resetAndDestroy();
    while (let_go === 0) await turn();
    expect(let_go).toBe(1);
  });
});

describe('a request that takes too long', () => {
  it('is given up towards the client, not in what it does', async () => {
    const { handle, next } = held();
    const { port, listener } = await serving({ handle, limits: { requestTimeout: 100 } });
    const client = await RawClient.open(port);
    await client.send(request('POST', '/v1/a', [], '{}') + request('GET', '/v1/b'));
    const one = await next();
    const answer = await client.answer();
    expect([answer?.status, answer?.headers['connection']]).toEqual([504, 'close']);
    await client.closed();
    expect(listener.inFlight()).toBe(1);
    one.release();
    while (listener.inFlight() > 0) await turn();
  });

  it('and fails in the middle of its bytes is cut off, so that nobody takes it for whole', async () => {
    const { port, log } = await serving({
      handle: async () => ({
        body: {
          contentType: 'application/octet-stream',
          bytes: (async function* () {
            yield Buffer.from('some');
            for (let count = 0; count < 10; count++) await turn();
            throw new Error('canary');
          })(),
        },
      }),
    });
    const client = await RawClient.open(port);
    await client.send(request('GET', '/v1/a'));
    await expect(client.answer()).rejects.toThrow('half');
    expect(log).toHaveLength(1);
    expect(JSON.stringify(log)).not.toContain('canary');
  });
});

describe('a listener that closes', () => {
  it('finishes what is under way, takes nothing new, and ends idle connections at once', async () => {
    const { handle, next } = held();
    const { port, listener } = await serving({ handle });
    const [busy, idle, silent] = await Promise.all([RawClient.open(port), RawClient.open(port), RawClient.open(port)]);
    await idle.send(request('GET', '/v1/idle'));
    (await next()).release();
    expect((await idle.answer())?.status).toBe(200);
    await busy.send(request('GET', '/v1/busy') + request('LIST', '/v1/busy'));
    const first = await next();
    const closing = listener.close(60_000);
    await Promise.all([idle.closed(), silent.closed()]);
    await expect(RawClient.open(port)).rejects.toThrow('ECONNREFUSED');
    expect(listener.inFlight()).toBe(1);
    first.release();
    expect((await busy.answer())?.headers['connection']).toBe('close');
    await busy.closed();
    await closing;
    expect(listener.inFlight()).toBe(0);
  });

  it('cuts what is left after the time that it was given', async () => {
    const { handle, next } = held();
    const { port, listener } = await serving({ handle });
    const client = await RawClient.open(port);
    await client.send(request('GET', '/v1/a'));
    const one = await next();
    await listener.close(50);
    await client.closed();
    one.release();
  });

  it('can be closed twice', async () => {
    const { listener } = await serving();
    await Promise.all([listener.close(1000), listener.close(1000)]);
    await listener.close(0);
    expect(listener.inFlight()).toBe(0);
  });
});

describe('connections', () => {
  it('beyond the number that is allowed are closed at once', async () => {
    const { port } = await serving({ limits: { maxConnections: 2 } });
    const clients = await Promise.all([RawClient.open(port), RawClient.open(port)]);
    for (const client of clients) {
      await client.send(request('LIST', '/v1/a'));
      expect((await client.answer())?.status).toBe(200);
    }
    const third = await RawClient.open(port);
    await third.closed();
    for (const client of clients) client.end();
  });
});
