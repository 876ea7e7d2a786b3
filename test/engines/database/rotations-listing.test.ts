import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { world, type World } from '../../world.ts';

const all = ['config/a', 'config/b', 'static-roles/a', 'static-roles/b', 'static-roles/c'];

/** A mount with two connections and three static roles whose passwords nobody can change: their database is not there. */
async function place(): Promise<World> {
  const at = await world();
  await at.write('sys/mounts/database', { type: 'database' });
  for (const name of ['a', 'b']) {
    await at.write(`database/config/${name}`, {
      plugin_name: 'postgresql-database-plugin',
      connection_url: 'postgresql://{{username}}:{{password}}@127.0.0.1:1/postgres',
      username: 'postgres',
      password: 'secret',
      allowed_roles: '*',
      verify_connection: false,
    });
  }
  for (const name of ['a', 'b', 'c']) {
    const role = { db_name: 'a', username: `user_${name}`, rotation_period: '1h', skip_import_rotation: true };
    await at.write(`database/static-roles/${name}`, role);
  }
  for (const name of ['a', 'b']) await at.status('write', `database/rotate-root/${name}`);
  for (const name of ['a', 'b', 'c']) await at.status('write', `database/rotate-role/${name}`);
  return at;
}

async function listed(at: World, page: JsonObject = {}): Promise<readonly string[]> {
  const { rotations } = (await at.read('database/rotations', page)).data as { rotations: readonly { readonly of: string }[] };
  return rotations.map(({ of }) => of);
}

describe('the changes of passwords that are under way', () => {
  it('are listed each once by whoever reads them page by page, in pages of any size', async () => {
    const at = await place();
    expect(await listed(at)).toEqual(all);
    for (let limit = 1; limit <= all.length + 1; limit++) {
      const found: string[] = [];
      for (let page = await listed(at, { limit }); page.length > 0; page = await listed(at, { limit, after: found.at(-1)! })) {
        expect(page.length).toBeLessThanOrEqual(limit);
        found.push(...page);
      }
      expect(found, `${limit} a page`).toEqual(all);
    }
    await at.system.close();
  });

  it('go on after one that is not there', async () => {
    const at = await place();
    expect(await listed(at, { after: 'config' })).toEqual(all);
    expect(await listed(at, { after: 'config/aa' })).toEqual(all.slice(1));
    expect(await listed(at, { after: 'config/z', limit: 1 })).toEqual(['static-roles/a']);
    expect(await listed(at, { after: 'creds/a' })).toEqual(all.slice(2));
    expect(await listed(at, { after: 'static-roles/b1' })).toEqual(['static-roles/c']);
    expect(await listed(at, { after: 'z' })).toEqual([]);
    await at.system.close();
  });
});
