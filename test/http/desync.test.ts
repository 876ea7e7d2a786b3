import { describe, expect, it } from 'vitest';
import { RequestError } from '../../src/protocol/request-error.ts';
import { json, RawClient, request } from './raw-client.ts';
import { serving } from './serving.ts';

const elapsed = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('one request does not reach into the next', () => {
  it.each(['Expect: 200-ok', 'Expect: 100-continue', 'Upgrade: websocket\r\nConnection: Upgrade'])(
    'a LIST with %s leaves the verb of the next one alone',
    async (header) => {
      const { port, requests } = await serving();
      const client = await RawClient.open(port);
      await client.send(request('LIST', '/v1/a', [header]));
      for (let answer = await client.answer(); answer?.status === 100;) answer = await client.answer();
      // Where the connection goes on at all.
      await client.send(request('POST', '/v1/b', ['Connection: close'], '{"a":1}'));
      await client.answer();
      client.end();
      for (const { path, operation } of requests) expect(operation).toBe(path === 'b' ? 'write' : 'list');
    },
  );

  it.each(['GET', 'LIST', 'POST'])('what comes behind a %s that expects what is not met is not looked at', async (verb) => {
    const { port, requests } = await serving();
    const client = await RawClient.open(port);
    await client.send(request(verb, '/v1/a', ['Expect: 200-ok']) + request('DELETE', '/v1/b') + request('LIST', '/v1/c'));
    const answer = await client.answer();
    expect([answer?.status, answer?.headers['connection'], json(answer as never)]).toEqual([
      417,
      'close',
      { errors: [expect.stringContaining('100-continue')] },
    ]);
    await client.closed();
    expect(requests).toEqual([]);
  });

  it.each([204, 304])('an answer of status %i has neither a body nor a length', async (status) => {
    const { port } = await serving({ handle: async ({ path }) => ({ status: path === 'a' ? status : 200, json: { a: 1 } }) });
    const client = await RawClient.open(port);
    await client.send(request('GET', '/v1/a') + request('GET', '/v1/b', ['Connection: close']));
    const first = await client.answer({ head: true });
    expect([first?.status, first?.headers['content-length'], first?.headers['transfer-encoding']]).toEqual([
      status,
      undefined,
      undefined,
    ]);
    const second = await client.answer();
    expect([second?.status, json(second as never)]).toEqual([200, { a: 1 }]);
    client.end();
  });
});

describe('a client that goes away', () => {
  it.each([
    ['while it is asked whether it may come in', 'admit'],
    ['while it is asked whether it may send so much', 'mayWrite'],
  ] as const)('%s leaves nothing that is under way', async (_, step) => {
    let arrived = (): void => undefined;
    let goOn = (): void => undefined;
    const here = new Promise<void>((resolve) => (arrived = resolve));
    const gone = new Promise<void>((resolve) => (goOn = resolve));
    const wait = async (): Promise<void> => {
      arrived();
      await gone;
    };
    const { port, listener, requests } = await serving({
      admit: async () => (step === 'admit' ? wait().then(() => ({})) : {}),
      mayWrite: async () => (step === 'mayWrite' ? wait().then(() => true) : true),
    });
    const client = await RawClient.open(port);
    await client.send(
      'POST /v1/sys/apply HTTP/1.1\r\nHost: x\r\nX-Vault-Token: t\r\nContent-Length: 3000000\r\n\r\n',
      'x'.repeat(1000),
    );
    await here;
    client.end();
    for (let turn = 0; turn < 50; turn++) await elapsed();
    goOn();
    for (let turn = 0; turn < 200 && listener.inFlight() > 0; turn++) await elapsed();
    expect(listener.inFlight()).toBe(0);
    expect(requests).toEqual([]);
  });

  it('is no failure of the server', async () => {
    const { port, log } = await serving({ handle: () => Promise.reject(new RequestError(503, 'Vault is sealed')) });
    const client = await RawClient.open(port);
    await client.send(request('GET', '/v1/a'));
    client.end();
    expect(log).toEqual([]);
  });
});
