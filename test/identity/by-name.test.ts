import { beforeEach, describe, expect, test } from 'vitest';
import type { World } from '../world.ts';
import { type People, people } from './asking.ts';

// A policy on …/name/<name> says who may be written: the body names nobody else.

let at: People;
let w: World;
beforeEach(async () => {
  at = await people();
  ({ w } = at);
});

describe.each(['entity', 'group'] as const)('an %s that is written by its name', (kind) => {
  test('is not another one whose id is sent', async () => {
    await at.policy('mine', `path "identity/${kind}/name/mine*" { capabilities = ["create", "read", "update"] }`);
    const { auth } = await w.write('auth/token/create', { policies: ['mine'] });
    const token = auth?.client_token ?? '';
    const admins = await at.make(kind, { name: 'admins', policies: ['admin'] });
    const before = await at.read(`${kind}/name/admins`);
    for (const name of ['mine', 'mine-too']) {
      const taken = await w.status('write', `identity/${kind}/name/${name}`, { id: admins['id'] ?? '', policies: ['x'] }, token);
      expect(taken).toBe(400);
      expect(await at.read(`${kind}/name/admins`)).toEqual(before);
      expect(await w.status('write', `identity/${kind}/name/${name}`, { policies: ['x'] }, token)).toBe(200);
    }
  });

  test('may have its own id in the body', async () => {
    const made = await at.make(kind, { name: 'one' });
    expect(await w.status('write', `identity/${kind}/name/one`, { id: made['id'] ?? '', policies: ['x'] })).toBe(204);
    expect(await at.read(`${kind}/name/one`)).toMatchObject({ id: made['id'], policies: ['x'] });
  });
});
