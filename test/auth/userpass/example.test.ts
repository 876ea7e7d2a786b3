import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot, Workspace } from '../../cli/workspace.ts';

it('the example of people is applied as it stands, lets them log in and leaves nothing to plan', async () => {
  const at = new Workspace();
  cpSync(join(projectRoot, 'examples/people'), at.root, { recursive: true });
  await at.ok('init .');
  const env = { ANN_FIRST_PASSWORD: 'from the environment' };
  await at.ok('apply -auto-approve', { env });
  expect(await at.ok('plan -detailed-exitcode', { env })).toContain('No changes');
  const tune = await at.json<{ data: object }>('read -json sys/auth/people/tune');
  expect(tune.data).toMatchObject({ user_lockout_threshold: 5, user_lockout_duration: 1800, max_lease_ttl: 43_200 });
  const { auth } = await at.json<{ auth: { client_token: string; policies: readonly string[] } }>(
    'write -json auth/people/login/ann password=-',
    { input: 'from the environment' },
  );
  expect(auth.policies).toEqual(['default', 'notes-of-teams', 'own-password']);
  const ann = { env: { VAULT_TOKEN: auth.client_token }, input: 'my own' };
  await at.ok('write auth/people/users/ann/password password=-', ann);
  await at.ok('kv put notes/payments/todo text=lunch', { env: { VAULT_TOKEN: auth.client_token } });
  expect((await at.run('kv put notes/others/todo text=lunch', { env: { VAULT_TOKEN: auth.client_token } })).err).toContain(
    'permission denied',
  );
  expect((await at.run('write auth/people/users/bob/password password=-', ann)).err).toContain('permission denied');
  await at.ok('plan -detailed-exitcode', { env });
});
