import { describe, expect, it } from 'vitest';
import type { ManagedRecord } from '../../src/protocol/managed.ts';
import { addressKey } from '../../src/plan/address.ts';
import { visibleChanges } from '../../src/plan/plan.ts';
import { ModelStore } from './model-store.ts';
import { actions, apply, name, plan, planAndApply, resource } from './project.ts';

const engine = resource('SecretEngine/kv', { spec: { type: 'kv' } });
const sealed = (block: string) => ({ sealed: block });
const stripe = (block = 'block-1') =>
  resource('StaticSecret/kv/stripe', { spec: { data: { api_key: sealed(block), webhook: { generate: { length: 40 } } } } });
const policy = (rules: number, extra = {}) =>
  resource('Policy/read', { spec: { rules: Array.from({ length: rules }, (_, index) => ({ path: `kv/${index}` })) }, ...extra });

function recordOf(store: ModelStore, address: string): ManagedRecord | undefined {
  return store.records.get(addressKey(name(address)));
}

describe('a first apply', () => {
  it('creates what documents declare, mounts before their content, and leaves nothing to do', async () => {
    const store = new ModelStore();
    const documents = [stripe(), policy(1), engine];
    const made = await planAndApply(store, documents);
    expect(actions(made)).toEqual(['create Policy/read', 'create SecretEngine/kv', 'create StaticSecret/kv/stripe']);
    expect(store.values('in/kv/stripe')).toEqual({ api_key: 'opened block-1', webhook: 'generated 1' });
    expect(plan(store, documents).changes).toEqual([]);
  });

  it('records a secret by the digest of its block, and the mark of the version it wrote', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe('top-secret-block')]);
    const record = recordOf(store, 'StaticSecret/kv/stripe');
    expect(record?.mark).toBe('v1');
    expect(JSON.stringify(record)).not.toContain('top-secret-block');
    expect(record?.spec).toMatchObject({
      data: { api_key: { sealed: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string } },
    });
  });
});

describe('what is live already', () => {
  it('is never taken over: every such address is named with the import that would', () => {
    const store = new ModelStore();
    store.byHand('policies/read', { rules: [], ttl: '0s' });
    store.byHand('mounts/kv', { type: 'kv', description: '' });
    const made = plan(store, [policy(1), engine]);
    expect(made.changes).toEqual([]);
    expect(made.problems.map(({ code, hint }) => [code, hint])).toEqual([
      ['unowned', 'to manage it here: secretctl import Policy/read read'],
      ['unowned', 'to manage it here: secretctl import SecretEngine/kv kv'],
    ]);
  });

  it('is adopted by an import, and changed only where it differs', async () => {
    const store = new ModelStore();
    store.byHand('policies/read', { rules: [{ path: 'kv/0' }], ttl: '0s' });
    const made = await planAndApply(store, [policy(1)], { refactors: { import: [['Policy/read', 'read']] } });
    expect(made.changes.map(({ action, modifies, requests }) => [action, modifies, requests])).toEqual([['import', false, []]]);
    expect(plan(store, [policy(1)], { refactors: { import: [['Policy/read', 'read']] } }).changes).toEqual([]);
    const other = new ModelStore();
    other.byHand('policies/read', { rules: [], ttl: '0s' });
    await planAndApply(other, [policy(1)], { refactors: { import: [['Policy/read', 'read']] } });
    expect(other.reply('policies/read')).toMatchObject({ rules: [{ path: 'kv/0' }] });
  });

  it('keeps its generated values when imported, and takes sealed ones', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine]);
    store.byHand('in/kv/stripe', { note: '', owners: {}, values: { api_key: 'old', webhook: 'in use' } });
    const made = await planAndApply(store, [engine, stripe()], { refactors: { import: [['StaticSecret/kv/stripe', 'stripe']] } });
    expect(store.values('in/kv/stripe')).toEqual({ api_key: 'opened block-1', webhook: 'in use' });
    expect(made.changes[0]?.before?.spec.data).toEqual({ webhook: { generate: expect.anything() as unknown } });
    expect(made.notes.map(({ summary }) => summary)).toEqual(['Imported secrets keep the values they have']);
    expect(plan(store, [engine, stripe()]).changes).toEqual([]);
  });

  it('is not imported where it would have to be destroyed for it', () => {
    const store = new ModelStore();
    store.byHand('mounts/kv', { type: 'transit', description: '' });
    const made = plan(store, [engine], { refactors: { import: [['SecretEngine/kv', 'kv']] } });
    expect(made.problems.map(({ code }) => code)).toEqual(['import-differs']);
  });

  it('can be imported only under its own name, and only while it exists', () => {
    const store = new ModelStore();
    store.byHand('policies/read', { ttl: '0s' });
    const codes = (id: string) =>
      plan(store, [policy(1)], { refactors: { import: [['Policy/read', id]] } }).problems.map(({ code }) => code);
    expect([codes('other'), codes('read'), codes('Policy/read')]).toEqual([['import-name'], [], []]);
    store.byHand('policies/read', null);
    expect(codes('read')).toEqual(['import-missing']);
  });

  it('belongs to another project: the plan names it', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1)], { project: 'other' });
    const [problem] = plan(store, [policy(1)]).problems;
    expect(problem).toMatchObject({ code: 'foreign', message: 'Policy/read is managed by project "other"' });
  });

  it('shows a mount made by hand, and changes nothing about it', () => {
    const store = new ModelStore();
    store.byHand('mounts/scratch', { type: 'kv', description: '' });
    const made = plan(store, []);
    expect(made.unmanaged).toEqual([{ kind: 'SecretEngine', mount: null, name: 'scratch' }]);
    expect(made.changes).toEqual([]);
  });
});

describe('drift', () => {
  it('of a readable field is undone and noted', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1)]);
    store.byHand('policies/read', { rules: [{ path: '*' }], ttl: '0s' });
    const made = await planAndApply(store, [policy(1)]);
    expect(actions(made)).toEqual(['update Policy/read']);
    expect(made.drift.map(({ action, relevant }) => [action, relevant])).toEqual([['update', true]]);
    expect(store.reply('policies/read')).toMatchObject({ rules: [{ path: 'kv/0' }] });
  });

  it('that the documents say by now only brings the record up to date', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1)]);
    store.byHand('policies/read', { rules: [{ path: 'kv/0' }, { path: 'kv/1' }], ttl: '0s' });
    const made = await planAndApply(store, [policy(2)]);
    expect(visibleChanges(made)).toEqual([]);
    expect(made.changes.map(({ action, requests }) => [action, requests])).toEqual([['record', []]]);
    expect(plan(store, [policy(2)]).changes).toEqual([]);
    expect(plan(store, [policy(2)], { mode: 'refresh-only' }).drift).toEqual([]);
  });

  it('of a deleted object creates it again', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1)]);
    store.byHand('policies/read', null);
    const made = await planAndApply(store, [policy(1)]);
    expect(made.changes.map(({ action, reason }) => [action, reason])).toEqual([['create', 'deleted-outside']]);
    expect(made.drift.map(({ action }) => action)).toEqual(['delete']);
    expect(plan(store, [policy(1)]).changes).toEqual([]);
  });

  it('of a secret writes all its declared fields again, and says which are made anew', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe()]);
    store.byHand('in/kv/stripe', { note: '', owners: {}, values: { api_key: 'stolen', extra: 1 } });
    const made = await planAndApply(store, [engine, stripe()]);
    expect(made.changes.map(({ action, consequences }) => [action, consequences])).toEqual([
      ['update', ['generates data.webhook anew']],
    ]);
    expect(store.values('in/kv/stripe')).toEqual({ api_key: 'opened block-1', webhook: 'generated 2', extra: 1 });
    expect(plan(store, [engine, stripe()]).changes).toEqual([]);
  });

  it('of a soft-deleted secret creates it again', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe()]);
    store.objects.set('in/kv/stripe', { ...store.reply('in/kv/stripe'), deleted: true });
    const drift = plan(store, [engine, stripe()], { mode: 'refresh-only' }).drift;
    expect(drift.map(({ action, after }) => [action, after])).toEqual([['delete', null]]);
    const made = await planAndApply(store, [engine, stripe()]);
    expect(made.changes.map(({ action, reason }) => [action, reason])).toEqual([['create', 'deleted-outside']]);
    expect(plan(store, [engine, stripe()]).changes).toEqual([]);
  });

  it('is no drift where only an older record lacks a default', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1)]);
    const key = addressKey(name('Policy/read'));
    const record = store.records.get(key) as ManagedRecord;
    store.records.set(key, { ...record, spec: { rules: [{ path: 'kv/0' }] } });
    expect(plan(store, [policy(1)], { mode: 'refresh-only' }).drift).toEqual([]);
    expect(plan(store, [policy(1)]).changes).toEqual([]);
  });

  it('in an ignored field that would need a replacement does not replace', async () => {
    const store = new ModelStore();
    const documents = (type: string, description: string) => [
      resource('SecretEngine/kv', { spec: { type, description }, ignoreChanges: ['/type'] }),
    ];
    await planAndApply(store, documents('kv', 'a'));
    expect(actions(plan(store, documents('transit', 'a')))).toEqual([]);
    expect(actions(plan(store, documents('transit', 'b')))).toEqual(['update SecretEngine/kv']);
  });

  it('in an ignored field is left alone, also by a change of another field', async () => {
    const store = new ModelStore();
    const documents = (ttl: string) => [policy(1, { ignoreChanges: ['/rules'], spec: { rules: [{ path: 'kv/0' }], ttl } })];
    await planAndApply(store, documents('1h'));
    store.byHand('policies/read', { rules: [{ path: '*' }], ttl: '1h' });
    expect(plan(store, documents('1h')).changes).toEqual([]);
    expect(plan(store, documents('1h'), { mode: 'refresh-only' }).drift).toEqual([]);
    await planAndApply(store, documents('2h'));
    expect(store.reply('policies/read')).toEqual({ rules: [{ path: '*' }], ttl: '2h' });
  });

  it('in an ignored secret field does not write that field', async () => {
    const store = new ModelStore();
    const documents = (block: string) => [
      engine,
      resource('StaticSecret/kv/stripe', {
        spec: { data: { mine: sealed(block), theirs: sealed(block) } },
        ignoreChanges: ['/data/theirs'],
      }),
    ];
    await planAndApply(store, documents('a'));
    await planAndApply(store, documents('b'));
    expect(store.values('in/kv/stripe')).toEqual({ mine: 'opened b', theirs: 'opened a' });
    expect(plan(store, documents('b')).changes).toEqual([]);
  });
});

describe('a secret', () => {
  it('is written where its source changes, and only that field', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe('one')]);
    const made = await planAndApply(store, [engine, stripe('two')]);
    expect(store.values('in/kv/stripe')).toEqual({ api_key: 'opened two', webhook: 'generated 1' });
    expect(made.changes[0]?.secrets).toEqual([
      { at: '/data/api_key', state: 'changed' },
      { at: '/data/webhook', state: 'unchanged' },
    ]);
  });

  it('loses a field that is declared no more', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe()]);
    const without = resource('StaticSecret/kv/stripe', { spec: { data: { api_key: sealed('block-1') } } });
    const made = await planAndApply(store, [engine, without]);
    expect(actions(made)).toEqual(['update StaticSecret/kv/stripe']);
    expect(store.values('in/kv/stripe')).toEqual({ api_key: 'opened block-1' });
    expect(plan(store, [engine, without]).changes).toEqual([]);
  });

  it('from the environment is asked for only where it is written', async () => {
    const store = new ModelStore();
    const local = (version: number, note = '') =>
      resource('StaticSecret/kv/local', { spec: { note, data: { key: { fromEnv: 'KEY', version } } } });
    await planAndApply(store, [engine, local(1)]);
    expect(store.values('in/kv/local')).toEqual({ key: 'local KEY' });
    const asked = plan(store, [engine, local(1, 'other')]).changes.flatMap(({ requests }) =>
      requests.flatMap(({ values }) => values ?? []),
    );
    expect(asked).toEqual([]);
    const again = plan(store, [engine, local(2)]).changes.flatMap(({ requests }) =>
      requests.flatMap(({ values }) => values ?? []),
    );
    expect(again).toEqual([{ at: '/data/key', field: 'data.key' }]);
  });

  it('whose write-only setting changes without a request is a change of its record', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe()]);
    const pruned = resource('StaticSecret/kv/stripe', { spec: { ...stripe().spec, prune: true } });
    const made = await planAndApply(store, [engine, pruned]);
    expect(actions(made)).toEqual(['record StaticSecret/kv/stripe']);
    expect(plan(store, [engine, pruned]).changes).toEqual([]);
  });
});

describe('a document that is gone', () => {
  it('deletes its object, content before its mount', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe(), policy(1)]);
    const made = await planAndApply(store, []);
    expect(actions(made)).toEqual(['delete Policy/read', 'delete StaticSecret/kv/stripe', 'delete SecretEngine/kv']);
    expect([store.objects.size, store.records.size]).toEqual([0, 0]);
  });

  it('deletes what names another object of the same mount before that one', async () => {
    const store = new ModelStore();
    const parent = resource('Role/kv/a');
    const child = { ...resource('Role/kv/z', { spec: { parent: 'a' } }), references: [parent.name] };
    await planAndApply(store, [engine, parent, child]);
    expect(actions(await planAndApply(store, [engine]))).toEqual(['delete Role/kv/z', 'delete Role/kv/a']);
  });

  it('of an object that is gone too drops the record without a word', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1)]);
    store.byHand('policies/read', null);
    const made = await planAndApply(store, []);
    expect(visibleChanges(made)).toEqual([]);
    expect(store.records.size).toBe(0);
  });

  it('keeps the object where it is forgotten', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1)]);
    const made = await planAndApply(store, [], { refactors: { forget: ['Policy/read'] } });
    expect(actions(made)).toEqual(['forget Policy/read']);
    expect(store.reply('policies/read')).not.toBeNull();
    expect(store.records.size).toBe(0);
    expect(plan(store, [], { refactors: { forget: ['Policy/read'] } }).changes).toEqual([]);
  });

  it('in a mount that is only forgotten still deletes its object', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe()]);
    const made = await planAndApply(store, [], { refactors: { forget: ['SecretEngine/kv'] } });
    expect(actions(made)).toEqual(['delete StaticSecret/kv/stripe', 'forget SecretEngine/kv']);
    expect([...store.objects.keys()]).toEqual(['mounts/kv']);
  });

  it('takes a mount down with nothing that is to be kept', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe()]);
    const [problem] = plan(store, [], { refactors: { forget: ['StaticSecret/kv/stripe'] } }).problems;
    expect(problem).toMatchObject({
      code: 'mount-in-use',
      message: 'SecretEngine/kv would be destroyed with StaticSecret/kv/stripe, which is to be forgotten and so kept',
    });
    await planAndApply(store, [engine], { refactors: { forget: ['StaticSecret/kv/stripe'] } });
    expect(actions(await planAndApply(store, []))).toEqual(['delete SecretEngine/kv']);
  });

  it('takes a mount down with nothing that another project manages', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine]);
    await planAndApply(store, [stripe()], { project: 'other' });
    const message = 'SecretEngine/kv would be destroyed with StaticSecret/kv/stripe, which project "other" manages';
    expect(plan(store, []).problems).toMatchObject([{ code: 'mount-in-use', message }]);
    expect(plan(store, [engine], { replace: ['SecretEngine/kv'] }).problems).toMatchObject([{ code: 'mount-in-use' }]);
    expect(plan(store, [engine]).problems).toEqual([]);
  });

  it('may delete only so many at once', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1), engine]);
    expect(plan(store, [], { maxDeletes: 1 }).problems.map(({ code }) => code)).toEqual(['too-many-deletes']);
    expect(plan(store, [], { maxDeletes: 2 }).problems).toEqual([]);
  });
});

describe('protection', () => {
  it('outlives the document, and ends by an apply of its own', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1, { protect: true })]);
    expect(plan(store, []).problems.map(({ code }) => code)).toEqual(['protected']);
    expect(plan(store, [], { mode: 'destroy' }).problems.map(({ code }) => code)).toEqual(['protected']);
    const lifted = await planAndApply(store, [policy(1)]);
    expect(actions(lifted)).toEqual(['record Policy/read']);
    expect(actions(await planAndApply(store, []))).toEqual(['delete Policy/read']);
  });

  it('keeps an object from being replaced, asked for or needed', async () => {
    const store = new ModelStore();
    const kv = (type: string) => resource('SecretEngine/kv', { spec: { type }, protect: true });
    await planAndApply(store, [kv('kv')]);
    expect(plan(store, [kv('transit')]).problems.map(({ code }) => code)).toEqual(['protected']);
    expect(plan(store, [kv('kv')], { replace: ['SecretEngine/kv'] }).problems.map(({ code }) => code)).toEqual(['protected']);
  });

  it('of what lives in a mount keeps the mount from being replaced', async () => {
    const store = new ModelStore();
    const secret = resource('StaticSecret/kv/stripe', { spec: { data: { key: sealed('a') } }, protect: true });
    await planAndApply(store, [engine, secret]);
    const other = resource('SecretEngine/kv', { spec: { type: 'transit' } });
    expect(plan(store, [other, secret]).problems.map(({ code, address }) => [code, address?.kind])).toEqual([
      ['protected', 'StaticSecret'],
    ]);
  });
});

describe('a replacement', () => {
  it('of a mount makes its content anew', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe()]);
    const other = resource('SecretEngine/kv', { spec: { type: 'transit' } });
    const made = await planAndApply(store, [other, stripe()]);
    expect(actions(made)).toEqual(['replace SecretEngine/kv', 'replace StaticSecret/kv/stripe']);
    expect(made.changes.map(({ reason }) => reason)).toEqual(['cannot-update', 'with-mount']);
    expect(made.changes[1]?.requests.map(({ operation }) => operation)).toEqual(['write', 'write']);
    expect(store.values('in/kv/stripe')).toEqual({ api_key: 'opened block-1', webhook: 'generated 2' });
    expect(plan(store, [other, stripe()]).changes).toEqual([]);
  });

  it('of a mount takes along what no document declares, without deleting it once more', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe()]);
    const made = await planAndApply(store, [resource('SecretEngine/kv', { spec: { type: 'transit' } })]);
    expect(made.changes.map(({ action, requests }) => [action, requests.map(({ path }) => path)])).toEqual([
      ['replace', ['mounts/kv', 'mounts/kv']],
      ['delete', []],
    ]);
    expect([...store.objects.keys()]).toEqual(['mounts/kv']);
  });

  it('happens when asked for', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1)]);
    const made = await planAndApply(store, [policy(1)], { replace: ['Policy/read'] });
    expect(made.changes.map(({ action, reason }) => [action, reason])).toEqual([['replace', 'requested']]);
    expect(plan(store, [policy(1)], { replace: ['Policy/nobody'] }).problems.map(({ code }) => code)).toEqual(['unknown-target']);
  });
});

describe('a move', () => {
  it('of a mount takes its content along, data and all', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe()]);
    const documents = [
      resource('SecretEngine/secrets', { spec: { type: 'kv' } }),
      resource('StaticSecret/secrets/stripe', { spec: { data: stripe().spec.data ?? {} } }),
    ];
    const options = { refactors: { move: [['SecretEngine/kv', 'SecretEngine/secrets']] as const } };
    const made = await planAndApply(store, documents, options);
    expect(actions(made)).toEqual(['move SecretEngine/secrets', 'move StaticSecret/secrets/stripe']);
    expect(made.changes.map(({ modifies }) => modifies)).toEqual([false, false]);
    expect(store.values('in/secrets/stripe')).toEqual({ api_key: 'opened block-1', webhook: 'generated 1' });
    expect(plan(store, documents, options).changes).toEqual([]);
    expect(made.notes.map(({ summary }) => summary)).toEqual(['Sealed values of moved objects are bound to their old address']);
  });

  it('of a mount deletes at the new place what no document declares any more', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe()]);
    const made = await planAndApply(store, [resource('SecretEngine/secrets', { spec: { type: 'kv' } })], {
      refactors: { move: [['SecretEngine/kv', 'SecretEngine/secrets']] },
    });
    expect(actions(made)).toEqual(['move SecretEngine/secrets', 'delete StaticSecret/kv/stripe']);
    expect([...store.objects.keys()]).toEqual(['mounts/secrets']);
  });

  it('of a mount to a path that is only free later waits, and so does what is deleted in it', async () => {
    const store = new ModelStore();
    const z = [resource('SecretEngine/z', { spec: { type: 'kv' } }), resource('StaticSecret/z/x', { spec: { data: {} } })];
    await planAndApply(store, [engine, resource('Role/kv/r'), ...z]);
    const made = await planAndApply(store, [resource('SecretEngine/z/b', { spec: { type: 'kv' } })], {
      refactors: { move: [['SecretEngine/kv', 'SecretEngine/z/b']] },
    });
    expect(actions(made)).toEqual([
      'delete StaticSecret/z/x',
      'delete SecretEngine/z',
      'move SecretEngine/z/b',
      'delete Role/kv/r',
    ]);
    expect([...store.objects.keys()]).toEqual(['mounts/z/b']);
  });

  it('of a mount and of something in it happen together', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, resource('Role/kv/x', { spec: { note: 'kept' } })]);
    const documents = [
      resource('SecretEngine/new', { spec: { type: 'kv' } }),
      resource('Role/new/y', { spec: { note: 'kept' } }),
    ];
    for (const from of ['Role/kv/x', 'Role/new/x']) {
      const again = Object.assign(new ModelStore(), { objects: new Map(store.objects), records: new Map(store.records) });
      const move = [
        ['SecretEngine/kv', 'SecretEngine/new'],
        [from, 'Role/new/y'],
      ] as const;
      const made = await planAndApply(again, documents, { refactors: { move } });
      expect(actions(made)).toEqual(['move SecretEngine/new', 'move Role/new/y']);
      expect([...again.objects.keys()]).toEqual(['mounts/new', 'in/new/roles/y']);
      expect(plan(again, documents, { refactors: { move } }).changes).toEqual([]);
    }
  });

  it('of what its spec holds writes the new and deletes the old', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1), resource('Binding/ci', { spec: { policies: ['read'] } })]);
    const renamed = resource('Policy/payments-read', { spec: { rules: [{ path: 'kv/0' }] } });
    const binding = resource('Binding/ci', { spec: { policies: ['payments-read'] } });
    const options = { refactors: { move: [['Policy/read', 'Policy/payments-read']] as const } };
    const made = await planAndApply(store, [renamed, binding], options);
    expect(actions(made)).toEqual(['move Policy/payments-read', 'update Binding/ci']);
    expect([...store.objects.keys()].sort()).toEqual(['bindings/ci', 'policies/payments-read']);
    expect(plan(store, [renamed, binding], options).changes).toEqual([]);
  });

  it('of what would lose values, or what the kind cannot move, is refused', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe(), resource('Binding/ci', { spec: {} })]);
    const documents = [
      engine,
      resource('StaticSecret/kv/other', { spec: { data: stripe().spec.data ?? {} } }),
      resource('Binding/fixed', { spec: {} }),
    ];
    const made = plan(store, documents, {
      refactors: {
        move: [
          ['StaticSecret/kv/stripe', 'StaticSecret/kv/other'],
          ['Binding/ci', 'Binding/fixed'],
        ],
      },
    });
    expect(made.problems.map(({ code, address }) => [code, address?.name])).toEqual([
      ['move-impossible', 'fixed'],
      ['move-impossible', 'other'],
    ]);
  });

  it('to where something is, or of two to one address, is refused', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1), resource('Policy/b', { spec: {} })]);
    store.byHand('policies/taken', { ttl: '0s' });
    const occupied = plan(store, [resource('Policy/taken', { spec: {} }), resource('Policy/b', { spec: {} })], {
      refactors: { move: [['Policy/read', 'Policy/taken']] },
    });
    expect(occupied.problems.map(({ code }) => code)).toEqual(['move-occupied']);
    const twice = plan(store, [resource('Policy/c', { spec: {} })], {
      refactors: {
        move: [
          ['Policy/read', 'Policy/c'],
          ['Policy/b', 'Policy/c'],
        ],
      },
    });
    expect(twice.problems.map(({ code }) => code)).toEqual(['move-conflict']);
  });

  it('of what was deleted outside creates it at the new address and drops the old record', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1)]);
    store.byHand('policies/read', null);
    const documents = [resource('Policy/new', { spec: { rules: [] } })];
    const made = await planAndApply(store, documents, { refactors: { move: [['Policy/read', 'Policy/new']] } });
    expect(actions(made)).toEqual(['create Policy/new']);
    expect(recordOf(store, 'Policy/read')).toBeUndefined();
    expect(plan(store, documents).changes).toEqual([]);
  });
});

describe('a limited plan', () => {
  it('takes along what its targets need, and says that it is limited', async () => {
    const store = new ModelStore();
    const made = await planAndApply(store, [engine, stripe(), policy(1)], { targets: ['StaticSecret/kv/stripe'] });
    expect(actions(made)).toEqual(['create SecretEngine/kv', 'create StaticSecret/kv/stripe']);
    expect(made.notes.map(({ summary }) => summary)).toEqual(['Resource targeting is in effect']);
  });

  it('takes along what lives in a mount that moves, also what no document declares', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe(), policy(1)]);
    const options = { targets: ['SecretEngine/new'], refactors: { move: [['SecretEngine/kv', 'SecretEngine/new']] as const } };
    const made = plan(store, [resource('SecretEngine/new', { spec: { type: 'kv' } })], options);
    expect(actions(made)).toEqual(['move SecretEngine/new', 'delete StaticSecret/kv/stripe']);
  });

  it('takes along what needs what it destroys', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe(), policy(1)]);
    const made = plan(store, [engine, stripe(), policy(1)], { mode: 'destroy', targets: ['SecretEngine/kv'] });
    expect(actions(made)).toEqual(['delete StaticSecret/kv/stripe', 'delete SecretEngine/kv']);
  });

  it('deletes a secret for good although its mount stays', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe()]);
    await planAndApply(store, [engine, stripe()], { mode: 'destroy', targets: ['StaticSecret/kv/stripe'] });
    expect([...store.objects.keys()]).toEqual(['mounts/kv']);
  });

  it('does not replace a mount under what it leaves out', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe()]);
    const made = plan(store, [resource('SecretEngine/kv', { spec: { type: 'transit' } }), stripe()], {
      targets: ['SecretEngine/kv'],
    });
    expect(made.problems.map(({ code }) => code)).toEqual(['incomplete-target']);
  });

  it('refuses a target that is not there', () => {
    expect(plan(new ModelStore(), [], { targets: ['Policy/nobody'] }).problems.map(({ code }) => code)).toEqual([
      'unknown-target',
    ]);
  });
});

describe('other modes', () => {
  it('destroy everything that the project manages', async () => {
    const store = new ModelStore();
    await planAndApply(store, [engine, stripe(), policy(1)]);
    await planAndApply(store, [engine, stripe(), policy(1)], { mode: 'destroy' });
    expect([store.objects.size, store.records.size]).toEqual([0, 0]);
  });

  it('only look at drift, and change nothing', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1)]);
    store.byHand('policies/read', { rules: [], ttl: '0s' });
    const made = plan(store, [policy(3)], { mode: 'refresh-only' });
    expect(made.changes).toEqual([]);
    expect(made.drift.map(({ address }) => address.name)).toEqual(['read']);
  });
});

describe('the conditions of an apply', () => {
  it('fail where an object changed after the plan was made', async () => {
    const store = new ModelStore();
    await planAndApply(store, [policy(1)]);
    const made = plan(store, [policy(2)]);
    store.byHand('policies/read', { rules: [{ path: 'other' }], ttl: '0s' });
    await expect(apply(store, made)).rejects.toThrow('stale Policy/read');
  });

  it('fail where somebody made the object that the plan creates', async () => {
    const store = new ModelStore();
    const made = plan(store, [policy(1)]);
    store.byHand('policies/read', { rules: [], ttl: '0s' });
    await expect(apply(store, made)).rejects.toThrow('stale Policy/read');
  });

  it('do not hold for another revision', async () => {
    const store = new ModelStore();
    const made = plan(store, [policy(1)]);
    store.revision += 1;
    await expect(apply(store, made)).rejects.toThrow('stale base');
  });
});
