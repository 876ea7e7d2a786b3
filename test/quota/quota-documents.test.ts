import { expect, it } from 'vitest';
import { emptyWorkspace } from '../cli/workspace.ts';

const document = (kind: string, name: string, spec: string): string =>
  `apiVersion: secretctl/v1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n---\n`;

it('quotas are applied with the mounts they are for, follow them, and go with them', async () => {
  const w = await emptyWorkspace();
  const write = (engine: string, type: string): void =>
    w.write(
      'all.yaml',
      [
        document('RateLimitQuota', 'everybody', '{ rate: 500 }'),
        document('RateLimitQuota', 'app', `{ engine: ${engine}, path: data/*, rate: 0.5, interval: 2m }`),
        document('RateLimitQuota', 'ci', '{ method: approle, role: ci, rate: 5, blockInterval: 1h }'),
        document('LeaseCountQuota', 'leases', '{ maxLeases: 5000 }'),
        document('LeaseCountQuota', 'ci', '{ method: approle, role: ci, maxLeases: 50 }'),
        document('LeaseCountQuota', 'logins', '{ path: auth/approle/login, maxLeases: 60 }'),
        document('AuthMethod', 'approle', '{ type: approle }'),
        document('SecretEngine', engine, `{ type: kv, options: { version: "${type}" } }`),
      ].join(''),
    );
  write('kv', '2');
  await w.ok('apply -auto-approve');
  expect(await w.ok('plan')).toContain('No changes');
  expect(await w.json('read -format=json sys/quotas/rate-limit/app')).toMatchObject({
    data: { path: 'kv/data/*', rate: 0.5, interval: 120, type: 'rate-limit' },
  });
  expect(await w.json('read -format=json sys/quotas/lease-count/logins')).toMatchObject({
    data: { path: 'auth/approle/login', max_leases: 60, type: 'lease-count' },
  });
  await w.ok('write sys/quotas/lease-count/ci path=auth/approle role=ci max_leases=9');
  expect(await w.ok('plan')).toMatch(/maxLeases.*9.*50/);
  await w.ok('write sys/quotas/rate-limit/ci path=auth/approle role=ci rate=9');
  expect(await w.ok('plan')).toMatch(/rate.*9.*5/);
  await w.ok('apply -auto-approve');
  // Another version of kv is another mount at the same place: the quota stays.
  write('kv', '1');
  await w.ok('apply -auto-approve');
  expect(await w.ok('plan')).toContain('No changes');
  write('moved', '1');
  await w.ok('apply -auto-approve');
  expect(await w.ok('plan')).toContain('No changes');
  expect(await w.json('read -format=json sys/quotas/rate-limit/app')).toMatchObject({ data: { path: 'moved/data/*' } });
  await w.ok('destroy -auto-approve');
  expect((await w.run('list sys/quotas/rate-limit')).code).not.toBe(0);
  expect((await w.run('list sys/quotas/lease-count')).code).not.toBe(0);
});
