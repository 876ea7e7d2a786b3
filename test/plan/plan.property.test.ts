import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atPointer, canonicalJson, type JsonObject, pointerTokens } from '../../src/base/json.ts';
import type { Resource } from '../../src/desired/resource.ts';
import { redactSource } from '../../src/kinds/value-source.ts';
import { addressKey } from '../../src/plan/address.ts';
import { type Plan, type PlanChange, visibleChanges } from '../../src/plan/plan.ts';
import { decodePlan, encodePlan } from '../../src/plan/plan-file.ts';
import { withValueAt } from '../../src/plan/pointer.ts';
import { addressText, type ManagedAddress } from '../../src/protocol/managed.ts';
import { ModelStore, without } from './model-store.ts';
import { apply, plan, planAndApply } from './project.ts';
import { documentsOf, type HandChange, handChange, randomRepo } from './random-repo.ts';

const runs = process.env.SECRETCTL_FULL === '1' ? 5000 : 100;
const parameters = {
  numRuns: runs,
  ...(process.env.SECRETCTL_SEED === undefined ? {} : { seed: Number(process.env.SECRETCTL_SEED) }),
};

/** What the store has of an address, asked by its path and not through a kind. */
function pathOf({ kind, mount, name }: ManagedAddress): string {
  return kind === 'StaticSecret'
    ? `in/${mount}/${name}`
    : `${{ SecretEngine: 'mounts', Policy: 'policies' }[kind] ?? 'bindings'}/${name}`;
}

function byHand(store: ModelStore, { what, which, how }: HandChange): void {
  const paths = [...store.objects.keys()].sort();
  const path = paths[which % Math.max(1, paths.length)];
  if (what === 'make') {
    if (!store.objects.has(`policies/p${how}`)) store.byHand(`policies/p${how}`, { ttl: 'by hand', rules: [] });
  } else if (path === undefined) return;
  else if (what === 'delete') {
    store.byHand(path, null);
    if (path.startsWith('mounts/'))
      for (const inside of paths) if (inside.startsWith(`in/${path.slice(7)}/`)) store.byHand(inside, null);
  } else if (path.startsWith('in/')) {
    const { mark, ...object } = store.objects.get(path) ?? {};
    if (what === 'edit') store.objects.set(path, { ...object, mark: mark ?? null, note: `${how}` });
    else if (what === 'secret') store.byHand(path, { ...object, values: { f0: 'by hand' } });
    else store.objects.set(path, { ...object, mark: mark ?? null, deleted: true });
  } else if (path.startsWith('mounts/')) store.byHand(path, { ...store.objects.get(path), description: `${how}` });
  else if (path.startsWith('policies/'))
    store.byHand(path, { ...store.objects.get(path), ttl: `${how}h`, rules: [{ path: `${how}` }] });
  else store.byHand(path, { policies: [`p${how}`] });
}

/** Which addresses differ from what is wanted, worked out by comparing whole values: what a plan must list. */
function expected(
  store: ModelStore,
  documents: readonly Resource[],
): { readonly listed: readonly string[]; readonly unowned: readonly string[] } {
  const listed = new Set<string>();
  const unowned: string[] = [];
  const declared = new Map(documents.map((document) => [addressKey(document.name), document]));
  const replaced = new Set<string>();
  for (const document of [...documents].sort(
    (a, b) => Number(b.name.kind === 'SecretEngine') - Number(a.name.kind === 'SecretEngine'),
  )) {
    const text = addressText(document.name);
    const record = store.records.get(addressKey(document.name));
    const live = store.objects.get(pathOf(document.name));
    const gone = document.name.mount !== null && replaced.has(document.name.mount);
    if (record === undefined) {
      if (live !== undefined && !gone) unowned.push(text);
      else listed.add(text);
      continue;
    }
    if (live === undefined || gone) listed.add(text);
    else if (differs(document, record, live)) {
      listed.add(text);
      if (document.name.kind === 'SecretEngine' && live.type !== document.spec.type) replaced.add(document.name.name);
    }
  }
  for (const { address } of store.records.values()) {
    if (!declared.has(addressKey(address)) && store.objects.has(pathOf(address))) listed.add(addressText(address));
  }
  return { listed: [...listed].sort(), unowned: unowned.sort() };
}

function differs(
  document: Resource,
  record: { spec: JsonObject; mark: string | null; labels: object },
  live: JsonObject,
): boolean {
  const { name, spec, labels, ignoreChanges } = document;
  if (canonicalJson(labels) !== canonicalJson(record.labels as JsonObject)) return true;
  const drop = (value: JsonObject): JsonObject =>
    ignoreChanges.reduce((left, pointer) => withValueAt(left, pointerTokens(pointer), undefined), value);
  if (name.kind !== 'StaticSecret') {
    return canonicalJson(drop(spec)) !== canonicalJson(drop(without(live, 'accessor')));
  }
  if (spec.note !== live.note) return true;
  const wanted = Object.fromEntries(
    Object.entries(spec.data as JsonObject).map(([field, source]) => [field, { ...redactSource(source) }]),
  );
  const before = drop({ data: record.spec.data ?? {} }).data as JsonObject;
  const after = drop({ data: wanted }).data as JsonObject;
  if (canonicalJson(before) !== canonicalJson(after)) return true;
  const secrets = Object.keys(after).length > 0;
  return secrets && (live.mark !== record.mark || live.deleted === true);
}

function visible(made: Plan): readonly string[] {
  return visibleChanges(made)
    .map(({ address }) => addressText(address))
    .sort();
}

/** Everything that is needed comes before what needs it, and goes after it. */
function checkOrder(made: Plan, documents: readonly Resource[], store: ModelStore): void {
  const at = new Map(made.changes.map((change, index) => [addressText(change.address), { index, change }]));
  const isRemoval = (change: PlanChange | undefined): boolean => change?.action === 'delete' || change?.action === 'forget';
  for (const { name, references } of documents) {
    const user = at.get(addressText(name));
    const mount = name.mount === null ? [] : [{ kind: 'SecretEngine', mount: null, name: name.mount }];
    for (const needed of [...references, ...mount]) {
      const other = at.get(addressText(needed));
      if (user !== undefined && other !== undefined && !isRemoval(other.change)) expect(other.index).toBeLessThan(user.index);
    }
  }
  for (const { address, spec } of store.records.values()) {
    const user = at.get(addressText(address));
    const named = [
      ...((spec.policies ?? []) as string[]).map((policy) => `Policy/${policy}`),
      ...(spec.after === undefined ? [] : [`Binding/${String(spec.after)}`]),
    ];
    for (const needed of [...named, ...(address.mount === null ? [] : [`SecretEngine/${address.mount}`])]) {
      const other = at.get(needed);
      if (user !== undefined && other !== undefined && isRemoval(other.change)) expect(user.index).toBeLessThan(other.index);
    }
  }
}

const repoStep = fc.record({ repo: randomRepo, hands: fc.array(handChange, { maxLength: 5 }) });

describe('over random repos, applies and changes by hand', () => {
  it('a plan lists exactly what differs, in an order that respects references, and nothing is left after its apply', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(repoStep, { minLength: 1, maxLength: 4 }), async (steps) => {
        const store = new ModelStore();
        for (const { repo, hands } of steps) {
          const documents = documentsOf(repo);
          for (const hand of hands) byHand(store, hand);
          const should = expected(store, documents);
          const made = plan(store, documents);
          const unowned = made.problems
            .map(({ code, address }) => `${code} ${address === null ? '' : addressText(address)}`)
            .sort();
          expect(unowned).toEqual(should.unowned.map((text) => `unowned ${text}`));
          expect(visible(made)).toEqual(should.listed);
          checkOrder(made, documents, store);
          // What stands in the way goes, so that the rest can be applied.
          const clear = made.problems.length === 0 ? made : withoutObstacles(store, made, documents);
          await apply(store, decodePlan(encodePlan(clear)));
          const next = plan(store, documents);
          expect([next.changes, next.problems, next.drift.filter(({ action }) => action === 'delete')]).toEqual([[], [], []]);
        }
      }),
      parameters,
    );
  });

  it('a renamed mount or policy keeps what it holds', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomRepo,
        fc.array(handChange, { maxLength: 3 }),
        fc.nat(2),
        fc.nat(3),
        async (repo, hands, engine, policy) => {
          const store = new ModelStore();
          await planAndApply(store, documentsOf(repo));
          for (const hand of hands) if (hand.what !== 'make') byHand(store, hand);
          const before = contents(store, engine);
          const renamed = {
            ...repo,
            engines: repo.engines.map((one) => (one.name === engine ? { ...one, name: 7 } : one)),
            secrets: repo.secrets.map((one) => (one.engine === engine ? { ...one, engine: 7 } : one)),
            policies: repo.policies.map((one) => (one.name === policy ? { ...one, name: 8 } : one)),
            bindings: repo.bindings.map((one) => ({
              ...one,
              policies: one.policies.map((name) => (name === policy ? 8 : name)),
            })),
          };
          const move = [
            [`SecretEngine/e${engine}`, 'SecretEngine/e7'],
            [`Policy/p${policy}`, 'Policy/p8'],
          ] as const;
          const documents = documentsOf(renamed);
          const made = plan(store, documents, { refactors: { move } });
          expect(made.problems).toEqual([]);
          expect(made.changes.filter(({ action }) => action === 'delete')).toEqual([]);
          await apply(store, made);
          const next = plan(store, documents, { refactors: { move } });
          expect([next.changes, next.problems]).toEqual([[], []]);
          expect(store.objects.has(`policies/p${policy}`)).toBe(false);
          for (const [name, values] of before) {
            const untouched = made.changes.some(
              ({ address, modifies }) => address.name === name && address.mount === 'e7' && !modifies,
            );
            if (untouched) expect(store.values(`in/e7/${name}`)).toEqual(values);
          }
        },
      ),
      parameters,
    );
  });

  it('any change of what an address shows changes its condition, and no other change does', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomRepo,
        randomRepo,
        fc.array(handChange, { minLength: 1, maxLength: 3 }),
        async (repo, other, hands) => {
          const store = new ModelStore();
          await planAndApply(store, documentsOf(repo));
          const made = plan(store, documentsOf(other));
          const paths = made.changes.flatMap(({ reads }) => reads.map(({ path }) => path));
          const look = (): string => canonicalJson(paths.map((path) => store.reply(path)));
          const before = look();
          for (const hand of hands) byHand(store, hand);
          if (made.changes.length === 0) return;
          if (look() === before && store.revision === made.revision) await apply(store, made);
          else await expect(apply(store, made)).rejects.toThrow('stale');
        },
      ),
      parameters,
    );
  });
});

function contents(store: ModelStore, engine: number): ReadonlyMap<string, JsonObject> {
  const prefix = `in/e${engine}/`;
  return new Map(
    [...store.objects.keys()]
      .filter((path) => path.startsWith(prefix))
      .map((path) => [path.slice(prefix.length), store.values(path)]),
  );
}

function withoutObstacles(store: ModelStore, made: Plan, documents: readonly Resource[]): Plan {
  for (const { address } of made.problems) if (address !== null) store.byHand(pathOf(address), null);
  const clear = plan(store, documents);
  expect(clear.problems).toEqual([]);
  return clear;
}

describe('values at pointers', () => {
  it('are where they were put, and nothing else changes', () => {
    const key = fc.constantFrom('a', 'b', '__proto__', '', '~', '/');
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.dictionary(key, fc.nat())),
        fc.array(key, { minLength: 1, maxLength: 3 }),
        fc.nat(),
        (value, tokens, put) => {
          const pointer = tokens.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
          const changed = withValueAt(value, tokens, put);
          expect(atPointer(changed, pointer)).toBe(put);
          const removed = withValueAt(changed, tokens, undefined);
          expect(atPointer(removed, pointer)).toBeUndefined();
          for (const other of Object.keys(value)) if (other !== tokens[0]) expect(changed[other]).toBe(value[other]);
        },
      ),
      parameters,
    );
  });
});
