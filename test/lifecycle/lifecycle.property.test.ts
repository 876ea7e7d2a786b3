import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressText } from '../../src/protocol/managed.ts';
import { type HandChange, handChange } from './by-hand.ts';
import { textOf } from './declared.ts';
import { addition, edit, edited, type Edit } from './edits.ts';
import { Life, type Planned } from './life.ts';
import { type Live, mountOf } from './model.ts';
import { bodyOf, send } from './project.ts';
import { mix } from './yaml.ts';

const full = process.env.SECRETCTL_FULL === '1';
const seed = process.env.SECRETCTL_SEED === undefined ? Date.now() % 2 ** 31 : Number(process.env.SECRETCTL_SEED);
const parameters = full
  ? { seed, numRuns: 4000 }
  : // A counterexample is made smaller for some minutes at most.
    { seed, numRuns: 120, interruptAfterTimeLimit: 300_000, markInterruptAsFailure: true };

/** What happens from one apply to the next. */
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

describe('over random repos and random changes', () => {
  it(
    `a plan lists exactly what differs in net effect, and nothing after an apply (SECRETCTL_SEED=${seed})`,
    { timeout: 7_200_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(addition, { minLength: 3, maxLength: 16 }), steps, async (first, rest) => {
          const life = await Life.begin(mix(first.length, rest.length));
          await live(life, { edits: first, hands: [], pass: 0, between: null, replace: null });
          for (const step of rest) await live(life, step);
          await end(life);
        }),
        parameters,
      );
    },
  );
});

async function live(life: Life, step: Step): Promise<void> {
  life.repo = step.edits.reduce(edited, life.repo);
  for (const hand of step.hands) await life.byHand(hand);
  life.changeEnvironment(step.pass);
  life.at.clock.time += step.pass * 1000;
  await life.check();

  const replace = step.replace === null ? [] : chosen(life, step.replace);
  let planned = await cleared(life, replace);
  // However the documents are laid out and spelt, and whenever the plan is made, it is the same.
  if (replace.length === 0) expect(await life.planAs(life.repo.spelling + 1)).toEqual(planned.plan);
  if (step.between !== null && planned.plan.changes.length > 0) {
    await applyDisturbed(life, step.between, planned);
    planned = await cleared(life, []);
  }
  if (planned.plan.changes.length > 0) await life.apply(planned);
  await life.check();

  const next = await life.plan();
  expect(next.plan.changes).toEqual([]);
  expect(next.plan.drift).toEqual([]);
  await expect(bodyOf(next.plan, life.value)).rejects.toThrow('nothing to apply');
}

/** One of the managed objects that are declared. The only sink of the audit log can't be made anew. */
function chosen({ model, repo }: Life, which: number): readonly string[] {
  const managed = [...model.records.keys()].filter((text) => repo.documents.has(text) && !text.startsWith('AuditDevice/'));
  return managed.sort().filter((_, index) => index === which % managed.length);
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
  const configures = touched?.configures === true;
  const text = touched === null || touched.address === null ? '' : textOf(touched.address);
  const isPlanned = planned.plan.changes.some(({ address, from }) =>
    [address, from].some((one) => one !== null && addressText(one) === text),
  );
  if (!configures && !isPlanned) return life.apply(planned);

  const before = life.content();
  const error: unknown = await send(life.at, body).then(
    () => null,
    (reason: unknown) => reason,
  );
  const shows = shownText(known.get(text)) !== shownText(life.model.live.get(text));
  if (error === null && !configures && !shows) return life.applied(planned);
  expect(error).toMatchObject({ status: 409, message: expect.stringContaining('stale') });
  expect(life.content()).toEqual(before);
}

function shownText(object: Live | undefined): string {
  return JSON.stringify(object === undefined ? null : { ...object, versions: [...object.versions] });
}

/** A destroy takes everything that is managed, and nothing else. */
async function end(life: Life): Promise<void> {
  const { model } = life;
  const managed = [...model.records.values()];
  if (managed.some(({ address, protect }) => protect || address.kind === 'AuditDevice')) return;
  const plan = await life.planAs(life.repo.spelling, { mode: 'destroy' });
  const listed = plan.changes.map(({ action, address }) => `${action} ${addressText(address)}`);
  expect(listed.sort()).toEqual(managed.map(({ address }) => `delete ${textOf(address)}`).sort());
  if (plan.changes.length > 0) await send(life.at, await bodyOf(plan, life.value));
  const gone = new Set(managed.map(({ address }) => textOf(address)));
  for (const [text, { address }] of model.live) {
    const mount = mountOf(address);
    if (gone.has(text) || (mount !== null && gone.has(textOf(mount)))) model.live.delete(text);
  }
  await life.check();
}
