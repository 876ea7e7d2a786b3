import type { JsonObject } from '../../../src/base/json.ts';
import type { Reply } from '../../../src/protocol/reply.ts';
import { world, type World } from '../../world.ts';

/** A world with AppRole enabled at `approle` and a role `r`. */
export async function approleWorld(role: JsonObject = {}): Promise<World> {
  const w = await world();
  await w.write('sys/auth/approle', { type: 'approle' });
  await w.write('auth/approle/role/r', { token_policies: ['default'], ...role });
  return w;
}

/** For tests of what a refusal says, however often. */
export async function lockNobody(w: World): Promise<void> {
  await w.write('sys/auth/approle/tune', { user_lockout_config: { lockout_disable: true } });
}

export async function roleId(w: World, role = 'r'): Promise<string> {
  return String((await w.read(`auth/approle/role/${role}/role-id`)).data?.['role_id']);
}

export async function secretId(w: World, body: JsonObject = {}, role = 'r'): Promise<{ id: string; accessor: string }> {
  const { data } = await w.write(`auth/approle/role/${role}/secret-id`, body);
  return { id: String(data?.['secret_id']), accessor: String(data?.['secret_id_accessor']) };
}

export async function login(w: World, secret: string | null, address: string | null = null, role = 'r'): Promise<Reply> {
  const body = { role_id: await roleId(w, role), ...(secret === null ? {} : { secret_id: secret }) };
  return w.send('write', 'auth/approle/login', body, null, address === null ? null : { address, port: 4711 });
}
