import { describe, expect, it } from 'vitest';
import { RawClient, ask, request } from './raw-client.ts';
import { authority, certificate, serving } from './serving.ts';

const trusting = { ca: authority, servername: 'localhost' };

describe('a listener with a certificate', () => {
  it('tells its address', async () => {
    const { listener } = await serving({ tls: certificate('server') });
    expect(listener.address).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect((await serving()).listener.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await serving({ host: '::1' })).listener.address).toMatch(/^http:\/\/\[::1\]:\d+$/);
  });

  it('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    const { port } = await serving({ tls: certificate('server') });
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const tls = { ...trusting, minVersion: version, maxVersion: version };
      expect((await ask(port, request('LIST', '/v1/a'), tls)).status).toBe(200);
    }
    await expect(RawClient.open(port, { ...trusting, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).rejects.toThrow();
    const strict = await serving({ tls: { ...certificate('server'), minVersion: 'TLSv1.3' } });
    await expect(RawClient.open(strict.port, { ...trusting, maxVersion: 'TLSv1.2' })).rejects.toThrow();
  });

  it('takes another one without losing a connection', async () => {
    const { port, listener } = await serving({ tls: certificate('server') });
    const before = await RawClient.open(port, trusting);
    listener.reloadCertificate(certificate('other'));
    await expect(RawClient.open(port, trusting)).rejects.toThrow();
    listener.reloadCertificate(certificate('server'));
    expect((await ask(port, request('GET', '/v1/a'), trusting)).status).toBe(200);
    for (const verb of ['GET', 'LIST', 'GET']) {
      await before.send(request(verb, '/v1/a'));
      expect((await before.answer())?.status).toBe(200);
    }
    before.end();
  });

  it('keeps the present one where another can not be used, and quotes no key', async () => {
    const { port, listener } = await serving({ tls: certificate('server') });
    const { cert, key } = certificate('server');
    for (const material of [
      { cert, key: certificate('other').key },
      { cert: 'nonsense', key },
      { cert, key: 'canary-key' },
    ]) {
      expect(() => listener.reloadCertificate(material)).toThrow(expect.objectContaining({ name: 'Fault', code: 'listen' }));
      try {
        listener.reloadCertificate(material);
      } catch (error) {
        expect(String(error)).not.toContain('canary');
      }
    }
    expect((await ask(port, request('GET', '/v1/a'), trusting)).status).toBe(200);
    await expect(serving({ tls: { cert, key: 'canary-key' } })).rejects.toThrow(/can't be used/);
    expect(() => listener.reloadCertificate(certificate('server'))).not.toThrow();
    const plain = await serving();
    expect(() => plain.listener.reloadCertificate(certificate('server'))).toThrow(/no certificate/);
  });

  it('asks clients for theirs where it has an authority for them, also after a reload', async () => {
    const material = { ...certificate('server'), clientCa: authority };
    const { port, listener, requests } = await serving({ tls: material });
    const outcome = (own: object): Promise<number | string> =>
      ask(port, request('GET', '/v1/a'), { ...trusting, ...own }).then(
        ({ status }) => status,
        () => 'refused',
      );
    for (let round = 0; round < 2; round++) {
      expect([await outcome(certificate('client')), await outcome({})]).toEqual([200, 'refused']);
      listener.reloadCertificate(material);
    }
    listener.reloadCertificate({ ...material, clientCa: certificate('other').cert });
    expect(await outcome(certificate('client'))).toBe('refused');
    expect(requests).toHaveLength(2);
  });

  it('is not held up by clients that do not shake hands', async () => {
    const { port, log } = await serving({ tls: certificate('server'), limits: { handshakeTimeout: 100 } });
    const silent = await RawClient.open(port);
    const plain = await RawClient.open(port);
    await plain.send(request('GET', '/v1/a'));
    expect((await ask(port, request('GET', '/v1/a'), trusting)).status).toBe(200);
    await plain.closed().catch(() => undefined);
    await silent.closed();
    expect(log).toEqual([]);
  });

  it('closes in order', async () => {
    const { port, listener } = await serving({ tls: certificate('server') });
    const idle = await RawClient.open(port, trusting);
    await idle.send(request('LIST', '/v1/a'));
    await idle.answer();
    const shaking = await RawClient.open(port);
    const unused = await RawClient.open(port, trusting);
    await listener.close(60_000);
    await unused.closed();
    await idle.closed();
    await shaking.closed();
  });
});
