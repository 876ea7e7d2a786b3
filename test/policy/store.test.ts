import { describe, expect, it } from 'vitest';
import type { View } from '../../src/barrier/view.ts';
import type { Acl } from '../../src/core/caller.ts';
import type { PolicyPort } from '../../src/core/ports.ts';
import { parsePolicy } from '../../src/policy/hcl.ts';
import { createPolicies, deletePolicy, getPolicy, initializePolicies, policyNames, putPolicy } from '../../src/policy/store.ts';
import { pendingVersion } from '../../src/storage/transaction.ts';
import { newBarrier } from '../barrier/fixture.ts';

interface Stored {
  readonly policies: PolicyPort;
  change<T>(work: (core: View) => Promise<T>): Promise<T>;
  acl(names: readonly string[], generation: number): Promise<Acl>;
}

async function stored(maxRules?: number): Promise<Stored> {
  const { store, barrier } = await newBarrier('policies');
  const policies = createPolicies(maxRules);
  return {
    policies,
    change: (work) => store.transact((tx) => work(barrier.view(tx, 'core'))),
    acl: (names, generation) => store.read((tx) => policies.acl(barrier.view(tx, 'core'), names, generation, null)),
  };
}

const reading = (path: string): string => `path "${path}" { capabilities = ["read"] }`;

describe('stored policies', () => {
  it('keep the text as it was sent beside what it says', async () => {
    const { change } = await stored();
    const text = `# why\n${reading('a/*')}`;
    await change((core) => putPolicy(core, 'p', text));
    expect(await change((core) => getPolicy(core, 'p'))).toEqual({ format: 1, text, rules: parsePolicy(text) });
    await change((core) => deletePolicy(core, 'p'));
    expect(await change((core) => getPolicy(core, 'p'))).toBeNull();
  });

  it('of a new store are only `default`: what a token may do with itself', async () => {
    const { change, acl } = await stored();
    await change(initializePolicies);
    expect(await change(policyNames)).toEqual(['default']);
    const own = await acl(['default'], 1);
    expect(own.capabilities('auth/token/lookup-self')).toEqual(['read']);
    expect(own.capabilities('cubbyhole/a/b')).toEqual(['create', 'delete', 'list', 'read', 'update']);
    expect(own.capabilities('sys/capabilities-self')).toEqual(['update']);
    expect(own.capabilities('sys/tools/hash/sha2-512')).toEqual(['update']);
    for (const path of [
      'auth/token/lookup',
      'sys/policies/acl/default',
      'sys/mounts',
      'kv/data/x',
      'identity/entity/id/{{identity.entity.id}}',
    ]) {
      expect(own.capabilities(path)).toEqual(['deny']);
    }
  });
});

describe('the compiled set of a token', () => {
  it('is the union of its policies; an unknown one adds nothing', async () => {
    const { change, acl } = await stored();
    await change((core) => putPolicy(core, 'a', reading('x')));
    await change((core) => putPolicy(core, 'b', reading('y')));
    const both = await acl(['b', 'a', 'a', 'missing'], 1);
    expect([both.capabilities('x'), both.capabilities('y')]).toEqual([['read'], ['read']]);
    expect((await acl(['missing'], 1)).capabilities('x')).toEqual(['deny']);
    expect((await acl([], 1)).capabilities('x')).toEqual(['deny']);
  });

  it('is everything for root alone, and nothing for root in company', async () => {
    const { change, acl } = await stored();
    await change((core) => putPolicy(core, 'a', reading('x')));
    expect((await acl(['root'], 1)).capabilities('x')).toEqual(['root']);
    expect((await acl(['root', 'root'], 1)).capabilities('x')).toEqual(['root']);
    expect((await acl(['a', 'root'], 1)).capabilities('x')).toEqual(['deny']);
  });

  it('takes no stored name for a path or for another set (CVE-2026-105820, CVE-2026-115365)', async () => {
    const { change, acl } = await stored();
    await change((core) => putPolicy(core, 'a', reading('x')));
    await change((core) => putPolicy(core, 'b', reading('y')));
    await change((core) =>
      core.putJson('policy/root', { format: 1, text: '', rules: parsePolicy('path "*" { policy = "sudo" }') }),
    );
    expect((await acl(['a', 'b'], 1)).capabilities('x')).toEqual(['read']);
    for (const name of ['../root', 'a\nb', 'a/../a', '', ' a', 'A', 'a ']) {
      expect((await acl([name], 1)).capabilities('x')).toEqual(['deny']);
    }
    expect(await change((core) => getPolicy(core, '../root'))).toBeNull();
  });

  it('is remembered for one generation, and no longer', async () => {
    const { change, acl } = await stored();
    await change((core) => putPolicy(core, 'a', reading('x')));
    const first = await acl(['a'], 1);
    expect(await acl(['a'], 1)).toBe(first);
    await change((core) => putPolicy(core, 'a', reading('y')));
    const second = await acl(['a'], 2);
    expect([second.capabilities('x'), second.capabilities('y')]).toEqual([['deny'], ['read']]);
    expect(await acl(['a'], 2)).toBe(second);
    // A transaction that began before the change is served, but leaves nothing behind.
    expect(await acl(['a'], 1)).not.toBe(first);
    expect(await acl(['a'], 2)).toBe(second);
  });

  it('is not remembered from a transaction that comes to nothing', async () => {
    const { policies, change, acl } = await stored();
    await change((core) => putPolicy(core, 'a', reading('x')));
    const abandoned = change(async (core) => {
      await putPolicy(core, 'a', reading('y'));
      expect((await policies.acl(core, ['a'], 1, null)).capabilities('y')).toEqual(['read']);
      await deletePolicy(core, 'a');
      expect((await policies.acl(core, ['a'], 1, null)).capabilities('x')).toEqual(['deny']);
      await policies.acl(core, [], pendingVersion, null);
      throw new Error('abandoned');
    });
    await expect(abandoned).rejects.toThrow('abandoned');
    expect((await acl(['a'], 1)).capabilities('x')).toEqual(['read']);
  });

  it('is remembered with names that no policy has, for as long as none has them', async () => {
    const { change, acl } = await stored();
    await change((core) => putPolicy(core, 'a', reading('x')));
    const first = await acl(['a', 'b'], 1);
    expect(await acl(['a', 'b'], 1)).toBe(first);
    await change((core) => putPolicy(core, 'b', reading('y')));
    expect((await acl(['a', 'b'], 1)).capabilities('y')).toEqual(['read']);
  });

  it('is remembered within bounds, the latest used first', async () => {
    const { change, acl } = await stored(100);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await change((core) => putPolicy(core, name, reading(name)));
    const kept = await acl(['a'], 1);
    const gone = await acl(['b'], 1);
    for (const name of ['c', 'd', 'e', 'f']) {
      await acl([name], 1);
      await acl(['a'], 1);
    }
    expect(await acl(['a'], 1)).toBe(kept);
    expect(await acl(['b'], 1)).not.toBe(gone);
  });
});
