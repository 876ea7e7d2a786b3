import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect as connectTo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { Ask } from '../../src/client/client.ts';
import { connect, refusal } from './connecting.ts';
import { enveloped, json, listen, pem, secured } from './listener.ts';

const token = 'hvs.CANARYTOKEN0123456789';
const folder = mkdtempSync(join(tmpdir(), 'secretctl-client-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (path: string, data = {}): Ask => ({ operation: 'read', path, data, token });
const write = (path: string, data = {}): Ask => ({ operation: 'write', path, data, token });

describe('a request', () => {
  it('is sent as the API has it: verb, path, query, headers, body', async () => {
    const server = await listen((_request, response) => json(response, 200, enveloped({ data: { a: 1 } })));
    const { client } = connect(server.address);
    await client.request(read('kv/data/app/ü b', { version: 3 }));
    await client.request({ operation: 'list', path: 'kv/metadata/app/', data: {}, token });
    await client.request({ ...write('kv/data/app', { data: { x: 'ü' } }), wrapTtl: 60 });
    await client.request({ operation: 'patch', path: 'kv/data/app', data: { data: {} }, token: null });
    await client.request({ operation: 'delete', path: 'kv/data/app', data: { force: true }, token });
    client.close();
    expect(server.arrived.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['GET', '/v1/kv/data/app/%C3%BC%20b?version=3', ''],
      ['GET', '/v1/kv/metadata/app/?list=true', ''],
      ['PUT', '/v1/kv/data/app', '{"data":{"x":"ü"}}'],
      ['PATCH', '/v1/kv/data/app', '{"data":{}}'],
      ['DELETE', '/v1/kv/data/app?force=true', ''],
    ]);
    const [first, , third, fourth] = server.arrived;
    expect(first?.headers).toMatchObject({ 'x-vault-token': token, 'x-vault-request': 'true', connection: 'keep-alive' });
    expect(third?.headers).toMatchObject({ 'x-vault-wrap-ttl': '60', 'content-type': 'application/json' });
    expect(fourth?.headers['content-type']).toBe('application/merge-patch+json');
    expect(fourth?.headers['x-vault-token']).toBeUndefined();
  });

  it('goes over a unix socket too', async () => {
    const socket = join(folder, 'server.sock');
    await listen((_request, response) => json(response, 200, enveloped({ data: { over: 'socket' } })), { socket });
    const { client } = connect(`unix://${socket}`);
    expect((await client.request(read('x'))).data).toEqual({ over: 'socket' });
    client.close();
  });

  it('keeps the path that stands before the API in an address', async () => {
    const server = await listen((_request, response) => json(response, 200, enveloped({})));
    const { client } = connect(`${server.address}/secrets/v1/`);
    await client.request(read('sys/mounts'));
    client.close();
    expect(server.arrived[0]?.url).toBe('/secrets/v1/sys/mounts');
  });

  it('is sent no faster than VAULT_RATE_LIMIT allows', async () => {
    const server = await listen((_request, response) => json(response, 200, enveloped({})));
    const { client, waits } = connect(server.address, { env: { VAULT_RATE_LIMIT: '0.001:2' } });
    for (let count = 0; count < 4; count += 1) await client.request(read('x'));
    client.close();
    expect(waits).toHaveLength(2);
    expect(Math.min(...waits)).toBeGreaterThan(900_000);
  });
});

describe('a reply', () => {
  const replying = async (status: number, body: unknown) => {
    const server = await listen((_request, response) =>
      body === null ? response.writeHead(status).end() : json(response, status, body),
    );
    return connect(server.address, { env: { VAULT_MAX_RETRIES: '0' } }).client.request(read('x'));
  };

  it('has what the envelope says', async () => {
    const auth = {
      client_token: 'hvs.x',
      accessor: 'a',
      policies: ['p'],
      token_policies: ['p'],
      lease_duration: 5,
      renewable: true,
    };
    expect(
      await replying(
        200,
        enveloped({
          auth: { ...auth, metadata: null, mfa_requirement: null },
          warnings: ['w'],
          lease_id: 'l',
          lease_duration: 7,
        }),
      ),
    ).toMatchObject({
      auth: { ...auth, identity_policies: [], token_type: 'service' },
      warnings: ['w'],
      leaseId: 'l',
      leaseDuration: 7,
    });
    const info = { token: 'hvs.w', accessor: 'a', ttl: 60, creation_time: '2026-01-02T03:04:05.5Z', creation_path: 'x' };
    expect((await replying(200, enveloped({ wrap_info: info }))).wrapInfo).toEqual({
      token: 'hvs.w',
      accessor: 'a',
      ttl: 60,
      creationTime: Date.UTC(2026, 0, 2, 3, 4, 5, 500),
      creationPath: 'x',
      wrappedAccessor: '',
    });
  });

  it('without an envelope is taken as it is', async () => {
    expect(await replying(200, { sealed: false, type: 'shamir' })).toEqual({ json: { sealed: false, type: 'shamir' } });
    expect(await replying(204, null)).toEqual({ status: 204 });
  });

  it('of a deleted version is no refusal: it has metadata', async () => {
    const data = { data: null, metadata: { deletion_time: 'x' } };
    expect(await replying(404, enveloped({ data }))).toMatchObject({ status: 404, data });
    expect(await replying(404, enveloped({ warnings: ['elsewhere'] }))).toMatchObject({ status: 404, warnings: ['elsewhere'] });
    expect(await refusal(replying(404, { errors: [] }))).toMatchObject({ status: 404, errors: [] });
  });

  it('that refuses is thrown with the server’s own words', async () => {
    expect(await refusal(replying(400, { errors: ['one', 'two'] }))).toMatchObject({ status: 400, errors: ['one', 'two'] });
    const sealed = await refusal(replying(503, { errors: ['Vault is sealed'] }));
    expect(sealed).toMatchObject({
      status: 503,
      cause: { hint: expect.stringContaining('To unseal it: secretctl operator unseal') },
    });
  });

  it('of something else than a server of this API is no reply', async () => {
    const server = await listen((_request, response) => response.end('<html>canary</html>'));
    const error = await refusal(connect(server.address).client.request(read('x')));
    expect(error).toMatchObject({ code: 'request-failed', message: expect.stringContaining('its answer is no JSON') });
    expect(inspect(error, { depth: 9 })).not.toContain('canary');
  });
});

describe('another try', () => {
  const failing = async (statuses: readonly (number | 'break')[], headers: Readonly<Record<string, string>> = {}) => {
    let next = 0;
    const server = await listen((_request, response, incoming) => {
      const status = statuses[next++] ?? 200;
      if (status === 'break') incoming.socket.destroy();
      else json(response, status, status === 200 ? enveloped({}) : { errors: ['later'] }, headers);
    });
    return { ...connect(server.address), server };
  };

  it.each([412, 429, 500, 502, 503, 504])('follows %d for what changes nothing', async (status) => {
    const { client, waits, server } = await failing([status, status]);
    await client.request(read('x'));
    expect([server.arrived.length, waits.length]).toEqual([3, 2]);
  });

  it.each([412, 429])('follows %d for a write, which was refused before any work', async (status) => {
    const { client, server } = await failing([status]);
    await client.request(write('x'));
    expect(server.arrived).toHaveLength(2);
  });

  it.each([400, 403, 404, 500, 503])('does not follow %d for a write', async (status) => {
    const { client, server } = await failing([status]);
    expect(await refusal(client.request(write('x')))).toMatchObject({ status });
    expect(server.arrived).toHaveLength(1);
  });

  it('comes as often as VAULT_MAX_RETRIES says, and the last answer counts', async () => {
    const { client, server } = await failing([503, 503, 503, 503]);
    expect(await refusal(client.request(read('x')))).toMatchObject({ status: 503, errors: ['later'] });
    expect(server.arrived).toHaveLength(3);
  });

  it('waits as long as Retry-After asks, within reason', async () => {
    const { client, waits } = await failing([429, 429], { 'retry-after': '7' });
    await client.request(read('x'));
    expect(waits).toEqual([7000, 7000]);
    const patient = await failing([429], { 'retry-after': '86400' });
    await patient.client.request(read('x'));
    expect(patient.waits).toEqual([30_000]);
  });

  it('follows a broken connection only where nothing can be done twice', async () => {
    const reading = await failing(['break']);
    await reading.client.request(read('x'));
    expect(reading.server.arrived).toHaveLength(2);
    const writing = await failing(['break']);
    expect(await refusal(writing.client.request(write('x')))).toMatchObject({
      code: 'outcome-unknown',
      message: expect.stringContaining('the request may have been carried out'),
    });
    expect(writing.server.arrived).toHaveLength(1);
  });

  it('is not made by somebody who pressed Ctrl-C', async () => {
    const interrupt = new AbortController();
    const server = await listen(() => interrupt.abort());
    const { client } = connect(server.address, { interrupted: interrupt.signal });
    expect(await refusal(client.request(read('x')))).toMatchObject({ code: 'cancelled' });
    expect(server.arrived).toHaveLength(1);
  });
});

describe('a token', () => {
  it('follows no redirect', async () => {
    const other = await listen((_request, response) => json(response, 200, enveloped({})));
    const server = await listen((_request, response) =>
      response.writeHead(307, { location: `${other.address}/v1/x?hvs.secret` }).end(),
    );
    for (const ask of [read('x'), write('x')]) {
      const error = await refusal(connect(server.address).client.request(ask));
      expect(error).toMatchObject({
        code: 'request-failed',
        message: expect.stringContaining(`redirects to ${other.address} (307)`),
      });
      expect(inspect(error, { depth: 9 })).not.toContain('hvs.');
    }
    expect(other.arrived).toEqual([]);
  });

  it('stands in no error, whatever goes wrong', async () => {
    const junk = createServer((socket) => socket.end(`not HTTP at all ${token}\r\n\r\n`));
    await new Promise<void>((resolve) => junk.listen(0, '127.0.0.1', resolve));
    const port = (junk.address() as AddressInfo).port;
    const answers = await Promise.all(
      [400, 403, 404, 500, 'break' as const].map((status) =>
        listen((_request, response, incoming) => {
          if (status === 'break') incoming.socket.destroy();
          else json(response, status, { errors: ['no'] });
        }),
      ),
    );
    const addresses = [`http://127.0.0.1:${port}`, `https://127.0.0.1:${port}`, ...answers.map(({ address }) => address)];
    for (const address of addresses) {
      for (const ask of [read('kv/data/x', { q: 'CANARYQUERY' }), write('kv/data/x', { password: 'CANARYBODY' })]) {
        const error = await refusal(connect(address, { env: { VAULT_MAX_RETRIES: '0' } }).client.request(ask));
        const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error) + (error.stack ?? '');
        expect([address, shown.includes('CANARY')]).toEqual([address, false]);
      }
    }
    junk.close();
  });
});

describe('a connection', () => {
  const failure = async (address: string, options: Parameters<typeof connect>[1] = {}) =>
    refusal(connect(address, { ...options, env: { VAULT_MAX_RETRIES: '0', ...options.env } }).client.request(read('x')));

  it('that nobody takes is explained', async () => {
    const closed = await listen(() => undefined);
    await closed.close();
    expect(await failure(closed.address)).toMatchObject({
      code: 'unreachable',
      message: `no connection to ${closed.address}: nothing listens there (connection refused)`,
    });
    expect(await failure('http://no-such-host.invalid:8200')).toMatchObject({ code: 'unreachable' });
    expect(await failure(`unix://${folder}/nobody.sock`)).toMatchObject({
      message: expect.stringContaining('there is no such socket'),
    });
  });

  it('with a server of an unknown authority is refused, and VAULT_CACERT or -ca-cert make it known', async () => {
    const server = await listen((_request, response) => json(response, 200, enveloped({})), { tls: secured('server') });
    expect(await failure(server.address)).toMatchObject({
      code: 'tls',
      hint: 'Name the file of its authority with -ca-cert or VAULT_CACERT.',
    });
    await connect(server.address, { env: { VAULT_CACERT: pem('ca') } }).client.request(read('x'));
    await connect(server.address, { flags: { caCert: pem('ca') }, env: { VAULT_CACERT: '/nonexistent' } }).client.request(
      read('x'),
    );
    await connect(server.address, { env: { VAULT_CAPATH: join(pem('ca'), '..') } }).client.request(read('x'));
    await connect(server.address, { env: { VAULT_SKIP_VERIFY: 'true' } }).client.request(read('x'));
    expect(server.arrived).toHaveLength(4);
  });

  it('with a server of another name is refused, unless that is the one that was meant', async () => {
    const server = await listen((_request, response) => json(response, 200, enveloped({})), { tls: secured('other') });
    const env = { VAULT_CACERT: pem('ca') };
    expect(await failure(server.address, { env })).toMatchObject({
      code: 'tls',
      message: expect.stringContaining('is for another name'),
    });
    await connect(server.address, { env: { ...env, VAULT_TLS_SERVER_NAME: 'other.test' } }).client.request(read('x'));
    expect(server.arrived).toHaveLength(1);
  });

  it('shows the certificate of the client', async () => {
    const tls = secured('server', {
      requestCert: true,
      rejectUnauthorized: true,
      ca: readFileSync(pem('ca')),
    });
    const server = await listen((_request, response) => json(response, 200, enveloped({})), { tls });
    const env = { VAULT_CACERT: pem('ca') };
    expect((await failure(server.address, { env })).code).toMatch(/^(tls|unreachable)$/);
    await connect(server.address, {
      env: { ...env, VAULT_CLIENT_CERT: pem('client'), VAULT_CLIENT_KEY: pem('client-key') },
    }).client.request(read('x'));
    expect(server.arrived).toHaveLength(1);
  });

  it('by the wrong scheme says which of both the server speaks', async () => {
    const plain = await listen(() => undefined);
    const withTls = plain.address.replace('http', 'https');
    expect(await failure(withTls)).toMatchObject({
      code: 'tls',
      message: `the server speaks plain HTTP without TLS, and ${withTls} is an address with it`,
      hint: `If the way to it is safe without, its address is ${plain.address}`,
    });
    for (const tls of [
      secured('server'),
      secured('server', { requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' }),
    ]) {
      const secure = await listen(() => undefined, { tls });
      const withoutTls = secure.address.replace('https', 'http');
      const { client } = connect(withoutTls);
      for (const ask of [read('x'), write('x')])
        expect(await refusal(client.request(ask))).toMatchObject({
          code: 'tls',
          message: `the server speaks TLS, and ${withoutTls} is an address without`,
          hint: `Its address is ${secure.address}`,
        });
      expect(secure.arrived).toEqual([]);
    }
  });

  it.each([
    'Client sent an HTTP request to an HTTPS server.\n',
    '<html><center>The plain HTTP request was sent to HTTPS port</center></html>',
  ])('that a server with TLS refuses in plain words is one without TLS: %s', async (words) => {
    const server = await listen((_request, response) => response.writeHead(400, { 'content-type': 'text/plain' }).end(words));
    expect(await failure(server.address)).toMatchObject({
      code: 'tls',
      hint: `Its address is ${server.address.replace('http', 'https')}`,
    });
  });

  it('that breaks off for another reason says nothing of a scheme', async () => {
    const mute = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    expect(await failure(`http://127.0.0.1:${port}`)).toMatchObject({ code: 'unreachable' });
    expect((await failure(`https://127.0.0.1:${port}`)).message).not.toContain('speaks');
    mute.close();
  });

  it('over which no answer comes ends after VAULT_CLIENT_TIMEOUT', async () => {
    const server = await listen(() => undefined);
    expect(await failure(server.address, { env: { VAULT_CLIENT_TIMEOUT: '50ms' } })).toMatchObject({
      code: 'timeout',
      message: `${server.address} did not answer within 0.05 s`,
    });
  });

  it('goes through a proxy where one is named', async () => {
    const server = await listen((_request, response) => json(response, 200, enveloped({})), { tls: secured('server') });
    const asked: string[] = [];
    const proxy = await listen((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`);
      json(response, 200, enveloped({ data: { by: 'proxy' } }));
    });
    const env = { VAULT_PROXY_ADDR: proxy.address.replace('//', '//user:pass@') };
    expect((await connect('http://secrets.test:8200', { env }).client.request(read('x'))).data).toEqual({ by: 'proxy' });
    expect(asked).toEqual(['GET http://secrets.test:8200/v1/x Basic dXNlcjpwYXNz']);
    const tunnel = await tunnelling(server.port, 'Basic dXNlcjpwYXNz');
    const trusting = { VAULT_CACERT: pem('ca'), VAULT_TLS_SERVER_NAME: 'secrets.test' };
    const through = { ...trusting, HTTPS_PROXY: tunnel.replace('//', '//user:pass@') };
    await connect('https://secrets.test:8200', { env: through }).client.request(read('x'));
    expect(await failure('https://secrets.test:8200', { env: { ...trusting, HTTPS_PROXY: tunnel } })).toMatchObject({
      code: 'unreachable',
      message: 'the proxy refuses (407)',
    });
    // What is on this machine needs no proxy.
    await connect(server.address, { env: { HTTPS_PROXY: 'http://127.0.0.1:1', ...trusting } }).client.request(read('x'));
    expect(server.arrived).toHaveLength(2);
  });
});

/** A proxy that lets everything through to one port. Returns its address. */
async function tunnelling(port: number, authorization: string): Promise<string> {
  const proxy = createHttpServer();
  proxy.on('connect', (request, socket) => {
    if (request.headers['proxy-authorization'] !== authorization) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const onward = connectTo(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  proxy.unref();
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

describe('bodies that are no JSON', () => {
  it('are sent and read as they come', async () => {
    const bytes = Buffer.alloc(300_000, 7);
    const server = await listen((request, response) => {
      if (request.method === 'POST') json(response, 200, enveloped({ data: { length: request.body.length } }));
      else response.end(bytes);
    });
    const { client } = connect(server.address);
    async function* chunks(): AsyncIterable<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
    }
    expect((await client.upload('sys/storage/snapshot', token, chunks(), bytes.length)).data).toEqual({ length: bytes.length });
    const chunksRead: Uint8Array[] = [];
    for await (const chunk of await client.download('sys/storage/snapshot', token)) chunksRead.push(chunk);
    expect(Buffer.concat(chunksRead).equals(bytes)).toBe(true);
    client.close();
  });
});
