import { describe, expect, it } from 'vitest';
import { renderPlanJson } from '../../src/plan/render-json.ts';
import { renderPlanMarkdown } from '../../src/plan/render-markdown.ts';
import { renderPlanText } from '../../src/plan/render-text.ts';
import { applySummary } from '../../src/plan/summary.ts';
import { ModelStore } from './model-store.ts';
import { plan, planAndApply, resource } from './project.ts';

const engine = resource('SecretEngine/kv', { spec: { type: 'kv' } });

describe('what is shown', () => {
  it('has no character that a terminal acts on or that hides text', () => {
    const hostile = 'a\u001b[2Jb\u009bc\u202ed\u200be\r\u2066';
    const made = plan(new ModelStore(), [
      resource('Policy/evil', {
        spec: { text: hostile, rules: [{ [hostile]: hostile }] },
        labels: { team: `${hostile}\nnext\n` },
      }),
    ]);
    for (const text of [renderPlanText(made), renderPlanMarkdown(made)]) {
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/);
      expect(text).toContain('a\\u001b[2Jb\\u009bc\\u202ed\\u200be');
    }
  });

  it('can not break out of its fence in a comment, or mention anybody', () => {
    const store = new ModelStore();
    store.byHand('in/kv/@team', {});
    const made = plan(store, [resource('Policy/x', { spec: { text: '```\n<script>\n````` @everyone\n' } })], {
      targets: ['Policy/@everyone', 'Policy/x'],
    });
    const text = renderPlanMarkdown(made);
    expect(text).toContain('``````diff');
    expect(text).toContain('-target Policy/&#64;everyone');
  });

  it('of a plan that is too long for a comment says how much is left out', () => {
    const documents = Array.from({ length: 500 }, (_, index) =>
      resource(`Policy/p${index}`, { spec: { text: `${'x'.repeat(200)}\n` } }),
    );
    const text = renderPlanMarkdown(plan(new ModelStore(), documents), { maxLength: 10_000 });
    expect(text.length).toBeLessThanOrEqual(10_000);
    const shown = text.split('<details>').length - 1;
    expect(shown).toBeGreaterThan(10);
    expect(text).toContain(`_${500 - shown} more objects are left out here`);
  });

  it('never is a value, a block or a digest of a value', async () => {
    const store = new ModelStore();
    const secret = (block: string) =>
      resource('StaticSecret/kv/app', { spec: { data: { a: { sealed: `canary-${block}` }, b: { fromEnv: 'NAME' } } } });
    await planAndApply(store, [engine, secret('1')]);
    store.byHand('in/kv/app', { note: '', owners: {}, values: { a: 'canary-live' } });
    const made = plan(store, [engine, secret('2')]);
    for (const text of [renderPlanText(made), renderPlanMarkdown(made), JSON.stringify(renderPlanJson(made))]) {
      expect(text).not.toContain('canary');
      expect(text).toContain('StaticSecret/kv/app');
    }
  });

  it('says what an apply did', async () => {
    const store = new ModelStore();
    const made = plan(store, [engine, resource('Policy/a')]);
    expect(applySummary(made, { pending: 0 })).toBe('Apply complete! Resources: 2 added, 0 changed, 0 destroyed.');
    expect(applySummary(made, { pending: 2 })).toBe(
      'Apply complete! Resources: 2 added, 0 changed, 0 destroyed. 2 external steps pending.',
    );
    await planAndApply(store, [engine]);
    const destroy = plan(store, [engine], { mode: 'destroy' });
    expect(applySummary(destroy, { pending: 0 })).toBe('Destroy complete! Resources: 0 added, 0 changed, 1 destroyed.');
  });
});
