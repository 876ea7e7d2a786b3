import { describe, expect, it } from 'vitest';
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

const kinds = [
  { kind: 'RateLimitQuota', limit: 'rate' },
  { kind: 'LeaseCountQuota', limit: 'maxLeases' },
] as const;

describe.each(kinds)('documents of the kind $kind', ({ kind, limit }) => {
  const quotas = (of: Readonly<Record<string, string>>, more = ''): string =>
    Object.entries(of)
      .map(([name, path]) => document(kind, name, `{ path: "${path}", ${limit}: 7 }`))
      .join('') + more;

  it('get other names, with a move and without one, and exchange what they are for', async () => {
    const w = await emptyWorkspace();
    const holds = async (text: string): Promise<void> => {
      w.write('all.yaml', text);
      await w.ok('apply -auto-approve');
      expect(await w.ok('plan')).toContain('No changes');
    };
    await holds(quotas({ all: '', token: 'auth/token' }));
    await holds(quotas({ another: '', token: 'auth/token' }));
    await holds(
      quotas(
        { one: '', token: 'auth/token' },
        document('Refactor', 'r', `{ move: [{ from: ${kind}/another, to: ${kind}/one }] }`),
      ),
    );
    await holds(quotas({ one: 'auth/token', token: '' }));
  });

  it('are refused where two of them are for the same', async () => {
    const w = await emptyWorkspace();
    w.write('all.yaml', quotas({ one: '', two: '' }));
    const { code, err } = await w.run('apply -auto-approve');
    expect([code, err]).toEqual([1, expect.stringMatching(new RegExp(`create ${kind}/(one|two): .*similar properties`))]);
    expect((await w.run(`list sys/quotas/${kind === 'RateLimitQuota' ? 'rate-limit' : 'lease-count'}`)).code).not.toBe(0);
  });
});
