import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestError } from '../../src/protocol/request-error.ts';
import { runs } from './property.ts';
import { RawClient, request } from './raw-client.ts';
import { authority, certificate, serving, type ServingOptions, shown } from './serving.ts';

const host = 'Host: localhost\r\n';
const sound: readonly string[] = [
  request('GET', '/v1/secret/data/a?version=2', ['X-Vault-Token: t', 'X-Vault-Request: true']),
  request('LIST', '/v1/secret/metadata/a', ['X-Vault-Token: t']),
  request('LIST', '/v1/secret/metadata/a', ['X-Vault-Token: t'], 'LIST /v1/x HTTP/1.1\r\n\r\n'),
  request('GET', '/v1/secret/metadata/a/?list=true&after=b&limit=1'),
  request('POST', '/v1/auth/approle/login', ['Content-Type: application/json'], '{"role_id":"a","secret_id":"b"}'),
  request('POST', '/v1/x', ['Content-Type: application/x-www-form-urlencoded'], 'a=b&c=%20d'),
  request(
    'PUT',
    '/v1/secret/data/%C3%A4',
    ['X-Vault-Wrap-TTL: 60s'],
    '{"data":{"a":[1,2.5e3,null,"\\u00e4\\n"]},"options":{"cas":0}}',
  ),
  request('PATCH', '/v1/secret/data/a', ['Content-Type: application/merge-patch+json'], '{"data":{"a":null}}'),
  request('DELETE', '/v1/secret/data/a?versions=1&versions=2', ['Authorization: Bearer t']),
  request('GET', '/v1/sealed/a'),
  request('GET', '/v1/secret?help=1'),
  request('SCAN', '/v1/secret'),
  request('OPTIONS', '/v1/secret', ['Origin: http://localhost']),
  `POST /v1/x HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n7;a=b\r\n{"a":1}\r\n0\r\nX-T: a\r\n\r\n`,
  `LIST /v1/x HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
  `POST /v1/x HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 7\r\n\r\n{"a":1}`,
  `GET /v1/x HTTP/1.1\r\n${host}Connection: upgrade\r\nUpgrade: h2c\r\n\r\n`,
  `GET /v1/x HTTP/1.0\r\n\r\n`,
  `CONNECT a:443 HTTP/1.1\r\n${host}\r\n`,
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
];
const fragments: readonly string[] = [
  ...['\r\n', '\n', '\r', '\r\n\r\n', ' ', '\t', '\0', '%', '%2e%2e/', '%2f', '//', '/../', '\\', '#', '?', '&', ':', ','],
  ...[
    'LIST ',
    'LIST /v1/a HTTP/1.1\r\n',
    'LINK ',
    'LIS',
    'LI',
    'GET ',
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/9.9',
    '\u00ff\u00fe',
    '{',
    '[',
    '"',
  ],
  ...['Content-Length: 3\r\n', 'Content-Length: 99999999\r\n', 'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip\r\n'],
  ...[
    'X-Vault-Token: u\r\n',
    'X-Vault-Namespace: n\r\n',
    'X-Vault-Wrap-TTL: -1\r\n',
    'Expect: 100-continue\r\n',
    'Host: b\r\n',
    ' : \r\n',
  ],
  ...['0\r\n\r\n', 'ffffffff\r\n', '1e5', '{"a":1,"a":2}', '[[[[', '1'.repeat(400), 'a'.repeat(5000)],
];

type Change =
  | { readonly kind: 'insert'; readonly at: number; readonly text: string }
  | { readonly kind: 'replace'; readonly at: number; readonly text: string }
  | { readonly kind: 'delete' | 'repeat'; readonly at: number; readonly length: number };
const at = fc.nat(600);
const text = fc.oneof(
  fc.constantFrom(...fragments),
  fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constantFrom('insert' as const, 'replace' as const), at, text }),
  fc.record({ kind: fc.constantFrom('delete' as const, 'repeat' as const), at, length: fc.integer({ min: 1, max: 40 }) }),
);

function changed(whole: string, changes: readonly Change[]): string {
  return changes.reduce((so, one) => {
    const start = one.at % (so.length + 1);
    const [before, after] = [so.slice(0, start), so.slice(start)];
    if (one.kind === 'insert') return before + one.text + after;
    if (one.kind === 'replace') return before + one.text + after.slice(one.text.length);
    return one.kind === 'delete' ? before + after.slice(one.length) : before + after.slice(0, one.length) + after;
  }, whole);
}

/** What a client sends over one connection. */
const session = fc.record({
  bytes: fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .array(fc.tuple(fc.constantFrom(...sound), fc.array(change, { maxLength: 2 })), { minLength: 1, maxLength: 12 })
        .map((list) => list.map(([whole, changes]) => changed(whole, changes)).join('')),
    },
    {
      weight: 1,
      arbitrary: fc.array(fc.oneof(text, fc.constantFrom(...sound)), { maxLength: 30 }).map((parts) => parts.join('')),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString('latin1')) },
  ),
  cuts: fc.array(fc.nat(3000), { maxLength: 6 }),
  ending: fc.constantFrom('end' as const, 'end' as const, 'end' as const, 'destroy' as const),
});

/** Nothing that a client sends makes the server fail. 503 is what the service throws. */
const expected = new Set([100, 200, 400, 404, 405, 408, 413, 415, 417, 429, 431, 503]);

// About six requests in a session, two and a half sessions in a run: a million of them at full size.
const transports: readonly [string, ServingOptions, object | undefined, readonly [small: number, full: number]][] = [
  ['HTTP', {}, undefined, [250, 67_000]],
  ['HTTPS', { tls: certificate('server') }, { ca: authority, servername: 'localhost' }, [40, 3_000]],
];

describe.each(transports)('whatever bytes arrive over %s', (_, options, tls, sizes) => {
  it('the server answers in form or closes, keeps nothing, and goes on', { timeout: 7_200_000 }, async () => {
    const { port, listener, log } = await serving({
      ...options,
      limits: { headersTimeout: 500, bodyTimeout: 500, maxHeaderBytes: 4096, maxAnonymousBodyBytes: 20_000 },
      handle: async (asked) => {
        if (asked.path.startsWith('sealed')) throw new RequestError(503, 'Vault is sealed');
        return shown(asked);
      },
    });
    let answers = 0;
    const one = async ({
      bytes,
      cuts,
      ending,
    }: {
      bytes: string;
      cuts: readonly number[];
      ending: 'end' | 'destroy';
    }): Promise<void> => {
      const whole = Buffer.from(bytes, 'latin1');
      const edges = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b);
      const client = await RawClient.open(port, tls);
      await client.send(...[0, ...edges].map((edge, index) => whole.subarray(edge, edges[index] ?? whole.length)));
      if (ending === 'destroy') {
        if (tls === undefined) client.socket.resetAndDestroy();
        else client.end();
        return;
      }
      // TLS has no half of a connection: there the server's patience ends it.
      if (tls === undefined) client.socket.end();
      else client.socket.write(request('GET', '/v1/last', ['Connection: close']));
      for (let answer = await client.answer(); answer !== null; answer = await client.answer()) {
        if (!expected.has(answer.status)) throw new Error(`status ${answer.status}: ${answer.body}`);
        if (answer.status >= 400 && answer.status !== 417) expect(JSON.parse(answer.body)).toHaveProperty('errors');
        answers++;
      }
      client.end();
    };
    // Some sessions at once, so that parsers go from hand to hand.
    await fc.assert(
      fc.asyncProperty(fc.array(session, { minLength: 1, maxLength: 4 }), async (all) => {
        await Promise.all(all.map(one));
      }),
      runs(...sizes),
    );
    const before = process.memoryUsage().heapUsed;
    expect(answers).toBeGreaterThan(sizes[0]);
    const after = await RawClient.open(port, tls);
    for (const verb of ['GET', 'LIST', 'GET']) {
      await after.send(request(verb, '/v1/a'));
      expect((await after.answer())?.status).toBe(200);
    }
    after.end();
    while (listener.inFlight() > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual([]);
    expect(before).toBeLessThan(400 * 1024 * 1024);
  });
});
