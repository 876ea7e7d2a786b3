import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { clientSettings } from '../../src/client/settings.ts';
import { parseEndpoint } from '../../src/client/endpoint.ts';
import { addressOf, variable } from '../../src/client/variable.ts';
import { pem } from './listener.ts';

const at = (value: string) => parseEndpoint({ value, origin: '-address' });
const settings = (env: Readonly<Record<string, string>>, flags = {}) =>
  clientSettings(env, { value: 'https://secrets.test:8200', origin: '-address' }, flags, import.meta.dirname);
const thrown = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
};

describe('a variable', () => {
  it('is read as SECRETCTL_, then BAO_, then VAULT_, and an empty one is not set', () => {
    const env: Record<string, string> = { VAULT_ADDR: 'v', BAO_ADDR: 'b', SECRETCTL_ADDR: ' s\n' };
    expect(variable(env, 'ADDR')).toEqual({ value: 's', origin: 'SECRETCTL_ADDR' });
    env.SECRETCTL_ADDR = ' ';
    expect(variable(env, 'ADDR')?.origin).toBe('BAO_ADDR');
    expect(variable({ VAULT_ADDR: 'v', BAO_ADDR: '' }, 'ADDR')?.origin).toBe('VAULT_ADDR');
    expect(variable({}, 'ADDR')).toBeNull();
  });

  it('names an agent before the server', () => {
    expect(addressOf({ VAULT_ADDR: 'v', VAULT_AGENT_ADDR: 'a' })).toEqual({ value: 'a', origin: 'VAULT_AGENT_ADDR' });
  });
});

describe('an address', () => {
  it('is a host with a port, or a socket', () => {
    expect(at('https://secrets.test:8200/')).toMatchObject({
      address: 'https://secrets.test:8200',
      secure: true,
      port: 8200,
      basePath: '',
    });
    expect(at('http://[::1]:8200/vault/')).toMatchObject({ host: '::1', address: 'http://[::1]:8200/vault', basePath: '/vault' });
    expect(at('HTTPS://Secrets.Test')).toMatchObject({ address: 'https://secrets.test', port: 443 });
    expect(at('unix:///run/s.sock')).toMatchObject({ socketPath: '/run/s.sock', secure: false });
  });

  it.each([
    'secrets.test:8200',
    '127.0.0.1:8200',
    'ftp://x',
    'https://',
    'unix://relative',
    'https://x?token=hvs.canary',
    'hvs.canary',
    'http://x/#hvs.canary',
  ])('is not %s, which is not repeated', (value) => {
    const error = thrown(() => at(value));
    expect(error).toMatchObject({ code: 'usage', message: '-address is no address of a server' });
    expect(inspect(error, { depth: 9 })).not.toContain('canary');
  });

  it('holds no credentials', () => {
    const error = thrown(() => at('https://root:canary@secrets.test'));
    expect(error).toMatchObject({ code: 'usage', message: 'the address in -address holds a user name or a password' });
    expect(inspect(error, { depth: 9 })).not.toContain('canary');
  });
});

describe('settings', () => {
  it('have the defaults of the API’s own clients', () => {
    expect(settings({})).toMatchObject({ timeout: 60_000, timeoutChosen: false, maxRetries: 2, rateLimit: null, proxy: null });
  });

  it('come from the environment', () => {
    expect(settings({ VAULT_CLIENT_TIMEOUT: '90', VAULT_MAX_RETRIES: '5', BAO_RATE_LIMIT: '10:20' })).toMatchObject({
      timeout: 90_000,
      timeoutChosen: true,
      maxRetries: 5,
      rateLimit: { rate: 10, burst: 20 },
    });
    expect(settings({ VAULT_RATE_LIMIT: '2.5' }).rateLimit).toEqual({ rate: 2.5, burst: 2 });
  });

  it.each([
    ['VAULT_CLIENT_TIMEOUT', 'soon'],
    ['VAULT_CLIENT_TIMEOUT', '0'],
    ['VAULT_MAX_RETRIES', '-1'],
    ['VAULT_RATE_LIMIT', 'fast'],
    ['VAULT_SKIP_VERIFY', 'maybe'],
    ['VAULT_PROXY_ADDR', 'socks5://x'],
  ])('with %s=%s are refused by its name', (name, value) => {
    expect(thrown(() => settings({ [name]: value }))).toMatchObject({ code: 'usage', message: expect.stringContaining(name) });
  });

  it('refuse a namespace, since there are none, and take an empty one or the root', () => {
    expect(thrown(() => settings({ VAULT_NAMESPACE: 'team-a' }))).toMatchObject({
      message: 'VAULT_NAMESPACE names a namespace, and there are none',
    });
    expect(thrown(() => settings({}, { namespace: 'team-a/' }))).toMatchObject({
      message: expect.stringContaining('-namespace'),
    });
    for (const value of ['', 'root', 'root/', '/']) expect(settings({ VAULT_NAMESPACE: value })).toBeDefined();
  });

  it('name the file that can’t be used', () => {
    const file = (env: Readonly<Record<string, string>>) => thrown(() => settings(env));
    expect(file({ VAULT_CACERT: '/nonexistent' })).toMatchObject({
      message: expect.stringMatching(/^the file of VAULT_CACERT can't be read/),
    });
    expect(file({ VAULT_CACERT_BYTES: 'no certificate' })).toMatchObject({ code: 'tls' });
    expect(file({ VAULT_CAPATH: import.meta.dirname })).toMatchObject({
      message: 'the folder of VAULT_CAPATH holds no certificate',
    });
    expect(file({ VAULT_CLIENT_CERT: pem('client') })).toMatchObject({ code: 'tls' });
    const mismatch = file({ VAULT_CLIENT_CERT: pem('client'), VAULT_CLIENT_KEY: pem('other-key') });
    expect(mismatch).toMatchObject({ message: expect.stringContaining('do not fit together') });
    expect(inspect(mismatch, { depth: 9 })).not.toContain('PRIVATE');
    expect(settings({ VAULT_CACERT: join('certificates', 'ca.pem') }).tls.ca).toHaveLength(1);
  });
});

describe('a proxy', () => {
  const proxy = (env: Readonly<Record<string, string>>, address = 'https://secrets.test:8200') =>
    clientSettings(env, { value: address, origin: '-address' }, {}, '/').proxy;

  it('of its own name counts for every server, a general one not for this machine or what NO_PROXY names', () => {
    expect(proxy({ VAULT_HTTP_PROXY: 'http://p:3128' }, 'https://127.0.0.1:8200')).toMatchObject({ host: 'p', port: 3128 });
    expect(proxy({ HTTPS_PROXY: 'p:3128' })).toMatchObject({ host: 'p', port: 3128 });
    expect(proxy({ HTTPS_PROXY: 'p:3128' }, 'http://secrets.test')).toBeNull();
    expect(proxy({ http_proxy: 'p:3128' }, 'http://secrets.test')).toMatchObject({ host: 'p' });
    expect(proxy({ HTTPS_PROXY: 'p:3128' }, 'https://127.0.0.1:8200')).toBeNull();
    expect(proxy({ HTTPS_PROXY: 'p:3128', NO_PROXY: 'example.com, .test' })).toBeNull();
    expect(proxy({ HTTPS_PROXY: 'p:3128', NO_PROXY: 'secrets.test:443' })).toMatchObject({ host: 'p' });
    expect(proxy({ HTTPS_PROXY: 'p:3128', NO_PROXY: '*' })).toBeNull();
    expect(proxy({ VAULT_PROXY_ADDR: 'http://p' }, 'unix:///x')).toBeNull();
  });
});
