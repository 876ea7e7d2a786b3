import { describe, expect, it } from 'vitest';
import { ask, json, request } from './raw-client.ts';
import { serving } from './serving.ts';

describe('the token', () => {
  it.each([
    [['X-Vault-Token: abc'], 'abc'],
    [['x-vault-token: abc'], 'abc'],
    [['Authorization: Bearer abc'], 'abc'],
    [['authorization: bearer  abc '], 'abc'],
    [['X-Vault-Token: abc', 'Authorization: Bearer abc'], 'abc'],
    [['X-Vault-Token:', 'Authorization: Bearer abc'], 'abc'],
    [['X-Vault-Token: abc', 'Authorization: Basic dXNlcjpwYXNz'], 'abc'],
    [['Authorization: Basic dXNlcjpwYXNz'], null],
    [['Authorization: Bearer'], null],
    [['X-Vault-Token:'], null],
    [[], null],
  ])('of %j is %j', async (headers, token) => {
    const { port, requests, lines } = await serving();
    expect((await ask(port, request('GET', '/v1/a', headers))).status).toBe(200);
    expect(requests.map((asked) => asked.token)).toEqual([token]);
    expect(lines.map((line) => line.token)).toEqual([token]);
  });

  it('is refused where two are presented', async () => {
    const { port, requests } = await serving();
    for (const headers of [
      ['X-Vault-Token: abc', 'Authorization: Bearer xyz'],
      ['X-Vault-Token: abc', 'X-Vault-Token: abc'],
      ['X-Vault-Token: abc', 'x-vault-TOKEN: xyz'],
      ['Authorization: Bearer abc', 'Authorization: Bearer abc'],
      ['Authorization: Basic abc', 'Authorization: Bearer abc'],
    ]) {
      const answer = await ask(port, request('GET', '/v1/a', headers));
      expect(answer.status).toBe(400);
      expect(answer.body).not.toMatch(/abc|xyz/);
    }
    expect(requests).toEqual([]);
  });

  it('reaches no header that the audit log could show', async () => {
    const { port, requests } = await serving();
    await ask(
      port,
      request('GET', '/v1/a', ['X-Vault-Token: canary', 'AUTHORIZATION: Bearer canary', 'Cookie: t=canary', 'X-Request: 1']),
    );
    expect(requests[0]?.headers).toEqual({ host: 'localhost', 'x-request': '1' });
  });
});

describe('a header that changes what a request means', () => {
  it.each([
    'X-Vault-Namespace: a',
    'X-Vault-Wrap-TTL: 60',
    'Host: localhost',
    'Content-Type: application/json',
    'Content-Encoding: identity',
    'X-Vault-Wrap-Format: jwt',
    'Expect: 100-continue',
  ])('is refused where it comes twice: %s', async (header) => {
    const { port, requests } = await serving();
    expect((await ask(port, request('POST', '/v1/a', [header, header.toUpperCase()], '{}'))).status).toBe(400);
    expect(requests).toEqual([]);
  });

  it('may come twice where it does not', async () => {
    const { port, requests } = await serving();
    expect((await ask(port, request('GET', '/v1/a', ['X-A: 1', 'X-a: 2', 'Accept: a', 'Accept: b']))).status).toBe(200);
    expect(requests[0]?.headers).toMatchObject({ 'x-a': '1, 2', accept: 'a, b' });
  });
});

describe('a namespace', () => {
  it('is refused, never passed over', async () => {
    const { port, requests } = await serving();
    const answer = await ask(port, request('GET', '/v1/a', ['X-Vault-Namespace: team-a/']));
    expect([answer.status, json(answer).errors?.[0]]).toEqual([400, expect.stringContaining('no namespaces')]);
    expect(requests).toEqual([]);
    expect((await ask(port, request('GET', '/v1/a', ['X-Vault-Namespace:']))).status).toBe(200);
  });
});

describe('the time for which a reply shall be wrapped', () => {
  it.each([
    ['60', 60],
    ['60s', 60],
    ['5m', 300],
    ['1h30m', 5400],
    ['1500ms', 2],
    ['0', null],
    ['', null],
  ])('of "%s" is %s seconds', async (value, seconds) => {
    const { port, requests } = await serving();
    await ask(port, request('GET', '/v1/a', [`X-Vault-Wrap-TTL: ${value}`]));
    expect(requests.map(({ wrapTtl }) => wrapTtl)).toEqual([seconds]);
  });

  it.each(['-60', '-1s', 'soon', '60x', 'NaN', '1e3', '0x10'])('is refused where it is "%s"', async (value) => {
    const { port, requests } = await serving();
    const answer = await ask(port, request('GET', '/v1/a', [`X-Vault-Wrap-TTL: ${value}`]));
    expect([answer.status, json(answer).errors?.[0]]).toEqual([400, expect.stringContaining('X-Vault-Wrap-TTL')]);
    expect(requests).toEqual([]);
  });

  it('comes in no other form than a token', async () => {
    const { port } = await serving();
    expect((await ask(port, request('GET', '/v1/a', ['X-Vault-Wrap-TTL: 60', 'X-Vault-Wrap-Format: jwt']))).status).toBe(400);
  });
});

describe('headers of clients', () => {
  it('that the API knows and that need nothing are accepted', async () => {
    const { port } = await serving();
    const usual = [
      'X-Vault-Request: true',
      'X-Vault-MFA: method:123456',
      'X-Vault-No-Request-Forwarding: true',
      'X-Vault-Policy-Override: true',
      'X-Vault-Index: abc',
      'X-Vault-Inconsistent: forward-active-node',
      'Accept-Encoding: gzip',
      'Content-Encoding: identity',
      'Connection: keep-alive',
    ];
    expect((await ask(port, request('GET', '/v1/a', usual))).status).toBe(200);
  });

  it('that ask for a coding of the body are refused with 415', async () => {
    const { port, requests } = await serving();
    for (const coding of ['gzip', 'br', 'GZIP', 'identity, gzip']) {
      expect((await ask(port, request('POST', '/v1/a', [`Content-Encoding: ${coding}`], '{}'))).status).toBe(415);
    }
    expect(requests).toEqual([]);
  });
});

describe('where a request came from', () => {
  const forwarded = (value: string): string => request('GET', '/v1/a', [`X-Forwarded-For: ${value}`]);

  it('is the other end of the connection', async () => {
    const { port, requests } = await serving();
    await ask(port, forwarded('203.0.113.7'));
    expect(requests[0]?.remote?.address).toBe('127.0.0.1');
    expect(requests[0]?.remote?.port).toBeGreaterThan(0);
    // What it says of itself does not reach the audit log either.
    expect(requests[0]?.headers).not.toHaveProperty('x-forwarded-for');
  });

  it('is an IPv4 address also where the system shows it as IPv6', async () => {
    const { port, requests } = await serving({ host: '::' });
    await ask(port, request('GET', '/v1/a'));
    expect(requests[0]?.remote?.address).toBe('127.0.0.1');
  });

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['1.1.1.1, 203.0.113.7', '203.0.113.7'],
    ['1.1.1.1, 203.0.113.7, 10.1.2.3', '203.0.113.7'],
    ['10.9.9.9, 10.1.2.3', '10.9.9.9'],
    ['garbage, 203.0.113.7', '203.0.113.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['203.0.113.7:4711', '203.0.113.7'],
    ['[2001:db8::7]:4711', '2001:db8::7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
  ])('is what a trusted proxy says: %s', async (value, address) => {
    const { port, requests } = await serving({ trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] });
    expect((await ask(port, forwarded(value))).status).toBe(200);
    expect(requests[0]?.remote?.address).toBe(address);
  });

  it('is refused where a trusted proxy says what is no address', async () => {
    const { port, requests } = await serving({ trustedProxies: ['127.0.0.1'] });
    for (const value of ['unknown', '203.0.113.7, ', 'localhost', '1.2.3', '_hidden', '']) {
      expect([value, (await ask(port, forwarded(value))).status]).toEqual([value, 400]);
    }
    expect(requests).toEqual([]);
  });

  it('is the proxy itself where it says nothing', async () => {
    const { port, requests } = await serving({ trustedProxies: ['127.0.0.1'] });
    await ask(port, request('GET', '/v1/a'));
    expect(requests[0]?.remote?.address).toBe('127.0.0.1');
  });

  it('headers of one hop after the other count in their order', async () => {
    const { port, requests } = await serving({ trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });
    await ask(port, request('GET', '/v1/a', ['X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 203.0.113.7, 10.0.0.1']));
    expect(requests[0]?.remote?.address).toBe('203.0.113.7');
  });
});
