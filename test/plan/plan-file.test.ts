import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/error.ts';
import { toApplyBody } from '../../src/plan/apply-body.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { checkPlanBase, decodePlan, encodePlan, planDigest } from '../../src/plan/plan-file.ts';
import { ModelStore } from './model-store.ts';
import { plan, planAndApply, resource } from './project.ts';
import { documentsOf, randomRepo } from './random-repo.ts';

const engine = resource('SecretEngine/kv', { spec: { type: 'kv' } });
const secret = (key: string) =>
  resource('StaticSecret/kv/app', {
    spec: {
      data: {
        sealed: { sealed: `block ${key}` },
        env: { fromEnv: 'KEY' },
        file: { fromFile: 'key.txt' },
        made: { generate: { length: 20 } },
      },
    },
  });

async function somePlan(): Promise<Plan> {
  const store = new ModelStore();
  await planAndApply(store, [engine, secret('a')]);
  return plan(store, [engine, secret('b'), resource('Policy/read', { labels: { team: 'a' }, protect: true })]);
}

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a saved plan', () => {
  it('is the same plan when it is read again, over random repos', () => {
    fc.assert(
      fc.property(randomRepo, (repo) => {
        const made = plan(new ModelStore(), documentsOf(repo));
        expect(decodePlan(encodePlan(made))).toEqual(made);
      }),
      { numRuns: 100 },
    );
  });

  it('is byte for byte what it was made of: equal plans, equal files', async () => {
    expect(encodePlan(await somePlan())).toBe(encodePlan(await somePlan()));
  });

  it('is refused where any of its bytes changed', async () => {
    const file = encodePlan(await somePlan());
    for (let index = 0; index < file.length; index += 7) {
      const other = file[index] === 'x' ? 'y' : 'x';
      const damaged = `${file.slice(0, index)}${other}${file.slice(index + 1)}`;
      expect(faultOf(() => decodePlan(damaged)).code).toBe('plan-file');
    }
    expect(faultOf(() => decodePlan(file.slice(0, -1))).message).toBe('this is not a plan file');
    expect(faultOf(() => decodePlan(file.replace('block b', 'block c'))).message).toBe(
      'the plan file was changed after it was saved',
    );
  });

  it('of another version says which version reads it', async () => {
    const file = encodePlan(await somePlan()).replace('secretctl/plan/1', 'secretctl/plan/2');
    expect(faultOf(() => decodePlan(file)).message).toBe(
      'the plan file has format secretctl/plan/2, and this version of secretctl reads secretctl/plan/1',
    );
  });

  it('that is not one, or is nested beyond measure, is refused without quoting it', () => {
    for (const text of ['', '{}', 'hvs.secret-token', '[1]', '['.repeat(200_000)]) {
      const fault = faultOf(() => decodePlan(text));
      expect([fault.code, fault.message]).toEqual(['plan-file', 'this is not a plan file']);
    }
  });

  it('belongs to one store at one revision', async () => {
    const made = await somePlan();
    checkPlanBase(made, { storeId: made.storeId, revision: made.revision });
    expect(faultOf(() => checkPlanBase(made, { storeId: 'other', revision: made.revision })).code).toBe('plan-file');
    const stale = faultOf(() => checkPlanBase(made, { storeId: made.storeId, revision: made.revision + 1 }));
    expect([stale.code, stale.message]).toEqual([
      'plan-stale',
      'the plan is stale: it was made at config revision 2, and the store is at 3',
    ]);
  });

  it('with problems is not saved', () => {
    const store = new ModelStore();
    store.byHand('policies/read', { ttl: '0s' });
    expect(faultOf(() => encodePlan(plan(store, [resource('Policy/read')]))).code).toBe('plan-refused');
  });
});

describe('the body of an apply', () => {
  it('has local values in the place of their names, and only where they are written', async () => {
    const made = await somePlan();
    const asked: string[] = [];
    const resolve = ({ field, source }: { field: string; source: object }): string => {
      asked.push(`${field} ${JSON.stringify(source)}`);
      return 'canary';
    };
    const update = await toApplyBody(made, resolve);
    expect(asked).toEqual([]);
    expect(JSON.stringify(update)).toContain('"sealed":"block b"');

    const first = plan(new ModelStore(), [engine, secret('a')]);
    const create = await toApplyBody(first, resolve);
    expect(asked).toEqual(
      ['data.sealed', 'data.env', 'data.file', 'data.made']
        .slice(1, 3)
        .map((field) => `${field} ${field === 'data.env' ? '{"fromEnv":"KEY"}' : '{"fromFile":"key.txt"}'}`),
    );
    expect(JSON.stringify(create)).toContain('{"literal":"canary"}');
    expect(JSON.stringify(create.changes.map(({ record }) => record))).not.toContain('canary');
    expect(encodePlan(first)).not.toContain('canary');
  });

  it('names the plan by its digest, and its base', async () => {
    const made = await somePlan();
    expect(await toApplyBody(made, () => '')).toMatchObject({
      planDigest: planDigest(made),
      base: 2,
      storeId: 'store-1',
      commit: 'c0ffee',
    });
  });

  it('is not made of a plan with nothing to do, or with problems', async () => {
    const store = new ModelStore();
    await expect(toApplyBody(plan(store, []), () => '')).rejects.toMatchObject({ code: 'plan-refused' });
    store.byHand('policies/read', { ttl: '0s' });
    await expect(toApplyBody(plan(store, [resource('Policy/read')]), () => '')).rejects.toMatchObject({ code: 'plan-refused' });
  });
});
