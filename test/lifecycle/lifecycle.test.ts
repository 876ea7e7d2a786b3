import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import { visibleChanges, type Plan } from '../../src/plan/plan.ts';
import { addressText } from '../../src/protocol/managed.ts';
import { world, type World } from '../world.ts';
import { bodyOf, planFor, send } from './project.ts';
import { sealedBlock } from './sealing.ts';

let at: World;
beforeEach(async () => {
  at = await world();
});

function document(kind: string, name: string, spec: string, metadata = ''): string {
  return `apiVersion: secretctl/v1\nkind: ${kind}\nmetadata: { name: "${name}"${metadata} }\nspec: ${spec}\n`;
}

function engine(path: string, version = '2'): string {
  return document('SecretEngine', path, `{ type: kv, options: { version: "${version}" } }`);
}

function plan(documents: readonly string[], options: Parameters<typeof planFor>[2] = {}): Promise<Plan> {
  const project = document('Project', 'acme', '{}');
  return planFor(at, [{ path: 'secretctl.yaml', text: [project, ...documents].join('---\n') }], options);
}

async function apply(...documents: readonly string[]): Promise<Plan> {
  const made = await plan(documents);
  await send(at, await bodyOf(made, () => 'from outside'));
  return made;
}

function listed(made: Plan): readonly string[] {
  return visibleChanges(made).map(({ action, address }) => `${action} ${addressText(address)}`);
}

/** A secret whose fields are sealed for `boundTo`, its own address unless told. */
async function secret(values: Readonly<Record<string, Json>>, mount = 'kv', boundTo = mount, metadata = ''): Promise<string> {
  const fields: string[] = [];
  for (const [field, value] of Object.entries(values)) {
    const block = await sealedBlock(at.recipient, { kind: 'StaticSecret', mount: boundTo, name: 'app' }, field, value, 0);
    fields.push(`${JSON.stringify(field)}: ${JSON.stringify({ sealed: block })}`);
  }
  return document('StaticSecret', 'app', `{ engine: "${mount}", data: { ${fields.join(', ')} } }`, metadata);
}

async function values(path: string): Promise<Json | undefined> {
  return (await at.read(path)).data?.data;
}

describe('a sealed value', () => {
  it('that is an object replaces the one before it, whatever members that one had', async () => {
    await apply(engine('kv'), await secret({ user: { name: 'a', token: 'old' }, other: 'kept' }));
    await apply(engine('kv'), await secret({ user: { name: 'b' }, other: 'kept' }));
    expect(await values('kv/data/app')).toEqual({ user: { name: 'b' }, other: 'kept' });
  });

  const odd: readonly { readonly value: Json }[] = [null, { a: null }, [], {}, '', 0, false, [{ a: null }]].map((value) => ({
    value: value as Json,
  }));
  it.each(odd)('may be $value, and comes back so', async ({ value }) => {
    for (const before of [undefined, 'another one', { a: 1, b: 2 }]) {
      at = await world();
      if (before !== undefined) await apply(engine('kv'), await secret({ x: before, y: 'y' }));
      const documents = [engine('kv'), await secret({ x: value, y: 'y' })];
      await apply(...documents);
      expect(await values('kv/data/app')).toEqual({ x: value, y: 'y' });
      expect((await plan(documents)).changes).toEqual([]);
    }
  });

  it('of a secret whose mount is renamed stays as it is, though its block is bound to the old address', async () => {
    await apply(engine('old'), await secret({ x: 'value' }, 'old'));
    const refactor = document('Refactor', 'rename', '{ move: [{ from: SecretEngine/old, to: SecretEngine/new }] }');
    const moved = [engine('new'), await secret({ x: 'value' }, 'new', 'old'), refactor];
    const made = await apply(...moved);
    expect(listed(made)).toEqual(['move SecretEngine/new', 'move StaticSecret/new/app']);
    expect(made.notes.map(({ summary }) => summary)).toEqual(['Sealed values of moved objects are bound to their old address']);
    expect(await values('new/data/app')).toEqual({ x: 'value' });
    expect((await plan(moved)).changes).toEqual([]);
    await at.write('new/data/app', { data: { x: 'by hand' } });
    const body = await bodyOf(await plan(moved), () => '');
    await expect(send(at, body)).rejects.toThrow(/was made for StaticSecret\/old\/app data\.x and opens only there/);
  });
});

describe('a field with a name of other characters than a variable has', () => {
  const fields = ['a.b', 'quo"te', 'sla/sh', 'with space', 'ünï'];
  const generated = (length: number): string =>
    document(
      'StaticSecret',
      'app',
      `{ engine: kv, data: { ${fields.map((name) => `${JSON.stringify(name)}: { generate: { length: ${length} } }`).join(', ')} } }`,
    );

  it('is shown as changed when it is written, and the plan says that it is made anew', async () => {
    await apply(engine('kv'), generated(20));
    const before = (await values('kv/data/app')) as Record<string, string>;
    const [change] = (await apply(engine('kv'), generated(21))).changes;
    expect(change?.secrets.map(({ state }) => state)).toEqual(fields.map(() => 'changed'));
    expect(change?.consequences).toEqual(fields.map((name) => `generates data[${JSON.stringify(name)}] anew`));
    const after = (await values('kv/data/app')) as Record<string, string>;
    for (const name of fields) expect([after[name]?.length, after[name] === before[name]]).toEqual([21, false]);
  });
});

describe('a soft-deleted secret', () => {
  it('is made anew where somebody asks for that (-replace), versions and all', async () => {
    const documents = [engine('kv'), await secret({ x: '1' })];
    await apply(...documents);
    await at.delete('kv/data/app');
    const made = await plan(documents, { replace: ['StaticSecret/kv/app'] });
    expect(listed(made)).toEqual(['replace StaticSecret/kv/app']);
    await send(at, await bodyOf(made, () => ''));
    expect((await at.read('kv/metadata/app')).data).toMatchObject({ current_version: 1, current_version_live: true });
  });

  it('stays deleted where its values are ignored, also when its metadata changes', async () => {
    const ignored = ', ignoreChanges: [spec.data]';
    await apply(engine('kv'), await secret({ x: '1' }, 'kv', 'kv', ignored));
    await at.delete('kv/data/app');
    const changed = (await secret({ x: '1' }, 'kv', 'kv', ignored)).replace(
      'engine: "kv"',
      'engine: kv, customMetadata: { owner: a }',
    );
    expect(listed(await apply(engine('kv'), changed))).toEqual(['update StaticSecret/kv/app']);
    expect(await at.status('read', 'kv/data/app')).toBe(404);
    expect((await plan([engine('kv'), changed])).changes).toEqual([]);
  });
});

describe('an ignored field of a secret', () => {
  it('that is declared no more stays when others change', async () => {
    const ignored = ', ignoreChanges: [spec.data.x]';
    await apply(engine('kv'), await secret({ x: 'left alone', y: '1' }, 'kv', 'kv', ignored));
    await apply(engine('kv'), await secret({ y: '2' }, 'kv', 'kv', ignored));
    expect(await values('kv/data/app')).toEqual({ x: 'left alone', y: '2' });
  });
});

describe('an entry about what lived in a mount that is gone', () => {
  it('is understood, also where the mount had a path of several segments', async () => {
    const method = document('AuthMethod', 'org/ci', '{ type: approle }');
    await apply(method, document('AuthBinding', 'app', '{ method: org/ci }'));
    await at.delete('sys/auth/org/ci');
    const forget = document('Refactor', 'done', '{ forget: [AuthBinding/org/ci/app] }');
    expect(listed(await apply(forget))).toEqual(['forget AuthBinding/org/ci/app']);
    expect((await plan([forget])).changes).toEqual([]);
  });

  it('is understood of a secret, too, whose name may be a path as well', async () => {
    const old = [
      engine('team/kv'),
      document('StaticSecret', 'app', '{ engine: team/kv, data: { x: { generate: { length: 8 } } } }'),
    ];
    const forget = document('Refactor', 'done', '{ forget: [StaticSecret/team/kv/app] }');
    await apply(...old);
    await at.delete('sys/mounts/team/kv');
    expect(listed(await plan([engine('team/kv'), forget]))).toEqual([
      'create SecretEngine/team/kv',
      'forget StaticSecret/team/kv/app',
    ]);
    expect(listed(await plan([forget]))).toEqual(['forget StaticSecret/team/kv/app']);

    const moved = [engine('kv'), document('StaticSecret', 'web', '{ engine: kv, data: { x: { generate: { length: 8 } } } }')];
    const move = '{ from: StaticSecret/team/kv/app, to: StaticSecret/kv/web }';
    const made = await plan([...moved, document('Refactor', 'done', `{ move: [${move}] }`)]);
    expect(
      made.changes.map(({ action, address, from }) => [action, addressText(address), from === null ? null : addressText(from)]),
    ).toEqual([
      ['create', 'SecretEngine/kv', null],
      ['create', 'StaticSecret/kv/web', 'StaticSecret/team/kv/app'],
      ['forget', 'SecretEngine/team/kv', null],
    ]);
  });
});

describe('a plan that changes a lease-count quota', () => {
  it('is not stale when leases begin that the quota counts', async () => {
    const quota = (count: number): string => document('LeaseCountQuota', 'all', `{ maxLeases: ${count} }`);
    await apply(quota(50));
    const made = await plan([quota(60)]);
    await at.write('auth/token/create', { policies: ['default'], ttl: '1h' });
    await send(at, await bodyOf(made, () => ''));
    expect((await at.read('sys/quotas/lease-count/all')).data).toMatchObject({ max_leases: 60, counter: 1 });
    expect((await plan([quota(60)])).changes).toEqual([]);
  });
});

describe('a mount whose document is gone', () => {
  it('is not destroyed under a secret that is still declared', async () => {
    await apply(engine('kv'), await secret({ x: '1' }));
    const made = await plan([await secret({ x: '1' })]);
    expect(made.problems.map(({ code }) => code)).toEqual(['mount-in-use']);
  });
});
