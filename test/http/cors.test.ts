import { beforeEach, describe, expect, it } from 'vitest';
import { world, type World } from '../world.ts';
import { ask, json, RawClient, request } from './raw-client.ts';
import { serving } from './serving.ts';

const page = 'https://app.example.com';
const other = 'https://evil.example.com';

let at: World;
let port: number;
beforeEach(async () => {
  at = await world();
  ({ port } = await serving({
    handle: (asked) => at.system.handle(asked),
    admit: (line) => at.system.admit(line),
    crossOrigin: (origin) => at.system.crossOrigin(origin),
  }));
});

const from = (origin: string, ...more: string[]): string[] => [`Origin: ${origin}`, ...more];
const preflight = (origin: string, verb = 'POST', path = '/v1/kv/data/a') =>
  ask(port, request('OPTIONS', path, from(origin, `Access-Control-Request-Method: ${verb}`)));
const get = (headers: readonly string[], path = '/v1/sys/internal/ui/mounts') => ask(port, request('GET', path, headers));
const configure = (method: string, body: object | null, token = at.rootToken) =>
  ask(port, request(method, '/v1/sys/config/cors', [`X-Vault-Token: ${token}`], body === null ? null : JSON.stringify(body)));
const corsHeaders = ({ headers }: { readonly headers: Readonly<Record<string, string>> }): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-') || name === 'vary');

describe('pages of other sites', () => {
  it('may not call unless somebody allows it: answers name no origin, and OPTIONS is no verb', async () => {
    const answer = await get(from(page));
    expect([answer.status, corsHeaders(answer)]).toEqual([200, []]);
    const asked = await preflight(page);
    expect([asked.status, corsHeaders(asked)]).toEqual([405, []]);
  });

  it('of an allowed origin learn what they may send, without a token', async () => {
    await configure('POST', { allowed_origins: `${page}, https://b.example.com`, allowed_headers: ['X-Custom-Header'] });
    const answer = await preflight(page);
    expect(answer).toMatchObject({
      status: 200,
      body: '',
      headers: {
        'access-control-allow-origin': page,
        'access-control-allow-methods': 'DELETE,GET,OPTIONS,POST,PUT,LIST,SCAN',
        'access-control-allow-headers':
          'Content-Type,Authorization,X-Vault-Token,X-Vault-MFA,X-Vault-No-Request-Forwarding,X-Vault-Wrap-Format,' +
          'X-Vault-Wrap-TTL,X-Requested-With,X-Vault-AWS-IAM-Server-ID,X-Vault-Policy-Override,X-Custom-Header',
        'access-control-max-age': '300',
        'content-length': '0',
        vary: 'Origin',
      },
    });
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
    expect((await preflight('https://b.example.com', 'LIST')).status).toBe(200);
  });

  it('of an allowed origin may read what is answered, refusals too', async () => {
    await configure('POST', { allowed_origins: [page] });
    for (const [path, status] of [
      ['/v1/sys/internal/ui/mounts', 200],
      ['/v1/kv/data/a', 403],
    ] as const) {
      const answer = await get(from(page), path);
      expect([answer.status, answer.headers['access-control-allow-origin'], answer.headers['vary']]).toEqual([
        status,
        page,
        'Origin',
      ]);
      expect(corsHeaders(answer)).toHaveLength(2);
    }
    const answer = await ask(port, request('POST', '/v1/auth/token/lookup-self', from(page), '{'));
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([400, page]);
  });

  it('of another origin are refused whatever they ask: an origin is allowed to the letter', async () => {
    await configure('POST', { allowed_origins: [page] });
    for (const origin of [
      other,
      `${page}.evil.example.com`,
      `${page}:443`,
      'https://APP.example.com',
      'null',
      '*',
      `${page}, ${page}`,
    ]) {
      for (const answer of [await preflight(origin), await get(from(origin), '/v1/sys/health'), await preflight(origin, 'FOO')]) {
        expect([answer.status, json(answer).errors, corsHeaders(answer)]).toEqual([403, ['origin not allowed'], []]);
      }
    }
  });

  it('of any origin are allowed by "*"', async () => {
    await configure('POST', { allowed_origins: '*' });
    expect((await preflight(other)).headers['access-control-allow-origin']).toBe(other);
    expect((await get(from(page))).headers['access-control-allow-origin']).toBe(page);
  });

  it('may come with cookies and certificates where that is allowed', async () => {
    await configure('POST', { allowed_origins: page, allow_credentials: 'true' });
    expect((await preflight(page)).headers['access-control-allow-credentials']).toBe('true');
    expect((await get(from(page))).headers['access-control-allow-credentials']).toBe('true');
  });

  it('may not ask for a verb of no use here, or for none', async () => {
    await configure('POST', { allowed_origins: page });
    for (const answer of [await preflight(page, 'FOO'), await ask(port, request('OPTIONS', '/v1/kv/data/a', from(page)))]) {
      expect([answer.status, corsHeaders(answer)]).toEqual([405, []]);
    }
  });

  it('count in rate limits when they ask what they may', async () => {
    await configure('POST', { allowed_origins: page });
    await at.write('sys/quotas/rate-limit/g', { rate: 1, interval: 3600 });
    expect([(await preflight(page)).status, (await preflight(page)).status]).toEqual([200, 429]);
  });

  it('are forgotten with the next request once the setting is gone', async () => {
    await configure('POST', { allowed_origins: page });
    expect((await preflight(page)).status).toBe(200);
    await configure('POST', { allowed_origins: other });
    expect((await preflight(page)).status).toBe(403);
    await configure('DELETE', null);
    expect([(await preflight(page)).status, (await preflight(other)).status]).toEqual([405, 405]);
    expect((await get(from(page))).status).toBe(200);
  });
});

describe('what browsers do not send', () => {
  it('asks the service for nothing: without an origin nobody looks for terms', async () => {
    const asked: string[] = [];
    const crossOrigin = async (origin: string) => {
      asked.push(origin);
      return null;
    };
    const { port: here, requests } = await serving({ crossOrigin });
    for (const headers of [[], ['Origin: ']]) {
      expect((await ask(here, request('GET', '/v1/kv/a', headers))).status).toBe(200);
      expect((await ask(here, request('OPTIONS', '/v1/kv/a', headers))).status).toBe(405);
    }
    expect([asked, requests.length]).toEqual([[], 2]);
    await ask(here, request('GET', '/v1/kv/a', from(page)));
    expect(asked).toEqual([page]);
  });

  it('is refused: two origins, two verbs, a path that is not canonical', async () => {
    await configure('POST', { allowed_origins: '*' });
    const verb = 'Access-Control-Request-Method: GET';
    for (const [path, headers] of [
      ['/v1/kv/a', from(page, `Origin: ${page}`, verb)],
      ['/v1/kv/a', from(page, verb, verb)],
      ['/v1/kv/../a', from(page, verb)],
      ['*', from(page, verb)],
    ] as const) {
      expect((await ask(port, request('OPTIONS', path, headers))).status).toBe(400);
    }
  });

  it('does not shift what comes next: a body that nobody asked for is never taken for a request', async () => {
    await configure('POST', { allowed_origins: page });
    const hidden = request('GET', '/v1/sys/health');
    const asking = (...more: string[]) =>
      request('OPTIONS', '/v1/kv/a', from(page, 'Access-Control-Request-Method: GET', ...more));
    const client = await RawClient.open(port);
    await client.send(`${asking(`Content-Length: ${hidden.length}`)}${hidden}${request('GET', '/v1/none', from(page))}`);
    expect((await client.answer())?.status).toBe(200);
    expect([undefined, 404]).toContain((await client.answer())?.status);
    client.end();

    expect((await ask(port, asking('Content-Length: 3', 'Transfer-Encoding: chunked'))).status).toBe(400);
    const many = await RawClient.open(port);
    await many.send(asking() + request('LIST', '/v1/kv/a', from(page)) + asking());
    expect([(await many.answer())?.status, (await many.answer())?.status, (await many.answer())?.status]).toEqual([
      200, 403, 200,
    ]);
    many.end();
  });
});

describe('sys/config/cors', () => {
  it('shows what is set, beside the envelope too', async () => {
    expect(json(await configure('GET', null))).toMatchObject({ enabled: false, data: { enabled: false } });
    expect((await configure('PUT', { allowed_origins: page, allowed_headers: 'X-Custom-Header' })).status).toBe(204);
    const shown = {
      enabled: true,
      allowed_origins: [page],
      allowed_headers: expect.arrayContaining(['Content-Type', 'X-Vault-Token', 'X-Custom-Header']) as unknown,
      allow_credentials: false,
    };
    const answer = json(await configure('GET', null));
    expect(answer).toMatchObject({ ...shown, data: shown });
    expect((await configure('DELETE', null)).status).toBe(204);
    expect(json(await configure('GET', null)).data).toEqual({ enabled: false });
  });

  it.each([
    [{}, 'at least one origin or the wildcard must be provided'],
    [{ allowed_origins: '' }, 'at least one origin or the wildcard must be provided'],
    [{ allowed_origins: ['*', page] }, "to allow all origins the '*' must be the only value for allowed_origins"],
    [{ allowed_origins: [''] }, 'an origin has 1 to 512 characters'],
    [{ allowed_origins: ['a'.repeat(513)] }, 'an origin has 1 to 512 characters'],
    [{ allowed_origins: Array.from({ length: 1001 }, (_, n) => `https://${n}`) }, 'more than 1000 origins'],
    [{ allowed_origins: page, allowed_headers: Array.from({ length: 101 }, (_, n) => `X-${n}`) }, 'more than 100 headers'],
    [
      { allowed_origins: page, allowed_headers: ['X-A\r\nSet-Cookie: a'] },
      '"X-A\\r\\nSet-Cookie: a" can\'t be the name of a header',
    ],
  ])('refuses %j and stays as it was', async (body, message) => {
    const answer = await configure('POST', body);
    expect([answer.status, json(answer).errors]).toEqual([400, [message]]);
    expect((await preflight(page)).status).toBe(405);
  });

  it('is for those with sudo', async () => {
    const tokenWith = async (capabilities: string): Promise<string> => {
      await at.write('sys/policies/acl/p', { policy: `path "sys/config/cors" { capabilities = [${capabilities}] }` });
      return (await at.write('auth/token/create', { policies: ['p'] })).auth!.client_token;
    };
    const plain = await tokenWith('"read", "update", "delete"');
    for (const method of ['GET', 'DELETE']) expect((await configure(method, null, plain)).status).toBe(403);
    expect((await configure('POST', { allowed_origins: page }, plain)).status).toBe(403);
    const sudo = await tokenWith('"read", "update", "delete", "sudo"');
    expect((await configure('POST', { allowed_origins: page }, sudo)).status).toBe(204);
    expect((await configure('GET', null, sudo)).status).toBe(200);
  });

  it('is still there after a crash', async () => {
    await configure('POST', { allowed_origins: page });
    await at.crash();
    expect([(await preflight(page)).status, (await preflight(other)).status]).toEqual([200, 403]);
  });
});
