import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { toApplyBody } from '../../src/plan/apply-body.ts';
import { encodePlan, decodePlan } from '../../src/plan/plan-file.ts';
import { renderPlanText } from '../../src/plan/render-text.ts';
import type { Resource } from '../../src/desired/resource.ts';
import { ModelStore } from './model-store.ts';
import { plan, planAndApply, resource } from './project.ts';

function documents(count: number): readonly Resource[] {
  const engines = Array.from({ length: 10 }, (_, index) => resource(`SecretEngine/e${index}`, { spec: { type: 'kv' } }));
  const others = Array.from({ length: count - 10 }, (_, index) => {
    if (index % 2 === 0)
      return resource(`Policy/p${index}`, { spec: { rules: [{ path: `kv/${index}`, capabilities: ['read'] }] } });
    const data = { key: { sealed: `block ${index} ${'x'.repeat(400)}` } };
    return resource(`StaticSecret/e${index % 10}/s${index}`, { spec: { data }, labels: { team: 'a' } });
  });
  return [...engines, ...others];
}

async function timed<T>(work: () => T | Promise<T>): Promise<readonly [T, number]> {
  const start = performance.now();
  const result = await work();
  return [result, performance.now() - start];
}

describe('a repo of 10,000 documents', () => {
  it('plans, saves, applies and plans again in time that grows with it, not with its square', async () => {
    const times: Record<string, number>[] = [];
    for (const count of [2_000, 10_000]) {
      const store = new ModelStore();
      const wanted = documents(count);
      const [first, create] = await timed(() => plan(store, wanted));
      expect(first.changes).toHaveLength(count);
      const [, save] = await timed(() => decodePlan(encodePlan(first)));
      const [, render] = await timed(() => renderPlanText(first));
      const [, body] = await timed(() => toApplyBody(first, () => ''));
      store.revision = first.revision;
      await planAndApply(store, wanted);
      const [second, nothing] = await timed(() => plan(store, wanted));
      expect(second.changes).toEqual([]);
      const [, destroy] = await timed(() => plan(store, wanted, { mode: 'destroy' }));
      times.push({ create, save, render, body, nothing, destroy });
    }
    const [small = {}, large = {}] = times;
    console.log(
      Object.entries(large)
        .map(([name, time]) => `${name} ${Math.round(time)} ms`)
        .join(', '),
    );
    // Five times the documents: a square would be 25 times the time. Short times are noise.
    for (const [name, time] of Object.entries(large)) expect(time, name).toBeLessThan(Math.max(500, 15 * (small[name] ?? 0)));
  });
});
