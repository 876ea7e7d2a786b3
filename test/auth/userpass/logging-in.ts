import type { JsonObject } from '../../../src/base/json.ts';
import type { Reply } from '../../../src/protocol/reply.ts';
import { world, type World } from '../../world.ts';

export const password = 'correct horse';

/** A world with userpass enabled at `userpass` and a user `bob`. */
export async function userpassWorld(user: JsonObject = {}): Promise<World> {
  const w = await world();
  await w.write('sys/auth/userpass', { type: 'userpass' });
  await w.write('auth/userpass/users/bob', { password, token_policies: ['default'], ...user });
  return w;
}

export async function login(w: World, name: string, secret: string, address: string | null = null): Promise<Reply> {
  const remote = address === null ? null : { address, port: 4711 };
  return w.send('write', `auth/userpass/login/${name}`, { password: secret }, null, remote);
}
