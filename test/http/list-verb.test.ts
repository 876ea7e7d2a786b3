import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Request } from '../../src/protocol/request.ts';
import { runs } from './property.ts';
import { json, RawClient, request } from './raw-client.ts';
import { authority, certificate, serving, type ServingOptions, shown } from './serving.ts';

const secure: ServingOptions = { tls: certificate('server') };
const trusting = { ca: authority, servername: 'localhost' };
const transports = [
  ['HTTP', {}, undefined],
  ['HTTPS', secure, trusting],
] as const;

describe.each(transports)('the verb LIST over %s', (_, options, tls) => {
  it('is answered like any other, again and again on one connection', async () => {
    const { port, requests } = await serving(options);
    const client = await RawClient.open(port, tls);
    for (let round = 0; round < 20; round++) {
      await client.send(request(round % 3 === 2 ? 'GET' : 'LIST', `/v1/kv/${round}`));
      expect((await client.answer())?.status).toBe(200);
    }
    client.end();
    expect(requests.map(({ operation, path }) => `${operation} ${path}`)).toEqual(
      Array.from({ length: 20 }, (_, round) => (round % 3 === 2 ? `read kv/${round}` : `list kv/${round}/`)),
    );
  });

  it('is understood wherever its bytes are cut', async () => {
    const { port, requests } = await serving(options);
    const text = request('LIST', '/v1/kv/a', ['X-Vault-Token: t']);
    for (let cut = 1; cut < text.length; cut++) {
      const client = await RawClient.open(port, tls);
      await client.send(text.slice(0, cut), text.slice(cut));
      expect((await client.answer())?.status).toBe(200);
      client.end();
    }
    const bytewise = await RawClient.open(port, tls);
    await bytewise.send(...Array.from(text + request('GET', '/v1/kv/b') + text));
    for (let count = 0; count < 3; count++) expect((await bytewise.answer())?.status).toBe(200);
    bytewise.end();
    expect(requests).toHaveLength(text.length - 1 + 3);
    expect(requests.every(({ token, operation, path }) => path === 'kv/b' || (token === 't' && operation === 'list'))).toBe(true);
  });

  it('waits for the answers of earlier requests, and holds back later ones', async () => {
    const released: (() => void)[] = [];
    const started: string[] = [];
    const { port } = await serving({
      ...options,
      handle: (asked) => {
        started.push(asked.path);
        return new Promise((resolve) => released.push(() => resolve(shown(asked))));
      },
    });
    const client = await RawClient.open(port, tls);
    await client.send(['a', 'b', 'c'].map((name) => request(name === 'b' ? 'LIST' : 'GET', `/v1/${name}`)).join(''));
    for (const path of ['a', 'b/', 'c']) {
      while (released.length === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(started.at(-1)).toBe(path);
      released.shift()?.();
      expect(json((await client.answer())!).data?.['path']).toBe(path);
    }
    expect(started).toEqual(['a', 'b/', 'c']);
    client.end();
  });

  it('may have a body, which is passed over', async () => {
    const { port, requests } = await serving(options);
    const client = await RawClient.open(port, tls);
    const chunked = `LIST /v1/c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nLIST \r\n0\r\n\r\n`;
    await client.send(request('LIST', '/v1/a', [], 'LIST /v1/smuggled HTTP/1.1\r\n\r\n') + chunked + request('LIST', '/v1/b'));
    for (let count = 0; count < 3; count++) expect((await client.answer())?.status).toBe(200);
    client.end();
    expect(requests.map(({ path }) => path)).toEqual(['a/', 'c/', 'b/']);
  });

  it('in a body is the body', async () => {
    const { port, requests } = await serving(options);
    const smuggled = request('LIST', '/v1/smuggled');
    const body = JSON.stringify({ text: smuggled });
    const client = await RawClient.open(port, tls);
    await client.send(request('POST', '/v1/a', [], body));
    expect((await client.answer())?.status).toBe(200);
    // Also where the body begins with it, and a packet does.
    const plain = request('POST', '/v1/b', ['Content-Type: application/x-www-form-urlencoded'], smuggled);
    const at = plain.indexOf('LIST');
    await client.send(plain.slice(0, at), plain.slice(at));
    expect((await client.answer())?.status).toBe(200);
    await client.send(
      `POST /v1/c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`,
      `${body}\r\n0\r\n\r\n`,
    );
    expect((await client.answer())?.status).toBe(200);
    client.end();
    expect(requests.map(({ operation, data }) => [operation, data])).toEqual([
      ['write', { text: smuggled }],
      ['write', { [smuggled]: '' }],
      ['write', { text: smuggled }],
    ]);
  });

  it('is the only one that stands for another: LINK and BIND stay unknown', async () => {
    const { port, requests } = await serving(options);
    const client = await RawClient.open(port, tls);
    await client.send(request('LIST', '/v1/a') + request('LINK', '/v1/b') + request('BIND', '/v1/c') + request('LIST', '/v1/d'));
    const statuses = [];
    for (let count = 0; count < 4; count++) statuses.push((await client.answer())?.status);
    client.end();
    expect(statuses).toEqual([200, 405, 405, 200]);
    expect(requests.map(({ path }) => path)).toEqual(['a/', 'd/']);
  });

  it('is not reached by a verb that begins or ends like it', async () => {
    const { port, requests } = await serving(options);
    for (const pieces of [
      ['LISX /v1/a'],
      ['LIS', 'X /v1/a'],
      ['LISTS /v1/a'],
      ['LIST', 'S /v1/a'],
      ['LI', 'STEN /v1/a'],
      ['L', 'IS', 'P /v1/a'],
      ['LIST\t/v1/a'],
    ]) {
      const client = await RawClient.open(port, tls);
      const [first = '', ...rest] = pieces;
      await client.send(`${request('GET', '/v1/before')}${first}`, ...rest, ' HTTP/1.1\r\nHost: localhost\r\n\r\n');
      expect((await client.answer())?.status).toBe(200);
      expect([400, 405]).toContain((await client.answer())?.status);
      await client.closed();
      client.end();
    }
    expect(requests.every(({ path }) => path === 'before')).toBe(true);
  });

  it('that never gets whole ends with the patience for headers', async () => {
    const { port } = await serving({ ...options, limits: { headersTimeout: 100 } });
    for (const part of ['L', 'LI', 'LIS', 'LIST', 'LIST ', 'LIST /v1/a HTTP/1.1\r\nHost:']) {
      const client = await RawClient.open(port, tls);
      await client.send(part);
      const answer = await client.answer();
      if (answer !== null) expect(answer.status).toBe(408);
      await client.closed();
      client.end();
    }
  });
});

it('the verb LIST is answered to a client that ends its side behind it', async () => {
  const { port } = await serving();
  const client = await RawClient.open(port);
  client.socket.end(request('GET', '/v1/a') + request('LIST', '/v1/b'));
  expect(json((await client.answer())!).data?.['operation']).toBe('read');
  expect(json((await client.answer())!).data?.['operation']).toBe('list');
  await client.closed();
});

describe('whatever is sent over one connection, in whatever pieces', () => {
  const body = fc.oneof(
    fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 40 }), { maxKeys: 3, noNullPrototype: true }),
    fc.constantFrom({ text: 'LIST /v1/x HTTP/1.1\r\n\r\n' }, { text: 'GET / HTTP/1.1\r\n\r\n' }, { text: 'LI' }),
  );
  const sent = fc.record({
    verb: fc.constantFrom('GET', 'LIST', 'LIST', 'SLOW', 'POST', 'PUT', 'CHUNKED', 'DELETE', 'LINK', 'LIST with a body'),
    name: fc.stringMatching(/^[a-z]{1,6}$/),
    body,
    token: fc.option(fc.stringMatching(/^[a-z]{1,8}$/), { nil: null }),
    chunk: fc.integer({ min: 1, max: 30 }),
  });
  type Sent = typeof sent extends fc.Arbitrary<infer T> ? T : never;

  function bytesOf({ verb, name, body: object, token, chunk }: Sent): Buffer {
    const headers = token === null ? [] : [`X-Vault-Token: ${token}`];
    const text = Buffer.from(JSON.stringify(object)).toString('latin1');
    switch (verb) {
      case 'SLOW':
        return Buffer.from(request('GET', `/v1/slow/${name}`, headers));
      case 'POST':
      case 'PUT':
        return Buffer.from(request(verb, `/v1/${name}`, headers, text), 'latin1');
      case 'LIST with a body':
        return Buffer.from(request('LIST', `/v1/${name}`, headers, text), 'latin1');
      case 'CHUNKED': {
        const pieces = text.match(new RegExp(`[^]{1,${chunk}}`, 'g')) ?? [];
        const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('');
        const head = request('POST', `/v1/${name}`, ['Transfer-Encoding: chunked', ...headers]);
        return Buffer.from(`${head}${chunks}0\r\n\r\n`, 'latin1');
      }
      default:
        return Buffer.from(request(verb, `/v1/${name}`, headers));
    }
  }

  function expected({ verb, name, body: object, token }: Sent): unknown {
    if (verb === 'LINK') return 405;
    const common = { token, wrapTtl: null };
    if (verb.startsWith('LIST')) return { operation: 'list', path: `${name}/`, data: {}, ...common };
    if (verb === 'SLOW') return { operation: 'read', path: `slow/${name}`, data: {}, ...common };
    if (verb === 'GET') return { operation: 'read', path: name, data: {}, ...common };
    if (verb === 'DELETE') return { operation: 'delete', path: name, data: {}, ...common };
    return { operation: 'write', path: name, data: object, ...common };
  }

  /** Some take a while, so that others come meanwhile. */
  const handle = async (asked: Request) => {
    if (asked.path.startsWith('slow/'))
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    return shown(asked);
  };

  const timeout = 3_600_000;
  it.each(transports)('every request is answered, rightly and in its turn, over %s', { timeout }, async (_, options, tls) => {
    const { port, listener } = await serving({ ...options, handle });
    const rounds = fc.array(sent, { minLength: 1, maxLength: 12 });
    const cuts = fc.array(fc.nat(2000), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(rounds, cuts, async (list, at) => {
        const bytes = Buffer.concat(list.map(bytesOf));
        const edges = [...new Set(at.map((edge) => edge % bytes.length))].sort((a, b) => a - b);
        const pieces = [0, ...edges].map((edge, index) => bytes.subarray(edge, edges[index] ?? bytes.length));
        const client = await RawClient.open(port, tls);
        await client.send(...pieces.filter((piece) => piece.length > 0));
        for (const one of list) {
          const answer = await client.answer();
          expect(answer?.status === 200 ? json(answer).data : answer?.status).toEqual(expected(one));
        }
        client.end();
      }),
      runs(tls === undefined ? 120 : 50, 20_000),
    );
    expect(listener.inFlight()).toBe(0);
  });
});
