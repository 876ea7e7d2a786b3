import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import type { Random } from '../../src/base/random.ts';
import type { PlanOptions } from '../../src/plan/make-plan.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { world, type World } from '../world.ts';
import { byHand, type HandChange, type Touched } from './by-hand.ts';
import { compare } from './comparison.ts';
import { emptyRepo, type Repo, textOf } from './declared.ts';
import { contentsOf, currentOf, emptyModel, isMount, type Live, type Model, mountOf, put } from './model.ts';
import { afterApply, type Expected, generated, Oracle, type Outcome } from './oracle.ts';
import { bodyOf, type LocalValue, planFor, send } from './project.ts';
import { listedAddresses, pathOf, secretOf, whatIsThere, whatShouldBeThere } from './store-api.ts';
import { filesOf } from './yaml.ts';

export interface Planned {
  readonly plan: Plan;
  readonly expected: Expected;
}

/** One life of a store: what it holds, what the documents say, and what the model says of both. */
export class Life {
  readonly at: World;
  model: Model = emptyModel();
  repo: Repo = emptyRepo;
  readonly #generated = new Set<string>();
  readonly #environment = new Map<string, string>();

  private constructor(at: World) {
    this.at = at;
    const address = { kind: 'AuditDevice', mount: null, name: 'memory' } as const;
    put(this.model, { address, type: 'AuditDevice', values: { description: '' }, versions: new Map(), current: 0 });
  }

  static async begin(spelling: number): Promise<Life> {
    const life = new Life(await world({ random: repeatable() }));
    life.repo = { ...emptyRepo, spelling };
    return life;
  }

  /** What variables and files of whoever applies hold. */
  readonly value: LocalValue = ({ fromEnv = '', fromFile = '' }) =>
    this.#environment.get(fromEnv + fromFile) ?? `value of ${fromEnv}${fromFile}`;

  /** They hold something else from now on; nobody asks for it until a version rises. */
  changeEnvironment(how: number): void {
    this.#environment.set(`SECRET_${how % 2}`, `later value ${how}`);
    this.#environment.set(`files/${how % 2}.txt`, `later text\n${how}`);
  }

  async byHand(change: HandChange): Promise<Touched | null> {
    return byHand({ world: this.at, model: this.model, repo: this.repo }, change);
  }

  /** A plan that says what it must. */
  async plan(replace: readonly string[] = []): Promise<Planned> {
    const plan = await this.planAs(this.repo.spelling, { replace });
    const options = { now: this.at.clock.time, resolve: this.value, replace };
    const expected = new Oracle(this.repo, this.model, options).expected();
    compare(plan, expected);
    return { plan, expected };
  }

  /** The plan of the same documents, written down in some way. */
  async planAs(spelling: number, options: Partial<PlanOptions> = {}): Promise<Plan> {
    return planFor(this.at, await filesOf({ ...this.repo, spelling }, this.at.recipient), options);
  }

  /** Clears what stands in the way of a plan: adopts, and takes by hand what could not be adopted or is protected. */
  async clear({ problems }: Expected): Promise<void> {
    for (const problem of problems) {
      const code = problem.slice(0, problem.indexOf(' '));
      const text = problem.slice(code.length + 1);
      const declared = this.repo.documents.get(text);
      const { repo } = this;
      if (code === 'unowned' && declared !== undefined) this.repo = { ...repo, imports: [...repo.imports, declared.address] };
      else if (code === 'import-missing') this.repo = { ...repo, imports: repo.imports.filter((to) => textOf(to) !== text) };
      else if (code === 'mount-in-use') {
        const outside = repo.forgets.filter((address) => textOf(mountOf(address) ?? address) !== text);
        this.repo = { ...repo, forgets: outside };
      } else await this.#takeAway(text);
    }
  }

  async #takeAway(text: string): Promise<void> {
    const live = this.model.live.get(text);
    if (live === undefined) return;
    await this.at.delete(pathOf(live.address, live.type));
    const inside = isMount(live.address) ? contentsOf(this.model, live.address) : [];
    for (const { address } of [live, ...inside]) this.model.live.delete(textOf(address));
  }

  /** Applies a plan, once. */
  async apply(planned: Planned): Promise<void> {
    const body = await bodyOf(planned.plan, this.value);
    await send(this.at, body);
    await this.applied(planned);
    await expect(send(this.at, body)).rejects.toMatchObject({ status: 409 });
  }

  /** A plan was applied. */
  async applied({ expected }: Planned): Promise<void> {
    this.model = afterApply(this.model, expected);
    for (const outcome of expected.changes.values()) if (outcome.live !== null) await this.#readGenerated(outcome, outcome.live);
  }

  /** A generated value that was written is one that never was before. */
  async #readGenerated({ address, written, action }: Outcome, live: Live): Promise<void> {
    const version = currentOf(live);
    if (version === null || action === 'forget') return;
    const found = (await secretOf(this.at, live)) as Record<string, Json> | null;
    const data = Object.entries(version.data).map(([field, value]): [string, Json] => {
      if (value !== generated || !written.has(field)) return [field, value];
      const made = String(found?.[field]);
      expect(made.length, `${textOf(address)} ${field}`).toBeGreaterThanOrEqual(8);
      expect(this.#generated).not.toContain(made);
      this.#generated.add(made);
      return [field, made];
    });
    const versions = new Map(live.versions).set(live.current, { ...version, data: Object.fromEntries(data) });
    put(this.model, { ...live, versions });
  }

  /** The store holds what the model says, and nothing else. */
  async check(): Promise<void> {
    expect(await whatIsThere(this.at, this.model)).toEqual(whatShouldBeThere(this.model, this.at.clock.time));
    expect(await listedAddresses(this.at)).toEqual([...this.model.live.keys()].sort());
  }

  /** Every record of the store and its version: equal where nothing was written. */
  content(): readonly string[] {
    return [...this.at.medium.entries].map(([key, { version }]) => `${key} ${version}`).sort();
  }
}

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
