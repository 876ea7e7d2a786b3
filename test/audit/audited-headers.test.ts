import { expect, it } from 'vitest';
import { world } from '../world.ts';

it('a header is shown from the next request on, once it is configured, and no longer when it is not', async () => {
  const at = await world();
  const headers = { 'x-forwarded-for': '192.0.2.9', 'x-other': 'canary' };
  const send = () =>
    at.system.handle({
      operation: 'read',
      path: 'sys/mounts',
      data: {},
      token: at.rootToken,
      remote: null,
      wrapTtl: null,
      headers,
    });
  const shown = () => at.sink.entries().map(({ request }) => (request as { headers?: unknown } | null)?.headers);
  await send();
  await at.write('sys/config/auditing/request-headers/X-Forwarded-For');
  await send();
  await at.crash();
  await send();
  await at.delete('sys/config/auditing/request-headers/x-forwarded-for');
  await send();
  expect(shown().filter((one) => one !== undefined)).toEqual(Array(4).fill({ 'x-forwarded-for': ['192.0.2.9'] }));
  expect(at.sink.lines.join('\n')).not.toContain('canary');
});

it('a caller needs sudo to configure headers', async () => {
  const at = await world();
  await at.write('sys/policies/acl/p', {
    policy: 'path "sys/config/auditing/*" { capabilities = ["read", "update", "delete"] }',
  });
  const { client_token: token } = (await at.write('auth/token/create', { policies: ['p'] })).auth!;
  for (const [operation, path] of [
    ['read', ''],
    ['read', '/a'],
    ['write', '/a'],
    ['delete', '/a'],
  ] as const) {
    expect(await at.status(operation, `sys/config/auditing/request-headers${path}`, {}, token)).toBe(403);
  }
});
