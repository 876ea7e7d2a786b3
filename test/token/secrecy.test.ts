import { expect, it } from 'vitest';
import { world, type World } from '../world.ts';
import { authOf, newToken, seconds } from './asking.ts';

/** Every record that the store can open, as text by key; the cubbyhole and the mount at `approle` included. */
async function opened(w: World, mounts: readonly string[]): Promise<Map<string, string>> {
  return w.store.read(async (tx) => {
    const records = new Map<string, string>();
    for (const area of ['core' as const, ...mounts.map((mountId) => ({ mountId }))]) {
      const view = w.barrier.view(tx, area);
      for (const path of await view.scan('')) {
        const record = await view.get(path);
        records.set(`${JSON.stringify(area)} ${path}`, Buffer.from(record?.value ?? []).toString('latin1'));
      }
    }
    return records;
  });
}

it('no token and no secret id stands in any record, key or audit line, even opened', async () => {
  const w = await world();
  const secrets = [w.rootToken];
  const accessors: string[] = [];
  const keep = (auth: ReturnType<typeof authOf>): string => {
    secrets.push(auth.client_token);
    if (auth.accessor !== '') accessors.push(auth.accessor);
    return auth.client_token;
  };
  const parent = keep(await newToken(w, { policies: ['default'], ttl: '1h', num_uses: 9 }));
  keep(await newToken(w, { id: 'a-token-of-my-own', policies: ['default'] }));
  keep(await newToken(w, { type: 'batch', policies: ['default'] }));
  await w.write('auth/token/renew', { token: parent });
  await w.write('auth/token/lookup', { token: parent });
  await w.read('auth/token/lookup-self', {}, parent);
  await w.write('cubbyhole/a', { note: 'n' }, parent);

  await w.write('sys/auth/approle', { type: 'approle' });
  const mountId = [...w.medium.entries.keys()]
    .find((key) => /^keys\/mount\/[0-9a-f-]{36}$/.test(key))
    ?.slice('keys/mount/'.length);
  await w.write('auth/approle/role/r', { role_id: 'the-role-id', token_policies: ['default'], token_ttl: '1h' });
  const generated = (await w.write('auth/approle/role/r/secret-id')).data as { secret_id: string };
  secrets.push(generated.secret_id, 'a-secret-id-of-my-own');
  await w.write('auth/approle/role/r/custom-secret-id', { secret_id: 'a-secret-id-of-my-own' });
  for (const secretId of secrets.slice(-2)) {
    keep(authOf((await w.write('auth/approle/login', { role_id: 'the-role-id', secret_id: secretId }, null)).auth));
  }
  await w.status('write', 'auth/approle/login', { role_id: 'the-role-id', secret_id: 'a-wrong-secret-id' }, null);
  secrets.push('a-wrong-secret-id');
  await w.status('write', 'auth/approle/role/r/secret-id/lookup', { secret_id: generated.secret_id });
  await w.status('read', 'auth/token/lookup-self', {}, 'hvs.a-token-that-never-was');
  secrets.push('a-token-that-never-was');
  await w.write('auth/token/revoke', { token: parent });
  seconds(w, 7200);
  await w.system.tidy(w.clock.time + 1);

  expect(mountId).toBeDefined();
  const records = await opened(w, ['cubbyhole', mountId ?? '']);
  expect(records.size).toBeGreaterThan(15);
  const places = new Map<string, string>([...records, ['the audit log', w.sink.lines.join('\n')]]);
  for (const [key, { value }] of w.medium.entries) places.set(`stored ${key}`, key + Buffer.from(value).toString('latin1'));
  for (const secret of secrets) {
    const found = [...places].filter(([place, text]) => place.includes(secret) || text.includes(secret)).map(([place]) => place);
    expect(found, `${secret.slice(0, 12)}…`).toEqual([]);
  }
  // An accessor is in the record it belongs to, encrypted, and nowhere else in the clear.
  for (const accessor of accessors) {
    const found = [...places]
      .filter(([place, text]) => place.includes(accessor) || text.includes(accessor))
      .map(([place]) => place);
    expect(found.filter((place) => !place.startsWith('"core" token/id/'))).toEqual([]);
  }
});
