import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import type { Random } from '../../src/base/random.ts';
import { visibleChanges, type Plan } from '../../src/plan/plan.ts';
import { addressText } from '../../src/protocol/managed.ts';
import { world, type World } from '../world.ts';
import { byHand, type HandChange, handChange, type Touched } from './by-hand.ts';
import { emptyRepo, type Repo, textOf } from './declared.ts';
import { addition, edit, edited, type Edit } from './edits.ts';
import { contentsOf, currentOf, emptyModel, isMount, type Live, type Model, put } from './model.ts';
import { afterApply, type Expected, generated, Oracle, type Outcome } from './oracle.ts';
import { bodyOf, planFor, send } from './project.ts';
import { listedAddresses, pathOf, secretOf, whatIsThere, whatShouldBeThere } from './store-api.ts';
import { filesOf, mix } from './yaml.ts';

const full = process.env.SECRETCTL_FULL === '1';
const seed = process.env.SECRETCTL_SEED === undefined ? Date.now() % 2 ** 31 : Number(process.env.SECRETCTL_SEED);
const parameters = {
  numRuns: Number(process.env.LIFE_RUNS ?? (full ? 4000 : 60)),
  seed,
  ...(process.env.LIFE_LIMIT ? { interruptAfterTimeLimit: Number(process.env.LIFE_LIMIT) } : {}),
};

interface Step {
  readonly edits: readonly Edit[];
  readonly hands: readonly HandChange[];
  /** Seconds that pass before the plan. */
  readonly pass: number;
  /** Somebody does this between the plan and its apply. */
  readonly between: HandChange | null;
  /** -replace of a managed object; null: of none. */
  readonly replace: number | null;
}

const steps = fc.array(
  fc.record({
    edits: fc.array(edit, { maxLength: 4 }),
    hands: fc.array(handChange, { maxLength: 5 }),
    pass: fc.oneof({ weight: 4, arbitrary: fc.nat(600) }, fc.nat(200_000)),
    between: fc.option(handChange, { freq: 3 }),
    replace: fc.option(fc.nat(100), { freq: 12 }),
  }),
  { minLength: 1, maxLength: 5 },
);

/** The same bytes in each run, so that a run that fails can be repeated. */
function repeatable(): Random {
  let count = 0;
  return {
    bytes(length) {
      const parts: Buffer[] = [];
      for (let size = 0; size < length; size += 32) parts.push(createHash('sha256').update(`byte ${count++}`).digest());
      return new Uint8Array(Buffer.concat(parts).subarray(0, length));
    },
  };
}

interface Planned {
  readonly plan: Plan;
  readonly expected: Expected;
}

/** One life of a store: what it holds, what the documents say, and what the model says of both. */
class Life {
  readonly at: World;
  model: Model = emptyModel();
  repo: Repo = emptyRepo;
  /** Generated values by address and field, as they were read last. */
  readonly #seen = new Map<string, Json>();
  readonly #environment = new Map<string, string>();

  constructor(at: World) {
    this.at = at;
    put(this.model, {
      address: { kind: 'AuditDevice', mount: null, name: 'memory' },
      type: 'AuditDevice',
      values: { description: '' },
      versions: new Map(),
      current: 0,
    });
  }

  readonly value = ({ fromEnv = '', fromFile = '' }: { readonly fromEnv?: string; readonly fromFile?: string }): Json =>
    this.#environment.get(fromEnv + fromFile) ?? `value of ${fromEnv}${fromFile}`;

  /** Whoever applies next finds other values in variables and files; nobody asks for them until a version rises. */
  changeEnvironment(how: number): void {
    this.#environment.set(`SECRET_${how % 2}`, `later value ${how}`);
    this.#environment.set(`files/${how % 2}.txt`, `later text\n${how}`);
  }

  async byHand(change: HandChange): Promise<Touched | null> {
    return byHand({ world: this.at, model: this.model, repo: this.repo }, change);
  }

  async plan(replace: readonly string[] = []): Promise<Planned> {
    const files = await filesOf(this.repo, this.at.recipient);
    const plan = await planFor(this.at, files, { replace });
    const now = this.at.clock.time;
    const expected = new Oracle(this.repo, this.model, { now, resolve: this.value, replace }).expected();
    compare(plan, expected);
    return { plan, expected };
  }

  /** Clears what stands in the way of a plan: adopts, and takes by hand what could not be adopted or is protected. */
  async clear(expected: Expected): Promise<void> {
    for (const problem of expected.problems) {
      const [code = '', ...rest] = problem.split(' ');
      const text = rest.join(' ');
      const declared = this.repo.documents.get(text);
      if (code === 'unowned' && declared !== undefined)
        this.repo = { ...this.repo, imports: [...this.repo.imports, declared.address] };
      else if (code === 'import-missing')
        this.repo = { ...this.repo, imports: this.repo.imports.filter((to) => textOf(to) !== text) };
      else if (code === 'mount-in-use') this.repo = { ...this.repo, forgets: [] };
      else await this.#takeAway(text);
    }
  }

  async #takeAway(text: string): Promise<void> {
    const live = this.model.live.get(text);
    if (live === undefined) return;
    await this.at.delete(pathOf(live.address, live.type));
    if (isMount(live.address))
      for (const inner of contentsOf(this.model, live.address)) this.model.live.delete(textOf(inner.address));
    this.model.live.delete(text);
  }

  async apply(planned: Planned): Promise<void> {
    const body = await bodyOf(planned.plan, this.value);
    await send(this.at, body);
    await this.applied(planned);
    await expect(send(this.at, body)).rejects.toMatchObject({ status: 409 });
  }

  async applied({ expected }: Planned): Promise<void> {
    this.model = afterApply(this.model, expected);
    for (const outcome of expected.changes.values()) if (outcome.live !== null) await this.#readGenerated(outcome, outcome.live);
  }

  /** A generated value that was written is another one than before; one that was not is the same. */
  async #readGenerated({ address, origin, written, action }: Outcome, live: Live): Promise<void> {
    const data = { ...currentOf(live)?.data };
    if (action === 'forget' || Object.keys(data).length === 0) return;
    const found = (await secretOf(this.at, live)) as Record<string, Json> | null;
    for (const [field, value] of Object.entries(data)) {
      if (value !== generated || !written.has(field)) continue;
      const made = found?.[field];
      expect(made, `${textOf(address)} ${field}`).toMatch(/^.{8,}$/u);
      expect([...this.#seen.values()]).not.toContain(made);
      this.#seen.set(`${textOf(origin)} ${field} ${this.#seen.size}`, made ?? null);
      data[field] = made ?? null;
    }
    const version = currentOf(live)!;
    put(this.model, { ...live, versions: new Map(live.versions).set(live.current, { ...version, data }) });
  }

  /** The store holds what the model says, and nothing else. */
  async check(): Promise<void> {
    expect(await whatIsThere(this.at, this.model)).toEqual(whatShouldBeThere(this.model, this.at.clock.time));
    expect(await listedAddresses(this.at)).toEqual([...this.model.live.keys()].sort());
  }
}

/** The plan lists what the oracle says, and nothing else. */
function compare(plan: Plan, expected: Expected): void {
  const { changes, silent, drift, unsure, problems, unmanaged } = expected;
  expect(plan.problems.map(({ code, address }) => `${code} ${address === null ? '' : addressText(address)}`).sort()).toEqual(
    problems,
  );
  if (problems.length > 0) return;
  const actions = (action: string): string => (action === 'update' || action === 'record' ? 'change' : action);
  const listed = visibleChanges(plan).map(({ address, action }) => `${addressText(address)} ${actions(action)}`);
  expect(listed.sort()).toEqual([...changes].map(([text, { action }]) => `${text} ${action}`).sort());
  const quiet = plan.changes.flatMap((change) => (change.silent ? [addressText(change.address)] : []));
  expect(quiet.filter((text) => !unsure.has(text)).sort()).toEqual([...silent.keys()].sort());
  const drifted = plan.drift.map(({ address, action }) => `${addressText(address)} ${action}`);
  expect(drifted.filter((text) => !unsure.has(text.replace(/ update$/, ''))).sort()).toEqual(
    [...drift].map(([text, action]) => `${text} ${action}`).sort(),
  );
  expect(plan.unmanaged.map(addressText).sort()).toEqual(unmanaged);
  for (const change of plan.changes) {
    const outcome = changes.get(addressText(change.address));
    if (change.silent || outcome === undefined || change.action === 'delete' || change.action === 'forget') continue;
    const changed = change.secrets.flatMap(({ at, state }) =>
      state === 'changed' && outcome.record?.sources.has(fieldAt(at)) === true ? [fieldAt(at)] : [],
    );
    expect(changed.sort(), `secrets of ${addressText(change.address)}`).toEqual([...outcome.written].sort());
    const said = change.consequences.flatMap((text) => /^generates (.*) anew$/.exec(text)?.[1] ?? []);
    expect(said.sort(), `values of ${addressText(change.address)} made anew`).toEqual(
      [...outcome.madeAnew].map(dataField).sort(),
    );
  }
}

function dataField(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? `data.${name}` : `data[${JSON.stringify(name)}]`;
}

/** The field of `/data/x`. */
function fieldAt(pointer: string): string {
  return pointer.slice('/data/'.length).replaceAll('~1', '/').replaceAll('~0', '~');
}

describe('a life of a store', () => {
  it(
    `is planned exactly: only what differs in net effect, and nothing after an apply (SECRETCTL_SEED=${seed})`,
    { timeout: 7_200_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(addition, { minLength: 3, maxLength: 16 }), steps, async (first, rest) => {
          const life = new Life(await world({ random: repeatable() }));
          life.repo = first.reduce(edited, { ...emptyRepo, spelling: mix(first.length, rest.length) });
          await round(life, { edits: [], hands: [], pass: 0, between: null, replace: null });
          for (const step of rest) await round(life, step);
        }),
        parameters,
      );
    },
  );
});

async function round(life: Life, step: Step): Promise<void> {
  const { at } = life;
  const trace = (...what: unknown[]): void => {
    if (process.env.LIFE_TRACE) console.log(...what.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))));
  };
  trace('STEP', step);
  life.repo = step.edits.reduce(edited, life.repo);
  for (const hand of step.hands) await life.byHand(hand);
  life.changeEnvironment(step.pass);
  at.clock.time += step.pass * 1000;
  await life.check();
  const managed = [...life.model.records.keys()]
    .filter((text) => life.repo.documents.has(text) && !text.startsWith('AuditDevice/'))
    .sort();
  const replace = step.replace === null || managed.length === 0 ? [] : [managed[step.replace % managed.length]!];
  let planned = await cleared(life, replace);
  trace(
    'NOW',
    at.clock.time,
    'PLAN',
    replace,
    planned.plan.changes.map((c) => [c.action, addressText(c.address), c.requests.map((r) => [r.operation, r.path, r.data])]),
    planned.plan.problems.map((p) => p.message),
  );
  if (step.between !== null && planned.plan.changes.length > 0) {
    await applyDisturbed(life, step.between, planned);
    planned = await cleared(life, []);
  }
  if (planned.plan.changes.length > 0) await life.apply(planned);
  await life.check();
  const next = await life.plan();
  trace(
    'NOW',
    at.clock.time,
    'NEXT',
    next.plan.changes.map((c) => [c.action, addressText(c.address)]),
    [...life.model.live].map(([t, l]) => [t, l.current, [...l.versions]]),
  );
  expect(next.plan.changes).toEqual([]);
  expect(next.plan.drift).toEqual([]);
  await expect(bodyOf(next.plan, life.value)).rejects.toThrow('nothing to apply');
}

/** A plan without problems: what stands in the way is refused, and then taken out of it. */
async function cleared(life: Life, replace: readonly string[]): Promise<Planned> {
  let planned = await life.plan(replace);
  for (let tries = 0; planned.expected.problems.length > 0; tries++) {
    expect(tries).toBeLessThan(5);
    await expect(bodyOf(planned.plan, life.value)).rejects.toMatchObject({ code: 'plan-refused' });
    await life.clear(planned.expected);
    planned = await life.plan();
  }
  return planned;
}

/**
 * Something happens between plan and apply. Where the plan is stale by it, its apply is refused and leaves no trace; a
 * change without net effect on a planned secret may make it stale, since the store shows when it was touched last.
 */
async function applyDisturbed(life: Life, between: HandChange, planned: Planned): Promise<void> {
  const body = await bodyOf(planned.plan, life.value);
  const known = new Map(life.model.live);
  const touched = await life.byHand(between);
  const text = touched?.address === undefined || touched.address === null ? '' : textOf(touched.address);
  const planning = planned.plan.changes.some(({ address, from }) =>
    [address, from].some((one) => one !== null && addressText(one) === text),
  );
  const shows = planning && shownText(known.get(text)) !== shownText(life.model.live.get(text));
  const before = contentOf(life.at);
  const error: unknown =
    touched?.configures === true || planning
      ? await send(life.at, body).then(
          () => null,
          (reason: unknown) => reason,
        )
      : 'not sent';
  if (error === 'not sent') return life.apply(planned);
  if (error === null && !shows && touched?.configures !== true) return life.applied(planned);
  expect(error).toMatchObject({ status: 409, message: expect.stringContaining('stale') });
  expect(contentOf(life.at)).toEqual(before);
}

function shownText(live: Live | undefined): string {
  return JSON.stringify(live === undefined ? null : { ...live, versions: [...live.versions] });
}

function contentOf({ medium }: World): readonly string[] {
  return [...medium.entries].map(([key, { version }]) => `${key} ${version}`).sort();
}
