import type { JsonObject } from '../../src/base/json.ts';
import type { ReplyAuth } from '../../src/protocol/reply.ts';
import { authOf } from '../token/asking.ts';
import { world, type World } from '../world.ts';

/** A store with an approle method and a kv engine. */
export interface People {
  readonly w: World;
  /** The accessor of the approle method. */
  readonly accessor: string;
  /** Makes a role and logs in by it. The role id, which is the alias, is the role's name. */
  login(role: string, settings?: JsonObject): Promise<ReplyAuth>;
  /** Writes below `identity/` and gives the reply's data. */
  make(path: string, data: JsonObject): Promise<JsonObject>;
  read(path: string): Promise<JsonObject>;
  policy(name: string, rules: string): Promise<void>;
}

export async function people(): Promise<People> {
  const w = await world();
  await w.write('sys/auth/approle', { type: 'approle' });
  await w.write('sys/mounts/kv', { type: 'kv', options: { version: '1' } });
  const mounts = (await w.read('sys/auth')).data as { readonly 'approle/': { readonly accessor: string } };
  return {
    w,
    accessor: mounts['approle/'].accessor,
    async login(role, settings = {}) {
      await w.write(`auth/approle/role/${role}`, { token_policies: ['default'], role_id: role, ...settings });
      const { data } = await w.write(`auth/approle/role/${role}/secret-id`);
      return authOf((await w.write('auth/approle/login', { role_id: role, secret_id: data?.['secret_id'] ?? '' }, null)).auth);
    },
    make: async (path, data) => (await w.write(`identity/${path}`, data)).data ?? {},
    read: async (path) => (await w.read(`identity/${path}`)).data ?? {},
    async policy(name, rules) {
      await w.write(`sys/policies/acl/${name}`, { policy: rules });
    },
  };
}
