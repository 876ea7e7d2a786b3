import { describe, expect, it } from 'vitest';
import { ask, json, request } from './raw-client.ts';
import { serving } from './serving.ts';

describe('the verb of a request', () => {
  it('decides what is asked for', async () => {
    const { port, requests } = await serving();
    for (const line of [
      request('GET', '/v1/kv/a'),
      request('LIST', '/v1/kv/a'),
      request('LIST', '/v1/kv/a/'),
      request('GET', '/v1/kv/a?list=true'),
      request('GET', '/v1/kv/a/?list=1'),
      request('GET', '/v1/kv/a?list=false'),
      request('POST', '/v1/kv/a', [], '{"b":1}'),
      request('PUT', '/v1/kv/a', [], '{"b":1}'),
      request('PATCH', '/v1/kv/a', ['Content-Type: application/merge-patch+json'], '{"b":null}'),
      request('PATCH', '/v1/kv/a', ['Content-Type: Application/Merge-Patch+JSON; charset=utf-8'], '{"b":null}'),
      request('DELETE', '/v1/kv/a'),
    ]) {
      expect((await ask(port, line)).status).toBe(200);
    }
    expect(requests.map(({ operation, path, data }) => [operation, path, data])).toEqual([
      ['read', 'kv/a', {}],
      ['list', 'kv/a/', {}],
      ['list', 'kv/a/', {}],
      ['list', 'kv/a/', {}],
      ['list', 'kv/a/', {}],
      ['read', 'kv/a', {}],
      ['write', 'kv/a', { b: 1 }],
      ['write', 'kv/a', { b: 1 }],
      ['patch', 'kv/a', { b: null }],
      ['patch', 'kv/a', { b: null }],
      ['delete', 'kv/a', {}],
    ]);
  });

  it.each([
    'HEAD',
    'OPTIONS',
    'TRACE',
    'SCAN',
    'HELP',
    'LINK',
    'UNLINK',
    'BIND',
    'SEARCH',
    'FOO',
    'ALIAS',
    'RESOLVE',
    'ROLLBACK',
  ])('%s is refused with 405', async (verb) => {
    const { port, requests } = await serving();
    expect((await ask(port, request(verb, '/v1/kv/a'))).status).toBe(405);
    expect(requests).toEqual([]);
  });

  it('is not changed by a header', async () => {
    const { port, requests } = await serving();
    const overrides = ['X-HTTP-Method-Override: LIST', 'X-HTTP-Method: DELETE', 'X-Method-Override: ROLLBACK'];
    await ask(port, request('GET', '/v1/kv/a', overrides));
    await ask(port, request('POST', '/v1/kv/a', overrides, '{"_method":"DELETE"}'));
    expect(requests.map(({ operation }) => operation)).toEqual(['read', 'write']);
    expect((await ask(port, request('FOO', '/v1/kv/a', ['X-HTTP-Method-Override: GET']))).status).toBe(405);
  });

  it('a recursive list is refused, by verb and by query', async () => {
    const { port } = await serving();
    expect((await ask(port, request('GET', '/v1/kv/a?scan=true'))).status).toBe(405);
    expect((await ask(port, request('GET', '/v1/kv/a?scan=false'))).status).toBe(200);
  });

  it('list must be true or false', async () => {
    const { port } = await serving();
    expect((await ask(port, request('GET', '/v1/kv/a?list=maybe'))).status).toBe(400);
  });

  it('PATCH says what kind of patch it sends', async () => {
    const { port } = await serving();
    const patch = (type: string[]) => ask(port, request('PATCH', '/v1/kv/a', type, '{}'));
    expect((await patch([])).status).toBe(400);
    const answer = await patch(['Content-Type: application/json']);
    expect([answer.status, json(answer).errors]).toEqual([
      415,
      ['PATCH requires Content-Type of application/merge-patch+json, provided application/json'],
    ]);
    expect((await patch(['Content-Type: application/json-patch+json'])).status).toBe(415);
  });

  it('HEAD of sys/health has the headers of a GET and no body', async () => {
    const { port } = await serving({ handle: async () => ({ status: 503, json: { sealed: true } }) });
    const get = await ask(port, request('GET', '/v1/sys/health'));
    const head = await ask(port, request('HEAD', '/v1/sys/health'));
    expect(get.body).toBe('{"sealed":true}\n');
    expect([head.status, head.headers['content-length'], head.headers['content-type'], head.body]).toEqual([
      503,
      String(get.body.length),
      'application/json',
      '',
    ]);
  });
});

describe('a path that ends in a slash', () => {
  it('is not written to', async () => {
    const { port, requests } = await serving();
    const answer = await ask(port, request('POST', '/v1/sys/mounts/kv/', [], '{}'));
    expect([answer.status, json(answer).errors]).toEqual([400, ["cannot write to a path ending in '/'"]]);
    expect(requests).toEqual([]);
  });

  it('reads and deletes the object of that name below sys/, and is kept elsewhere', async () => {
    const { port, requests } = await serving();
    await ask(port, request('GET', '/v1/sys/mounts/kv/'));
    await ask(port, request('DELETE', '/v1/sys/auth/approle/'));
    await ask(port, request('GET', '/v1/kv/a/'));
    expect(requests.map(({ path }) => path)).toEqual(['sys/mounts/kv', 'sys/auth/approle', 'kv/a/']);
  });
});

describe('the query', () => {
  it('is the data of everything that has no body', async () => {
    const { port, requests } = await serving();
    await ask(port, request('GET', '/v1/kv/data/a?version=2&depth=1'));
    await ask(port, request('DELETE', '/v1/kv/data/a?versions=1&versions=2'));
    await ask(port, request('LIST', '/v1/kv/metadata?after=a%2Fb&limit=10'));
    await ask(port, request('GET', '/v1/kv/metadata?list=true&after=x'));
    await ask(port, request('GET', '/v1/sys/health?standbyok=true&sealedcode=200'));
    await ask(port, request('POST', '/v1/kv/a?b=2', [], '{"a":1}'));
    expect(requests.map(({ data }) => data)).toEqual([
      { version: '2', depth: '1' },
      { versions: ['1', '2'] },
      { after: 'a/b', limit: '10' },
      { after: 'x' },
      { standbyok: 'true', sealedcode: '200' },
      { a: 1 },
    ]);
  });

  it('help asks what the path is for, and does nothing else', async () => {
    const { port, requests } = await serving({ handle: async () => ({ json: { help: 'text' } }) });
    const answer = await ask(port, request('GET', '/v1/kv/a/?help=1&version=2', ['X-Vault-Token: t']));
    await ask(port, request('POST', '/v1/kv/a?help=1', [], '{"a":1}'));
    await ask(port, request('GET', '/v1/kv/a?help='));
    expect(answer.body).toBe('{"help":"text"}\n');
    expect(requests.map(({ operation, path, data, help, token }) => [operation, path, data, help, token])).toEqual([
      ['read', 'kv/a', {}, true, 't'],
      ['read', 'kv/a', {}, true, null],
      ['read', 'kv/a', {}, undefined, null],
    ]);
  });

  it('is refused where it is no query', async () => {
    const { port, requests } = await serving();
    for (const query of ['a=%zz', 'a=1;b=2', 'a=1&'.repeat(101)]) {
      expect((await ask(port, request('GET', `/v1/kv/a?${query}`))).status).toBe(400);
    }
    expect(requests).toEqual([]);
  });
});
