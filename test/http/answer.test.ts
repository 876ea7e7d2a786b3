import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/error.ts';
import type { Reply, ReplyAuth } from '../../src/protocol/reply.ts';
import { notFound, permissionDenied, RequestError } from '../../src/protocol/request-error.ts';
import { ask, RawClient, request } from './raw-client.ts';
import { certificate, authority, serving } from './serving.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const auth: ReplyAuth = {
  client_token: 's.abc',
  accessor: 'acc',
  policies: ['default', 'app'],
  token_policies: ['default', 'app'],
  identity_policies: [],
  metadata: { role_name: 'app' },
  lease_duration: 3600,
  renewable: true,
  entity_id: '',
  token_type: 'service',
  orphan: true,
  num_uses: 0,
};

async function answered(reply: Reply, method = 'GET', path = 'kv/a') {
  const { port } = await serving({ handle: async () => reply });
  return ask(port, request(method, `/v1/${path}`));
}

describe('a reply', () => {
  it('is an envelope with every member, in the order of the API', async () => {
    const { status, headers, body } = await answered({ data: { a: 1 } });
    expect([status, headers['content-type']]).toEqual([200, 'application/json']);
    const { request_id: id, ...rest } = JSON.parse(body) as Record<string, unknown>;
    expect(id).toMatch(uuid);
    expect(JSON.stringify(rest)).toBe(
      '{"lease_id":"","renewable":false,"lease_duration":0,"data":{"a":1},"wrap_info":null,"warnings":null,"auth":null}',
    );
  });

  it('names the request as the service knew it', async () => {
    const { port, requests } = await serving();
    const { body } = await ask(port, request('GET', '/v1/a'));
    expect((JSON.parse(body) as { request_id: string }).request_id).toBe(requests[0]?.id);
  });

  it('with nothing to say is 204 without a body, and yet of the type that clients look at first', async () => {
    const { status, headers, body } = await answered({ status: 204 }, 'DELETE');
    expect([status, body, headers['content-type'], headers['content-length'], headers['transfer-encoding']]).toEqual([
      204,
      '',
      'application/json',
      undefined,
      undefined,
    ]);
  });

  it('with warnings keeps them where there is something to say', async () => {
    const { status, body } = await answered({ data: null, warnings: ['look out'] }, 'POST');
    expect([status, JSON.parse(body)]).toEqual([200, expect.objectContaining({ data: null, warnings: ['look out'] })]);
    expect((await answered({ status: 204, warnings: ['look out'] }, 'POST')).status).toBe(204);
  });

  it('of a deleted version is 404 with the envelope', async () => {
    const { status, body } = await answered({ status: 404, data: { data: null, metadata: { destroyed: false } } });
    expect([status, JSON.parse(body)]).toEqual([
      404,
      expect.objectContaining({ data: { data: null, metadata: { destroyed: false } }, auth: null }),
    ]);
  });

  it('with a token has the members of one', async () => {
    const { body } = await answered({ auth, leaseDuration: 0 }, 'POST');
    const { auth: sent } = JSON.parse(body) as { auth: Record<string, unknown> };
    // A list of policies that is empty is left out.
    expect(sent).toEqual({ ...auth, identity_policies: undefined, mfa_requirement: null });
    expect(sent).not.toHaveProperty('identity_policies');
  });

  it('that is wrapped says where it can be had, and nothing else', async () => {
    const wrapInfo = {
      token: 's.wrap',
      accessor: 'acc',
      ttl: 60,
      creationTime: Date.UTC(2026, 0, 31, 12, 0, 0, 250),
      creationPath: 'kv/a',
      wrappedAccessor: '',
    };
    const { body } = await answered({ status: 204, wrapInfo });
    expect(JSON.parse(body)).toEqual({
      request_id: '',
      lease_id: '',
      renewable: false,
      lease_duration: 0,
      data: null,
      wrap_info: { token: 's.wrap', accessor: 'acc', ttl: 60, creation_time: '2026-01-31T12:00:00.250Z', creation_path: 'kv/a' },
      warnings: null,
      auth: null,
    });
  });

  it('may be a bare object, with any status', async () => {
    const { status, headers, body } = await answered({ status: 501, json: { initialized: false } }, 'GET', 'sys/health');
    expect([status, headers['content-type'], body]).toEqual([501, 'application/json', '{"initialized":false}\n']);
  });

  it('may be bytes', async () => {
    const { status, headers, body } = await answered({
      body: { contentType: 'text/plain; version=0.0.4', bytes: Buffer.from('up 1\n') },
    });
    expect([status, headers['content-type'], headers['content-length'], body]).toEqual([
      200,
      'text/plain; version=0.0.4',
      '5',
      'up 1\n',
    ]);
  });

  it('may be bytes that come one after the other', async () => {
    const bytes = (async function* () {
      for (const part of ['a', 'b', 'c']) yield Buffer.from(part.repeat(100_000));
    })();
    const { headers, body } = await answered({ body: { contentType: 'application/octet-stream', bytes } });
    expect(headers['transfer-encoding']).toBe('chunked');
    expect(body).toBe('a'.repeat(100_000) + 'b'.repeat(100_000) + 'c'.repeat(100_000));
  });

  it('keeps text of all scripts', async () => {
    const { headers, body } = await answered({ data: { text: 'ä漢😀"\\\u2028' } });
    const bytes = Buffer.from(body, 'latin1');
    expect(headers['content-length']).toBe(String(bytes.length));
    expect((JSON.parse(bytes.toString()) as { data: unknown }).data).toEqual({ text: 'ä漢😀"\\\u2028' });
  });
});

describe('the members of data stand beside the envelope too', () => {
  it.each([
    'sys/audit',
    'sys/audit-hash/file',
    'sys/auth',
    'sys/auth/approle',
    'sys/auth/approle/tune',
    'sys/mounts',
    'sys/mounts/secret/tune',
    'sys/policy',
    'sys/policy/app',
    'sys/capabilities',
    'sys/capabilities-self',
    'sys/capabilities-accessor',
    'sys/key-status',
    'sys/rotate',
    'sys/rotate/keyring',
    'sys/remount',
    'sys/ha-status',
    'sys/wrapping/wrap',
    'sys/config/auditing/request-headers/x-a',
  ])('at %s', async (path) => {
    const { body } = await answered({ data: { 'secret/': { type: 'kv' }, data: 'x', auth: 'y' } }, 'GET', path);
    expect(JSON.parse(body)).toMatchObject({
      'secret/': { type: 'kv' },
      data: { 'secret/': { type: 'kv' }, data: 'x' },
      auth: null,
    });
  });

  it.each([
    'sys/policies/acl',
    'sys/auditx',
    'sys/capabilities-selfx',
    'sys/wrapping/lookup',
    'kv/sys/mounts',
    'sys/internal/ui/mounts',
  ])('but not at %s', async (path) => {
    expect(JSON.parse((await answered({ data: { k: 'v' } }, 'GET', path)).body)).not.toHaveProperty('k');
  });
});

describe('a refusal', () => {
  async function refused(error: unknown) {
    const server = await serving({
      handle: () => {
        throw error;
      },
    });
    return { ...(await ask(server.port, request('GET', '/v1/kv/a', ['X-Vault-Token: canary-token']))), log: server.log };
  }

  it.each([
    [permissionDenied(), 403, '{"errors":["permission denied"]}\n'],
    [notFound(), 404, '{"errors":[]}\n'],
    [new RequestError(503, 'Vault is sealed'), 503, '{"errors":["Vault is sealed"]}\n'],
    [new RequestError(400, ['one', 'two']), 400, '{"errors":["one","two"]}\n'],
  ])('%s is its errors', async (error, status, body) => {
    const answer = await refused(error);
    expect([answer.status, answer.body, answer.headers['content-type']]).toEqual([status, body, 'application/json']);
    expect(answer.log).toEqual([]);
  });

  it('may say when to come back', async () => {
    const { status, headers } = await refused(new RequestError(429, 'too many', { headers: { 'Retry-After': '7' } }));
    expect([status, headers['retry-after']]).toEqual([429, '7']);
  });

  it('for a defect says nothing, and the log where to look', async () => {
    const cause = new Error('canary-message');
    for (const error of [
      new TypeError('canary-message', { cause }),
      'canary-message',
      null,
      undefined,
      { canary: 'canary-message' },
    ]) {
      const { status, body, log } = await refused(error);
      expect([status, body]).toEqual([500, '{"errors":["internal error"]}\n']);
      expect(log).toHaveLength(1);
      expect(log[0]?.[0]).toBe('error');
      expect(log[0]?.[2]['request']).toMatch(uuid);
      expect(JSON.stringify(log)).not.toContain('canary');
    }
    expect((await refused(new TypeError('x'))).log[0]?.[2]['at']).toContain('answer.test');
    const fault = await refused(new Fault('store-io', 'the disk is gone'));
    expect([fault.status, fault.log[0]?.[2]]).toEqual([
      500,
      expect.objectContaining({ code: 'store-io', message: 'the disk is gone' }),
    ]);
  });

  it('before the body comes from whoever admits', async () => {
    const { port, requests, lines } = await serving({
      admit: () => Promise.reject(new RequestError(429, 'request path "kv/a": rate limit quota exceeded')),
    });
    const client = await RawClient.open(port);
    await client.send('POST /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: t\r\nContent-Length: 100\r\n\r\n');
    const answer = await client.answer();
    expect([answer?.status, answer?.headers['connection']]).toEqual([429, 'close']);
    client.end();
    expect(requests).toEqual([]);
    expect(lines).toEqual([
      { operation: 'write', path: 'kv/a', token: 't', remote: expect.objectContaining({ address: '127.0.0.1' }) },
    ]);
  });
});

describe('every answer', () => {
  it('is kept by nobody, is what it says it is, and tells nothing of the server', async () => {
    const { port } = await serving({ admit: async () => ({ 'X-Ratelimit-Limit': '100' }) });
    for (const text of [
      request('GET', '/v1/a'),
      request('GET', '/v1/a//b'),
      request('GET', '/'),
      request('SCAN', '/v1/a'),
      'GET /v1/a HTTP/1.0\r\n\r\n',
    ]) {
      const { headers } = await ask(port, text);
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
      for (const name of ['server', 'x-powered-by', 'via', 'etag', 'strict-transport-security', 'location'])
        expect(headers).not.toHaveProperty(name);
    }
    expect((await ask(port, request('GET', '/v1/a'))).headers['x-ratelimit-limit']).toBe('100');
  });

  it('over TLS asks for TLS the next time', async () => {
    const { port } = await serving({ tls: certificate('server') });
    const { headers } = await ask(port, request('GET', '/v1/a'), { ca: authority, servername: 'localhost' });
    expect(headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
  });

  it('without a token is the same byte for byte whether something is there or not', async () => {
    const { port } = await serving({ handle: () => Promise.reject(permissionDenied()) });
    const strip = ({ status, headers, body }: Awaited<ReturnType<typeof ask>>) => ({
      status,
      headers: { ...headers, date: '' },
      body,
    });
    const answers = [];
    for (const path of ['sys/mounts', 'secret/data/a', 'nothing/here', 'sys/policies/acl/x'])
      answers.push(strip(await ask(port, request('GET', `/v1/${path}`))));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    const old = await ask(port, 'GET /v1/sys/mounts HTTP/1.0\r\n\r\n');
    expect(JSON.stringify(old)).not.toMatch(/127\.0\.0\.1|localhost/);
  });
});
