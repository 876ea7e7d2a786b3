import { describe, expect, it } from 'vitest';
import { RawClient, request } from './raw-client.ts';
import { serving } from './serving.ts';

const host = 'Host: localhost\r\n';
const post = (headers: string, body: string): string => `POST /v1/a HTTP/1.1\r\n${host}${headers}\r\n${body}`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body);

const malformed: Readonly<Record<string, string>> = {
  'a length and chunks': post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  'chunks and a length': post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'),
  'a length twice': post('Content-Length: 2\r\nContent-Length: 2\r\n', '{}'),
  'two lengths': post('Content-Length: 2\r\nContent-Length: 20\r\n', '{}'),
  'two lengths in one': post('Content-Length: 2, 2\r\n', '{}'),
  'a length with a sign': post('Content-Length: +2\r\n', '{}'),
  'a hexadecimal length': post('Content-Length: 0x2\r\n', '{}'),
  'a negative length': post('Content-Length: -1\r\n', '{}'),
  'an empty length': post('Content-Length: \r\n', '{}'),
  'a length beyond all numbers': post('Content-Length: 99999999999999999999999\r\n', '{}'),
  'a folded header': `GET /v1/a HTTP/1.1\r\n${host}X-A: b\r\n c\r\n\r\n`,
  'a line feed alone after the request line': `GET /v1/a HTTP/1.1\n${host}\r\n`,
  'a line feed alone in the headers': `GET /v1/a HTTP/1.1\r\n${host}X-A: b\nX-B: c\r\n\r\n`,
  'line feeds alone at the end': `GET /v1/a HTTP/1.1\r\nHost: localhost\n\n`,
  'a carriage return in a value': `GET /v1/a HTTP/1.1\r\n${host}X-A: b\rX-B: c\r\n\r\n`,
  'a space before the colon': `GET /v1/a HTTP/1.1\r\nHost : localhost\r\n\r\n`,
  'a space before the first header': `GET /v1/a HTTP/1.1\r\n Host: localhost\r\n\r\n`,
  'a NUL in a value': `GET /v1/a HTTP/1.1\r\n${host}X-A: a\0b\r\n\r\n`,
  'a header without a colon': `GET /v1/a HTTP/1.1\r\n${host}X-A\r\n\r\n`,
  'a header without a name': `GET /v1/a HTTP/1.1\r\n${host}: a\r\n\r\n`,
  'an unknown coding': post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
  'a coding before chunked': post('Transfer-Encoding: gzip, chunked\r\n', '2\r\n{}\r\n0\r\n\r\n'),
  'a coding after chunked': post('Transfer-Encoding: chunked, gzip\r\n', '2\r\n{}\r\n0\r\n\r\n'),
  'chunked twice': post('Transfer-Encoding: chunked, chunked\r\n', '2\r\n{}\r\n0\r\n\r\n'),
  'chunked in two headers': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '2\r\n{}\r\n0\r\n\r\n'),
  'the coding identity': post('Transfer-Encoding: identity\r\n', '{}'),
  'a control character before chunked': post('Transfer-Encoding: \x0bchunked\r\n', '2\r\n{}\r\n0\r\n\r\n'),
  'chunks in HTTP/1.0': `POST /v1/a HTTP/1.0\r\n${host}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  'a chunk size with a prefix': chunked('0x2\r\n{}\r\n0\r\n\r\n'),
  'a chunk size with a space': chunked('2 \r\n{}\r\n0\r\n\r\n'),
  'a chunk extension that ends in a line feed': chunked('2;a\n{}\r\n0\r\n\r\n'),
  'chunks with line feeds alone': chunked('2\n{}\n0\n\n'),
  'a chunk longer than it says': chunked('2\r\n{}0\r\n\r\n'),
  'a negative chunk size': chunked('-2\r\n{}\r\n0\r\n\r\n'),
  'a chunk size beyond all numbers': chunked('10000000000000002\r\n{}\r\n0\r\n\r\n'),
  'an absolute target': `GET http://localhost/v1/a HTTP/1.1\r\n${host}\r\n`,
  'a target of another scheme': `GET file:///v1/a HTTP/1.1\r\n${host}\r\n`,
  'a target without a slash': `GET v1/a HTTP/1.1\r\n${host}\r\n`,
  'a target with a space': `GET /v1/a b HTTP/1.1\r\n${host}\r\n`,
  'a target with bytes that are not encoded': `GET /v1/\xc3\xa4 HTTP/1.1\r\n${host}\r\n`,
  'no Host': `GET /v1/a HTTP/1.1\r\n\r\n`,
  'two Hosts': `GET /v1/a HTTP/1.1\r\n${host}Host: other\r\n\r\n`,
  'a verb in lower case': `get /v1/a HTTP/1.1\r\n${host}\r\n`,
  'a tab after the verb': `GET\t/v1/a HTTP/1.1\r\n${host}\r\n`,
  'HTTP/0.9': `GET /v1/a\r\n\r\n`,
  'HTTP/1.2': `GET /v1/a HTTP/1.2\r\n${host}\r\n`,
  'HTTP/2.0': `GET /v1/a HTTP/2.0\r\n${host}\r\n`,
  'the preface of HTTP/2': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
  'the line of a proxy protocol': `PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET /v1/a HTTP/1.1\r\n${host}\r\n`,
  'the hello of a TLS client': '\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03',
};

/** The same requests with another verb: the parser of a LIST is no more lenient. */
const asList = Object.entries(malformed).flatMap(([name, bytes]) =>
  /^(GET|POST) /.test(bytes) ? [[`LIST with ${name}`, bytes.replace(/^(GET|POST) /, 'LIST ')] as const] : [],
);

describe('a request that could be understood in two ways', () => {
  it.each([...Object.entries(malformed), ...asList])('%s: is refused, and the connection ends', async (_, bytes) => {
    const { port, requests } = await serving();
    const client = await RawClient.open(port);
    // A request before is answered; one behind is never looked at.
    await client.send(request('GET', '/v1/before') + bytes + request('GET', '/v1/smuggled'));
    expect((await client.answer())?.status).toBe(200);
    const refusal = await client.answer();
    expect(refusal?.status).toBe(400);
    expect(refusal?.headers['connection']).toBe('close');
    expect(JSON.parse(refusal?.body ?? '')).toHaveProperty('errors');
    await client.closed();
    client.end();
    expect(requests.map(({ path }) => path)).toEqual(['before']);
  });
});

describe('a request with', () => {
  it.each([
    ['empty lines before it', `\r\n\r\nGET /v1/a HTTP/1.1\r\n${host}\r\n`],
    ['no Host in HTTP/1.0', `GET /v1/a HTTP/1.0\r\n\r\n`],
    ['a chunk extension', chunked('2;name=value\r\n{}\r\n0\r\n\r\n')],
    ['a tab before chunked', post('Transfer-Encoding:\tchunked\r\n', '2\r\n{}\r\n0\r\n\r\n')],
    ['CHUNKED', post('Transfer-Encoding: CHUNKED\r\n', '2\r\n{}\r\n0\r\n\r\n')],
    ['a body where none is expected', `GET /v1/a HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\n{}`],
  ])('%s is answered', async (_, bytes) => {
    const { port } = await serving();
    const client = await RawClient.open(port);
    await client.send(bytes);
    expect((await client.answer())?.status).toBe(200);
    client.end();
  });

  it('trailers takes nothing from them', async () => {
    const { port, requests } = await serving();
    const client = await RawClient.open(port);
    await client.send(chunked('2\r\n{}\r\n0\r\nX-Vault-Token: trailing\r\nX-Vault-Wrap-TTL: 60\r\n\r\n'));
    expect((await client.answer())?.status).toBe(200);
    expect(requests.map(({ token, wrapTtl }) => [token, wrapTtl])).toEqual([[null, null]]);
    client.end();
  });

  it('CONNECT is refused, also behind one that is answered', async () => {
    const { port } = await serving();
    const client = await RawClient.open(port);
    await client.send(`${request('GET', '/v1/a')}CONNECT localhost:443 HTTP/1.1\r\n${host}\r\n`);
    expect([(await client.answer())?.status, (await client.answer())?.status]).toEqual([200, 405]);
    await client.closed();
    client.end();
  });

  it('the wish to speak another protocol is answered in this one, and the connection ends', async () => {
    for (const protocol of ['websocket', 'h2c']) {
      const { port, requests } = await serving();
      const client = await RawClient.open(port);
      const upgrade = ['Connection: Upgrade, HTTP2-Settings', `Upgrade: ${protocol}`, 'HTTP2-Settings: AAMAAABkAAQAAP__'];
      await client.send(request('GET', '/v1/a', upgrade) + request('GET', '/v1/smuggled'));
      const answer = await client.answer();
      expect([answer?.status, answer?.headers['connection']]).toEqual([200, 'close']);
      await client.closed();
      client.end();
      expect(requests.map(({ path }) => path)).toEqual(['a']);
    }
  });

  it('headers that are too large or too many is refused with 431', async () => {
    const { port } = await serving({ limits: { maxHeaderBytes: 4096, maxHeaders: 20 } });
    const large = await RawClient.open(port);
    await large.send(request('GET', '/v1/a', [`X-A: ${'a'.repeat(5000)}`]));
    expect((await large.answer())?.status).toBe(431);
    await large.closed();
    large.end();
    const many = await RawClient.open(port);
    await many.send(
      request(
        'GET',
        '/v1/a',
        Array.from({ length: 20 }, (_, index) => `X-${index}: a`),
      ),
    );
    expect((await many.answer())?.status).toBe(431);
    many.end();
    const target = await RawClient.open(port);
    await target.send(request('GET', `/v1/${'a'.repeat(5000)}`));
    expect((await target.answer())?.status).toBe(431);
    target.end();
  });

  it('a verb that nobody knows is refused with 405', async () => {
    const { port } = await serving();
    for (const verb of ['GEST', 'LISTEN', 'LIS', 'SCAN', 'XYZ', 'GETT', 'POS']) {
      const client = await RawClient.open(port);
      await client.send(`${verb} /v1/a HTTP/1.1\r\n${host}\r\n`);
      expect([verb, (await client.answer())?.status]).toEqual([verb, 405]);
      await client.closed();
      client.end();
    }
  });
});
