import { beforeEach, describe, expect, it } from 'vitest';
import { countFolder } from '../../src/core/counter-route.ts';
import { ask, json, request } from '../http/raw-client.ts';
import { serving } from '../http/serving.ts';
import { world, type World } from '../world.ts';

let at: World;
let port: number;
beforeEach(async () => {
  at = await world();
  ({ port } = await serving({ handle: (asked) => at.system.handle(asked) }));
});

const count = async (what: string, token = at.rootToken) => {
  const answer = await ask(port, request('GET', `/v1/sys/internal/counters/${what}`, [`X-Vault-Token: ${token}`]));
  return { status: answer.status, data: json(answer).data };
};
const tokens = (total: number) => ({ status: 200, data: { counters: { service_tokens: { total } } } });
const entities = (total: number) => ({ status: 200, data: { counters: { entities: { total } } } });

describe('the counters', () => {
  it('tell how many tokens are stored: service tokens, and the first root token among them', async () => {
    expect(await count('tokens')).toEqual(tokens(1));
    const made = (await at.write('auth/token/create')).auth!;
    await at.write('auth/token/create', { type: 'batch', policies: ['default'] });
    expect(await count('tokens')).toEqual(tokens(2));
    await at.write('auth/token/revoke-accessor', { accessor: made.accessor });
    expect(await count('tokens')).toEqual(tokens(1));
  });

  it('tell how many entities there are, whatever else is about them', async () => {
    expect(await count('entities')).toEqual(entities(0));
    await at.write('identity/entity', { name: 'anna' });
    await at.write('identity/group', { name: 'all' });
    await at.write('identity/entity', { name: 'bert' });
    expect(await count('entities')).toEqual(entities(2));
    await at.delete('identity/entity/name/anna');
    expect(await count('entities')).toEqual(entities(1));
  });

  it('are for those whom a policy lets read them', async () => {
    const plain = (await at.write('auth/token/create', { policies: ['default'] })).auth!.client_token;
    expect((await count('tokens', plain)).status).toBe(403);
    await at.write('sys/policies/acl/p', { policy: 'path "sys/internal/counters/tokens" { capabilities = ["read"] }' });
    const allowed = (await at.write('auth/token/create', { policies: ['p'] })).auth!.client_token;
    expect([(await count('tokens', allowed)).status, (await count('entities', allowed)).status]).toEqual([200, 403]);
  });

  it.each([0, 1, 999, 1000, 1001, 2500])('count %i names, page by page', async (many) => {
    const names = Array.from({ length: many }, (_, n) => `n${n}`);
    const total = await at.store.transact(async (tx) => {
      const view = at.barrier.view(tx, 'core');
      for (const name of names) await view.putJson(`counted/${name}`, {});
      await view.putJson('counted-not/a', {});
      return countFolder(view, 'counted');
    });
    expect(total).toBe(many);
  });
});
