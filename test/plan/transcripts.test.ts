import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { colours } from '../../src/plan/paint.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { renderPlanJson } from '../../src/plan/render-json.ts';
import { renderPlanMarkdown } from '../../src/plan/render-markdown.ts';
import { renderPlanText } from '../../src/plan/render-text.ts';
import { ModelStore } from './model-store.ts';
import { plan, planAndApply, resource } from './project.ts';

const engine = (name = 'kv', spec: JsonObject = {}) => resource(`SecretEngine/${name}`, { spec: { type: 'kv', ...spec } });
const rule = (path: string, ...capabilities: string[]) => ({ path, capabilities });
const policy = (name: string, rules: readonly JsonObject[], extra = {}) =>
  resource(`Policy/${name}`, { spec: { rules }, ...extra });
const stripe = (block: string, extra: JsonObject = {}) =>
  resource('StaticSecret/kv/payments/stripe', {
    spec: { data: { api_key: { sealed: block }, webhook: { generate: { length: 40 } } }, ...extra },
  });

const scenarios: Readonly<Record<string, () => Promise<Plan>>> = {
  async 'create-everything'() {
    const store = new ModelStore();
    return plan(store, [
      engine('kv', { description: 'secrets of the "payments" team' }),
      policy('payments-read', [rule('kv/payments/*', 'read', 'list'), rule('kv/payments/root/*', 'deny')], {
        labels: { team: 'payments' },
        protect: true,
      }),
      stripe('block-1', { owners: { 'on call': 'ops', team: 'payments' } }),
      resource('Policy/text', { spec: { text: 'path "kv/*" {\n  capabilities = ["read"]\n}\n' } }),
    ]);
  },

  async 'nothing-to-do'() {
    const store = new ModelStore();
    await planAndApply(store, [engine()]);
    return plan(store, [engine()]);
  },

  async 'update-lists-and-texts'() {
    const store = new ModelStore();
    const lines = (changed: string) => Array.from({ length: 12 }, (_, index) => (index === 5 ? changed : `line ${index + 1}`));
    await planAndApply(store, [
      policy('rules', [rule('a', 'read'), rule('b', 'read'), rule('c', 'read', 'list'), rule('d', 'read'), rule('e', 'deny')]),
      resource('Policy/text', { spec: { text: `${lines('line 6').join('\n')}\n`, ttl: '1h' } }),
      resource('Binding/ci', { spec: { policies: ['a', 'b', 'c', 'd', 'e', 'f'] } }),
    ]);
    return plan(store, [
      policy('rules', [rule('a', 'read'), rule('b', 'read'), rule('c', 'read', 'update'), rule('x', 'read'), rule('e', 'deny')], {
        labels: { team: 'payments' },
      }),
      resource('Policy/text', { spec: { text: `${lines('line six').join('\n')}\n` } }),
      resource('Binding/ci', { spec: { policies: ['a', 'c', 'd', 'e', 'f', 'g'] } }),
    ]);
  },

  async 'a-secret-changes'() {
    const store = new ModelStore();
    await planAndApply(store, [engine(), stripe('block-1')]);
    return plan(store, [engine(), stripe('block-2', { note: 'rotated' })]);
  },

  async 'changed-outside'() {
    const store = new ModelStore();
    const documents = [
      engine(),
      stripe('block-1'),
      policy('read', [rule('kv/*', 'read')]),
      policy('gone', []),
      policy('same', []),
    ];
    await planAndApply(store, documents);
    store.byHand('in/kv/payments/stripe', { note: '', owners: {}, values: { api_key: 'stolen' } });
    store.byHand('policies/read', { rules: [rule('kv/*', 'read', 'update')], ttl: '0s' });
    store.byHand('policies/gone', null);
    store.byHand('policies/same', { rules: [rule('*', 'read')], ttl: '0s' });
    return plan(store, [...documents.slice(0, 4), policy('same', [rule('*', 'read')])]);
  },

  async 'documents-caught-up'() {
    const store = new ModelStore();
    await planAndApply(store, [policy('same', [])]);
    store.byHand('policies/same', { rules: [rule('*', 'read')], ttl: '0s' });
    return plan(store, [policy('same', [rule('*', 'read')])]);
  },

  async 'refresh-only'() {
    const store = new ModelStore();
    await planAndApply(store, [engine(), stripe('block-1'), policy('read', [])]);
    store.byHand('in/kv/payments/stripe', { note: 'by hand', owners: {}, values: {} });
    store.byHand('policies/read', null);
    return plan(store, [], { mode: 'refresh-only' });
  },

  async 'replace-a-mount'() {
    const store = new ModelStore();
    await planAndApply(store, [engine(), stripe('block-1')]);
    return plan(store, [
      resource('SecretEngine/kv', { spec: { type: 'transit', description: 'now transit' } }),
      stripe('block-1'),
    ]);
  },

  async 'replace-as-requested'() {
    const store = new ModelStore();
    await planAndApply(store, [policy('read', [])]);
    return plan(store, [policy('read', [])], { replace: ['Policy/read'] });
  },

  async 'import-move-forget'() {
    const store = new ModelStore();
    await planAndApply(store, [engine('kv'), stripe('block-1'), policy('pay', []), policy('legacy', []), policy('renamed', [])]);
    store.byHand('mounts/legacy-kv', { type: 'kv', description: 'old' });
    store.byHand('policies/wild', { rules: [rule('*', 'read')], ttl: '0s' });
    return plan(
      store,
      [
        engine('secrets'),
        engine('legacy-kv', { description: 'old' }),
        resource('StaticSecret/secrets/payments/stripe', { spec: { data: stripe('block-1').spec.data ?? {} } }),
        policy('payments-read', []),
        policy('tamed', []),
        policy('wild', [rule('kv/*', 'read')]),
      ],
      {
        refactors: {
          move: [
            ['SecretEngine/kv', 'SecretEngine/secrets'],
            ['Policy/pay', 'Policy/payments-read'],
            ['Policy/renamed', 'Policy/tamed'],
          ],
          import: [
            ['SecretEngine/legacy-kv', 'legacy-kv'],
            ['Policy/wild', 'wild'],
          ],
          forget: ['Policy/legacy'],
        },
      },
    );
  },

  async destroy() {
    const store = new ModelStore();
    await planAndApply(store, [engine(), stripe('block-1'), policy('read', [rule('kv/*', 'read')], { labels: { a: 'b' } })]);
    return plan(store, [], { mode: 'destroy' });
  },

  async 'delete-what-is-not-declared'() {
    const store = new ModelStore();
    await planAndApply(store, [policy('read', [rule('kv/*', 'read')])]);
    return plan(store, []);
  },

  async problems() {
    const store = new ModelStore();
    await planAndApply(store, [policy('kept', [], { protect: true }), policy('theirs', [])]);
    await planAndApply(store, [policy('other', [])], { project: 'other' });
    store.byHand('policies/wild', { ttl: '0s' });
    store.byHand('mounts/scratch', { type: 'kv', description: '' });
    return plan(store, [policy('wild', []), policy('other', []), policy('theirs', [rule('a', 'read')])], { targets: [] });
  },

  async targeted() {
    const store = new ModelStore();
    return plan(store, [engine(), stripe('block-1'), policy('read', [])], { targets: ['SecretEngine/kv'] });
  },

  async 'values-of-another-shape'() {
    const store = new ModelStore();
    await planAndApply(store, [
      resource('Policy/odd', {
        spec: {
          rules: [
            { a: { b: [1, 2] }, path: 'x' },
            { path: 'y', a: 1 },
          ],
        },
      }),
    ]);
    return plan(store, [
      resource('Policy/odd', {
        spec: {
          rules: [
            { a: 'text\u001b[31m\u202e', path: 'x' },
            { path: 'y', a: [], c: {} },
          ],
        },
      }),
    ]);
  },
};

describe('plan output, as text', () => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    it(name.replaceAll('-', ' '), async () => {
      await expect(renderPlanText(await scenario())).toMatchFileSnapshot(`transcripts/${name}.txt`);
    });
  }
});

describe('plan output, for programs and for pull requests', () => {
  for (const name of ['create-everything', 'a-secret-changes', 'import-move-forget', 'problems', 'changed-outside'] as const) {
    it(`${name.replaceAll('-', ' ')}, as JSON`, async () => {
      const scenario = scenarios[name] as () => Promise<Plan>;
      await expect(`${JSON.stringify(renderPlanJson(await scenario()), null, 2)}\n`).toMatchFileSnapshot(
        `transcripts/${name}.json`,
      );
    });
    it(`${name.replaceAll('-', ' ')}, as Markdown`, async () => {
      const scenario = scenarios[name] as () => Promise<Plan>;
      await expect(renderPlanMarkdown(await scenario())).toMatchFileSnapshot(`transcripts/${name}.md`);
    });
  }
});

describe('colours', () => {
  it('change nothing that can be read', async () => {
    const made = await (scenarios['changed-outside'] as () => Promise<Plan>)();
    const coloured = renderPlanText(made, colours);
    expect(coloured).toContain('\u001b[33m  ~\u001b[39m resource "Policy" "read" {');
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(renderPlanText(made));
  });
});
