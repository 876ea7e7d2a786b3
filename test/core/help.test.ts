import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { type World, world } from '../world.ts';

let at: World;
beforeEach(async () => {
  at = await world();
  await at.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } });
  await at.write('kv/data/a', { data: { x: 'hush' } });
});

/** What a request for help answers; the status of its refusal. */
async function help(path: string, token: string | null = at.rootToken): Promise<JsonObject | number> {
  try {
    const reply = await at.system.handle({ operation: 'read', path, data: {}, token, remote: null, wrapTtl: null, help: true });
    return reply.json as JsonObject;
  } catch (error) {
    if (error instanceof RequestError) return error.status;
    throw error;
  }
}

async function tokenFor(rules: string): Promise<string> {
  await at.write('sys/policies/acl/test', { policy: rules });
  const reply = await at.write('auth/token/create', { policies: ['test'], no_default_policy: true });
  return reply.auth?.client_token ?? '';
}

describe('help', () => {
  it('for a path says what it is for and what it takes, and does nothing', async () => {
    const shown = await help('kv/data/a');
    expect(shown).toMatchObject({
      help: expect.stringContaining('The versions of a secret'),
      openapi: { openapi: '3.0.3', paths: { '/kv/data/{path}': { get: {}, post: {}, patch: {}, delete: {} } } },
      see_also: null,
    });
    expect(JSON.stringify(shown)).not.toContain('hush');
    expect(await help('auth/token/create')).toMatchObject({ help: expect.stringContaining('explicit_max_ttl (duration)') });
  });

  it('for a mount lists its paths', async () => {
    expect(await help('kv')).toMatchObject({ help: expect.stringContaining('    metadata/:path*\n') });
    expect(await help('sys')).toMatchObject({ help: expect.stringContaining('    policies/acl/:name*\n') });
    // Clients look for these words (vault-ruby).
    expect(await help('sys')).toMatchObject({ help: expect.stringContaining('system backend') });
  });

  it('is for whoever may do anything in the mount, and tells others nothing', async () => {
    const reader = await tokenFor('path "kv/data/b" { capabilities = ["read"] }');
    expect(await help('kv/data/a', reader)).toMatchObject({ help: expect.any(String) });
    const stranger = await tokenFor('path "other/*" { capabilities = ["read"] }');
    expect(await help('kv/data/a', stranger)).toBe(403);
    expect(await help('nowhere/a', stranger)).toBe(403);
    expect(await help('kv/data/a', null)).toBe(403);
    expect(await help('nowhere/a')).toBe(404);
  });
});

describe('the OpenAPI document', () => {
  it('has the paths of all mounts that the caller may use, and no others', async () => {
    const document = (await at.read('sys/internal/specs/openapi')).json as { paths: Record<string, JsonObject> };
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        '/kv/data/{path}',
        '/kv/metadata/{path}/',
        '/sys/mounts/{path}',
        '/auth/token/create',
        '/cubbyhole/{path}',
      ]),
    );
    expect(document.paths['/sys/remount']).toMatchObject({
      'x-vault-sudo': true,
      post: { requestBody: { content: { 'application/json': { schema: { properties: { from: { type: 'string' } } } } } } },
    });
    const token = await tokenFor('path "sys/internal/specs/openapi" { capabilities = ["read"] }');
    const own = (await at.read('sys/internal/specs/openapi', {}, token)).json as { paths: Record<string, JsonObject> };
    expect(Object.keys(own.paths).filter((path) => !path.startsWith('/sys/'))).toEqual([]);
  });
});
