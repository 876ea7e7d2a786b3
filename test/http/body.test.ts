import { describe, expect, it } from 'vitest';
import type { RequestLine } from '../../src/protocol/request-line.ts';
import { ask, json, RawClient, request } from './raw-client.ts';
import { serving } from './serving.ts';

const mebi = 1024 * 1024;
const withToken = ['X-Vault-Token: t'];

describe('a body', () => {
  it('is JSON whatever its type says', async () => {
    const { port, requests } = await serving();
    for (const type of ['', 'text/plain', 'application/json; charset=utf-8', 'application/x-www-form-urlencoded', 'nonsense']) {
      const headers = type === '' ? [] : [`Content-Type: ${type}`];
      expect((await ask(port, request('POST', '/v1/a', headers, ' \n{"a":{"b":[1,"x"]}}'))).status).toBe(200);
    }
    expect(requests.map(({ data }) => data)).toEqual(new Array(5).fill({ a: { b: [1, 'x'] } }));
  });

  it('is a form where its type says so and it does not begin like JSON', async () => {
    const { port, requests } = await serving();
    const form = ['Content-Type: application/x-www-form-urlencoded; charset=utf-8'];
    await ask(port, request('POST', '/v1/a', form, 'password=a%2Bb+c&policies=x&policies=y'));
    await ask(port, request('PUT', '/v1/a', form, ''));
    expect(requests.map(({ data }) => data)).toEqual([{ password: 'a+b c', policies: 'x,y' }, {}]);
    expect((await ask(port, request('POST', '/v1/a', form, 'a=%zz'))).status).toBe(400);
    expect((await ask(port, request('POST', '/v1/a', form, '[1]'))).status).toBe(400);
  });

  it('may be missing', async () => {
    const { port, requests } = await serving();
    for (const [headers, body] of [
      [[], null],
      [[], ''],
      [['Transfer-Encoding: chunked'], null],
    ] as const) {
      const text = request('POST', '/v1/a', headers, body);
      expect((await ask(port, headers.length === 0 ? text : `${text}0\r\n\r\n`)).status).toBe(200);
    }
    expect(requests.map(({ data }) => data)).toEqual([{}, {}, {}]);
  });

  it('that is no JSON is refused, without a word of it', async () => {
    const { port, requests } = await serving();
    const answer = await ask(port, request('POST', '/v1/a', withToken, '{"password": hunter2}'));
    expect([answer.status, json(answer).errors?.[0]]).toEqual([400, expect.stringMatching(/^failed to decode JSON input: /)]);
    expect(answer.body).not.toContain('hunter');
    expect(requests).toEqual([]);
  });

  it.each([
    ['more values than it may have', `{"a":[${'1,'.repeat(10_000)}1]}`],
    ['more objects than it may have', `{"a":[${'{},'.repeat(20_000)}{}]}`],
    ['a thousand levels', `${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`],
    ['a hundred thousand levels', '['.repeat(100_000)],
  ])('with %s is refused before it is parsed', async (_, body) => {
    const { port, requests } = await serving();
    const answer = await ask(port, request('POST', '/v1/a', withToken, body));
    expect([answer.status, json(answer).errors?.[0]]).toEqual([400, expect.stringContaining('high complexity')]);
    expect(requests).toEqual([]);
  });

  it('of an apply may hold a whole configuration', async () => {
    const { port, requests } = await serving();
    const changes = Array.from({ length: 10_000 }, (_, index) => ({
      kind: 'Policy',
      name: `p${index}`,
      spec: { paths: [{ path: 'kv/*' }] },
    }));
    const body = JSON.stringify({ changes });
    expect((await ask(port, request('POST', '/v1/sys/apply', withToken, body))).status).toBe(200);
    expect((await ask(port, request('POST', '/v1/sys/managed/snapshot', withToken, body))).status).toBe(200);
    expect((await ask(port, request('POST', '/v1/sys/applyx', withToken, body))).status).toBe(400);
    expect(requests.map(({ data }) => (data['changes'] as unknown[]).length)).toEqual([10_000, 10_000]);
  });
});

describe('a body that is too long', () => {
  const limits = { maxBodyBytes: 100_000, maxAnonymousBodyBytes: 1000 };
  const body = (length: number): string => `{"a":"${'x'.repeat(length - 8)}"}`;

  it('is refused by what it says of itself, before it is sent', async () => {
    const { port, requests } = await serving({ limits });
    const client = await RawClient.open(port);
    await client.send('POST /v1/a HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: t\r\nContent-Length: 100001\r\n\r\n');
    const answer = await client.answer();
    expect([answer?.status, answer?.headers['connection']]).toEqual([413, 'close']);
    client.end();
    expect(requests).toEqual([]);
  });

  it('is refused once it is too long where it says nothing', async () => {
    const { port, requests } = await serving({ limits });
    const client = await RawClient.open(port);
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`;
    await client.send(
      'POST /v1/a HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: t\r\nTransfer-Encoding: chunked\r\n\r\n',
      chunk.repeat(30),
    );
    expect((await client.answer())?.status).toBe(413);
    client.end();
    expect(requests).toEqual([]);
  });

  it('is shorter where no token is presented', async () => {
    const { port } = await serving({ limits });
    const status = async (headers: readonly string[], length: number) =>
      (await ask(port, request('POST', '/v1/a', headers, body(length)))).status;
    expect(await status([], 1000)).toBe(200);
    expect(await status([], 1001)).toBe(413);
    expect(await status(withToken, 100_000)).toBe(200);
    expect(await status(withToken, 100_001)).toBe(413);
    expect(await status(['Authorization: Basic abc'], 1001)).toBe(413);
  });

  it('is shorter where the token is made up, or may not write there', async () => {
    const asked: RequestLine[] = [];
    const mayWrite = async (line: RequestLine): Promise<boolean> => {
      asked.push(line);
      return line.token === 'good';
    };
    const { port, requests } = await serving({ limits, mayWrite });
    const post = async (token: string, path: string, text: string) =>
      (await ask(port, request('POST', `/v1/${path}`, [`X-Vault-Token: ${token}`], text))).status;
    expect([await post('made-up', 'a', body(1000)), asked.length]).toEqual([200, 0]);
    expect([await post('made-up', 'a', body(1001)), await post('good', 'a', body(1001))]).toEqual([413, 200]);
    const many = `{"a":[${'1,'.repeat(10_000)}1]}`;
    expect([await post('made-up', 'sys/apply', many), await post('good', 'sys/apply', many)]).toEqual([413, 200]);
    expect(requests).toHaveLength(3);
    expect(asked.map(({ operation, path, token }) => [operation, path, token])).toEqual([
      ['write', 'a', 'made-up'],
      ['write', 'a', 'good'],
      ['write', 'sys/apply', 'made-up'],
      ['write', 'sys/apply', 'good'],
    ]);
  });

  it('is no longer for a token that may not write there than for none, which is asked only where it matters', async () => {
    const asked: string[] = [];
    const { port, requests } = await serving({
      limits,
      mayWrite: async ({ path, token }) => {
        asked.push(path);
        return token === 'known';
      },
    });
    const post = async (path: string, token: string, text: string, headers: readonly string[] = []) =>
      (await ask(port, request('POST', path, [`X-Vault-Token: ${token}`, ...headers], text))).status;
    expect(await post('/v1/a', 'made-up', body(1000))).toBe(200);
    expect(asked).toEqual([]);
    expect(await post('/v1/a', 'made-up', body(1001))).toBe(413);
    expect(await post('/v1/a', 'known', body(1001))).toBe(200);
    const chunked = `POST /v1/a HTTP/1.1\r\nHost: x\r\nX-Vault-Token: made-up\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n${body(1024)}\r\n0\r\n\r\n`;
    expect((await ask(port, chunked)).status).toBe(413);
    expect(asked).toEqual(['a', 'a', 'a']);
    expect(requests).toHaveLength(2);
  });

  it('of an apply has no more values than any other unless its token may apply', async () => {
    const { port, requests } = await serving({ mayWrite: async ({ token }) => token === 'known' });
    const many = `{"changes":[${'1,'.repeat(10_001)}1]}`;
    for (const path of ['/v1/sys/apply', '/v1/sys/managed/snapshot']) {
      expect((await ask(port, request('POST', path, ['X-Vault-Token: made-up'], many))).status).toBe(400);
      expect((await ask(port, request('POST', path, ['X-Vault-Token: known'], many))).status).toBe(200);
    }
    expect(requests).toHaveLength(2);
  });

  it('does not keep the client from reading why, however much it still sends', async () => {
    const { port } = await serving({ limits });
    const client = await RawClient.open(port);
    await client.send(`POST /v1/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${20 * mebi}\r\n\r\n`);
    for (let sent = 0; sent < 20; sent++) await client.send(Buffer.alloc(mebi, 'x'));
    expect((await client.answer())?.status).toBe(413);
    await client.closed();
    client.end();
  });

  it('takes no memory for what is thrown away', async () => {
    const { port } = await serving();
    const before = process.memoryUsage().rss;
    const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.open(port)));
    await Promise.all(
      clients.map(async (client) => {
        await client.send('POST /v1/a HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: t\r\nTransfer-Encoding: chunked\r\n\r\n');
        const chunk = Buffer.from(`100000\r\n${'[{},'.repeat(mebi / 4)}\r\n`);
        for (let sent = 0; sent < 16; sent++) await client.send(chunk);
        expect((await client.answer())?.status).toBe(400);
        client.end();
      }),
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * mebi);
  });

  it('is refused where the bodies of others take the room', async () => {
    const { port } = await serving({ limits: { maxBufferedBytes: 2 * mebi } });
    const head = (length: number): string =>
      `POST /v1/a HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: t\r\nContent-Length: ${length}\r\n\r\n`;
    const holder = await RawClient.open(port);
    await holder.send(head(3 * mebi), Buffer.from(`{"a":"${'x'.repeat(1.9 * mebi)}`));
    const second = await RawClient.open(port);
    await second.send(head(mebi), Buffer.alloc(mebi, ' '));
    const answer = await second.answer();
    expect([answer?.status, answer?.headers['retry-after']]).toEqual([503, '1']);
    second.end();
    // A small one is always taken.
    expect((await ask(port, request('POST', '/v1/a', withToken, body(10_000)))).status).toBe(200);
    holder.end();
    for (;;) {
      const after = await ask(port, request('POST', '/v1/a', withToken, body(1.5 * mebi)));
      if (after.status === 200) break;
      expect(after.status).toBe(503);
    }
  });
});

describe('a client that is slow', () => {
  it('with the headers is told so, and the connection ends', async () => {
    const { port } = await serving({ limits: { headersTimeout: 100 } });
    const silent = await RawClient.open(port);
    const slow = await RawClient.open(port);
    await slow.send('GET /v1/a HTTP/1.1\r\nHost:');
    for (const client of [silent, slow]) {
      const answer = await client.answer();
      if (answer !== null) expect(answer.status).toBe(408);
      await client.closed();
      client.end();
    }
  });

  it('with the body is told so, however steadily it sends', async () => {
    const { port, requests, listener } = await serving({ limits: { bodyTimeout: 200 } });
    const client = await RawClient.open(port);
    await client.send('POST /v1/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{');
    const trickle = setInterval(() => client.socket.write(' '), 20);
    const answer = await client.answer();
    clearInterval(trickle);
    expect([answer?.status, answer?.headers['connection']]).toEqual([408, 'close']);
    client.end();
    expect(requests).toEqual([]);
    expect(listener.inFlight()).toBe(0);
  });

  it('between two requests loses the connection', async () => {
    const { port } = await serving({ limits: { idleTimeout: 100 } });
    const client = await RawClient.open(port);
    await client.send(request('GET', '/v1/a'));
    expect((await client.answer())?.status).toBe(200);
    await client.closed();
  });

  it('to read loses the connection, and the rest of the answer is given up', async () => {
    const left = { count: 0 };
    const handle = async () => ({
      body: {
        contentType: 'application/octet-stream',
        bytes: (async function* () {
          try {
            for (;;) yield new Uint8Array(mebi);
          } finally {
            left.count++;
          }
        })(),
      },
    });
    const { port } = await serving({ handle, limits: { idleTimeout: 200, requestTimeout: 100 } });
    const client = await RawClient.open(port);
    client.socket.pause();
    client.socket.write(request('GET', '/v1/a'));
    while (left.count === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    client.end();
    expect(left.count).toBe(1);
  });

  it('to end its body is not waited for by others', async () => {
    const { port } = await serving();
    const slow = await RawClient.open(port);
    await slow.send('POST /v1/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{');
    expect((await ask(port, request('GET', '/v1/sys/health'))).status).toBe(200);
    slow.end();
  });
});

describe('a client that waits for a word before it sends its body', () => {
  const head = (length: number, more = ''): string =>
    `POST /v1/a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n${more}\r\n`;

  it('gets it', async () => {
    const { port, requests } = await serving();
    const client = await RawClient.open(port);
    await client.send(head(7));
    expect((await client.answer())?.status).toBe(100);
    await client.send('{"a":1}');
    expect((await client.answer())?.status).toBe(200);
    client.end();
    expect(requests[0]?.data).toEqual({ a: 1 });
  });

  it('gets a refusal instead where there is one', async () => {
    const { port, requests } = await serving();
    for (const text of [head(2 * mebi), head(7, 'X-Vault-Namespace: a\r\n'), head(7).replace('/v1/a', '/v1/a//b')]) {
      const client = await RawClient.open(port);
      await client.send(text);
      const answer = await client.answer();
      expect([400, 413]).toContain(answer?.status);
      expect(answer?.headers['connection']).toBe('close');
      client.end();
    }
    expect(requests).toEqual([]);
  });

  it('for another word is refused with 417', async () => {
    const { port } = await serving();
    expect((await ask(port, request('POST', '/v1/a', ['Expect: 200-ok'], '{}'))).status).toBe(417);
  });
});

describe('bytes that are no JSON', () => {
  it('are read as they come where the path is for them', async () => {
    const sizes: number[] = [];
    const { port } = await serving({
      handle: async ({ body, data }) => {
        let size = 0;
        for await (const chunk of body ?? []) size += chunk.byteLength;
        sizes.push(size);
        return { data: { size, data } };
      },
    });
    const client = await RawClient.open(port);
    await client.send(
      `POST /v1/sys/storage/raft/snapshot HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: t\r\nContent-Length: ${40 * mebi}\r\n\r\n`,
    );
    for (let sent = 0; sent < 40; sent++) await client.send(Buffer.alloc(mebi, 0xff));
    expect(json((await client.answer())!).data).toEqual({ size: 40 * mebi, data: {} });
    client.end();
    expect(sizes).toEqual([40 * mebi]);
  });

  it('need not be read to be refused', async () => {
    const { port } = await serving({ handle: async () => ({ status: 403, json: { errors: ['permission denied'] } }) });
    const client = await RawClient.open(port);
    await client.send('POST /v1/sys/storage/raft/snapshot HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nxxx');
    expect((await client.answer())?.status).toBe(403);
    client.end();
  });
});
