import type { JsonObject } from '../../src/base/json.ts';
import { isApplyCall, plainAct, sets, type Act } from './act.ts';
import { type Applier, applyAct, type ApplySort, refusedSorts } from './applies.ts';
import type { Made, Step } from './job.ts';
import { after, currentValue, type Kv2, type Registers, withVersions, written } from './registers.ts';
import type { Seeded } from './seeded.ts';

/** The id under which the registers know the limited token, which no workload ends. */
export const limitedTokenId = 0;

/** The store that a workload is made for, as it is known before. */
export interface Target extends Omit<Applier, 'project'> {
  readonly state: Registers;
  /** Tokens (by the call that made them) that can be used, and the accessors of these and others. */
  readonly tokens: ReadonlyMap<number, string>;
  readonly accessors: ReadonlyMap<number, string>;
  nextId(): number;
}

export interface Script {
  readonly lanes: readonly (readonly Step[])[];
  readonly acts: ReadonlyMap<number, Act>;
}

/**
 * Makes scripts of calls that are right for the state they will find, should each of them succeed. No two lanes touch
 * the same object, except for the one secret that all of them write to.
 */
export class Workload {
  readonly #target: Target;
  readonly #seeded: Seeded;
  readonly #acts = new Map<number, Act>();
  #state: Registers;

  constructor(target: Target, seeded: Seeded) {
    this.#target = target;
    this.#seeded = seeded;
    this.#state = target.state;
  }

  /** Everything once and always in the same order, so that commits and audit writes can be counted. */
  async fixed(): Promise<Script> {
    const lane: Step[] = [
      this.#secretPut('one'),
      this.#secretPatch('one'),
      this.#plainPut('one'),
      this.#sharedWrite(0),
      await this.#apply('red', 'put'),
      this.#policyPut('fixed'),
      this.#policyDelete('fixed'),
      await this.#apply('red', 'syntax'),
      this.#secretDelete('one'),
      this.#plainDelete('one'),
      ...this.#tokenFamily(),
      ...this.#mountAndLeave(),
      await this.#apply('red', 'swap'),
      await this.#apply('red', 'malformed'),
      await this.#apply('red', 'drop'),
    ];
    return { lanes: [lane], acts: this.#acts };
  }

  /** Several lanes of `length` calls or a few more, chosen by the seed. */
  async mixed(length: number): Promise<Script> {
    const lane = (step: () => Step | readonly Step[]): Step[] => {
      const steps: Step[] = [];
      while (steps.length < length) steps.push(...[step()].flat());
      return steps;
    };
    const lanes = [
      lane(() => this.#secretStep('a')),
      lane(() => (this.#seeded.oneIn(2) ? this.#sharedWrite(1) : this.#secretStep('b'))),
      lane(() => (this.#seeded.oneIn(2) ? this.#sharedWrite(2) : this.#plainStep('c'))),
      lane(() => this.#tokenStep()),
      await this.#applyLane(length / 3),
      // Not always, since each change of the configuration makes the plan of an apply beside it stale.
      ...(this.#seeded.oneIn(3) ? [lane(() => this.#configStep())] : []),
    ];
    return { lanes, acts: this.#acts };
  }

  #do(act: Act): Step {
    this.#acts.set(act.call.id, act);
    for (const stage of act.stages) this.#state = after(this.#state, stage(this.#state));
    return isApplyCall(act.call) ? { applies: [act.call] } : act.call;
  }

  get #root() {
    return { id: this.#target.nextId(), token: this.#target.rootToken };
  }

  #versioned(key: string): Kv2 | null {
    return (this.#state.get(`kv2/kv/${key}`) ?? null) as unknown as Kv2 | null;
  }

  #secretStep(key: string): Step {
    const secret = this.#versioned(key);
    if (secret === null) return this.#secretPut(key);
    const numbers = Object.keys(secret.versions).map(Number);
    const live = currentValue(secret) !== null;
    switch (this.#seeded.below(10)) {
      case 0:
        return this.#secretDelete(key);
      case 1:
        return this.#secretVersions(key, 'undelete', [this.#seeded.pick(numbers)]);
      case 2:
        return this.#secretVersions(key, 'destroy', this.#seeded.sample(numbers, 2));
      case 3:
        return this.#secretRemove(key);
      case 4:
      case 5:
      case 6:
        return live ? this.#secretPatch(key) : this.#secretPut(key);
      default:
        return this.#secretPut(key);
    }
  }

  #secretPut(key: string): Step {
    const call = this.#root;
    const value = { text: `secret of ${call.id}` };
    const cas = this.#versioned(key)?.current ?? 0;
    return this.#do(
      plainAct(
        { ...call, operation: 'write', path: `kv/data/${key}`, data: { data: value, options: { cas } } },
        this.#secretBecomes(key, (secret) => written(secret, value)),
      ),
    );
  }

  #secretPatch(key: string): Step {
    const call = this.#root;
    const patch = { [`patch${this.#seeded.below(3)}`]: `secret of ${call.id}` };
    return this.#do(
      plainAct(
        { ...call, operation: 'patch', path: `kv/data/${key}`, data: { data: patch } },
        this.#secretBecomes(key, (secret) => written(secret, { ...currentValue(secret), ...patch })),
      ),
    );
  }

  #secretDelete(key: string): Step {
    return this.#do(
      plainAct(
        { ...this.#root, operation: 'delete', path: `kv/data/${key}`, data: {} },
        this.#secretBecomes(key, (secret) =>
          withVersions(secret, [secret.current], (version) => (version.value === null ? version : { ...version, deleted: true })),
        ),
      ),
    );
  }

  #secretVersions(key: string, what: 'undelete' | 'destroy', numbers: readonly number[]): Step {
    return this.#do(
      plainAct(
        { ...this.#root, operation: 'write', path: `kv/${what}/${key}`, data: { versions: numbers } },
        this.#secretBecomes(key, (secret) =>
          withVersions(secret, numbers, (version) =>
            what === 'destroy' ? { ...version, value: null } : { ...version, deleted: false },
          ),
        ),
      ),
    );
  }

  #secretRemove(key: string): Step {
    return this.#do(
      plainAct({ ...this.#root, operation: 'delete', path: `kv/metadata/${key}`, data: {} }, sets(`kv2/kv/${key}`, null)),
    );
  }

  #secretBecomes(key: string, change: (secret: Kv2) => Kv2) {
    const name = `kv2/kv/${key}`;
    const none: Kv2 = { current: 0, versions: {} };
    return (state: Registers) => new Map([[name, change((state.get(name) ?? none) as unknown as Kv2) as unknown as JsonObject]]);
  }

  /** All lanes write to this one: writes that meet are put in an order by the numbers of its versions. */
  #sharedWrite(lane: number): Step {
    const call = this.#root;
    const patch = this.#seeded.oneIn(2);
    const value = { by: call.id, [`lane${lane}`]: `secret of ${call.id}` };
    const shared = { patch, value };
    return this.#do(
      plainAct(
        { ...call, operation: patch ? 'patch' : 'write', path: 'kv/data/shared', data: { data: value } },
        () => new Map(),
        { shared },
      ),
    );
  }

  #plainStep(key: string): Step {
    if (this.#state.has(`kv1/plain/${key}`) && this.#seeded.oneIn(3)) return this.#plainDelete(key);
    return this.#plainPut(key);
  }

  #plainPut(key: string): Step {
    const call = this.#root;
    // The note is a field of the secret: KV 1 has no room for it elsewhere.
    const value = { text: `secret of ${call.id}`, note: `note-of-${call.id}` };
    return this.#do(
      plainAct({ ...call, operation: 'write', path: `plain/${key}`, data: value }, sets(`kv1/plain/${key}`, value)),
    );
  }

  #plainDelete(key: string): Step {
    return this.#do(
      plainAct({ ...this.#root, operation: 'delete', path: `plain/${key}`, data: {} }, sets(`kv1/plain/${key}`, null)),
    );
  }

  #policyPut(name: string): Step {
    const call = this.#root;
    const text = `# ${call.id}\npath "kv/data/*" { capabilities = ["read"] }`;
    return this.#do(
      plainAct(
        { ...call, operation: 'write', path: `sys/policies/acl/${name}`, data: { policy: text } },
        sets(`policy/${name}`, text),
        {
          configures: true,
        },
      ),
    );
  }

  #policyDelete(name: string): Step {
    return this.#do(
      plainAct({ ...this.#root, operation: 'delete', path: `sys/policies/acl/${name}`, data: {} }, sets(`policy/${name}`, null), {
        configures: true,
      }),
    );
  }

  /** Of mounts that an earlier process left, one is taken away; else a new one comes and goes. */
  #configStep(): Step | readonly Step[] {
    const left = [...this.#state.keys()].find((name) => name.startsWith('mount/tmp-'));
    if (left !== undefined) return this.#unmount(left.slice('mount/'.length));
    if (this.#seeded.oneIn(3)) return this.#mountAndLeave();
    const name = `by-hand-${this.#seeded.below(3)}`;
    return this.#state.has(`policy/${name}`) && this.#seeded.oneIn(2) ? this.#policyDelete(name) : this.#policyPut(name);
  }

  #mountAndLeave(): readonly Step[] {
    const call = this.#root;
    const path = `tmp-${call.id}`;
    const description = `made by ${call.id}`;
    const mounted = this.#do(
      plainAct(
        { ...call, operation: 'write', path: `sys/mounts/${path}`, data: { type: 'kv', description, options: { version: '1' } } },
        sets(`mount/${path}`, { version: '1', description }),
        { configures: true },
      ),
    );
    const inside = this.#root;
    const value = { text: `secret of ${inside.id}`, note: `note-of-${inside.id}` };
    const filled = this.#do(
      plainAct({ ...inside, operation: 'write', path: `${path}/in`, data: value }, sets(`kv1/${path}/in`, value)),
    );
    return [mounted, filled, this.#unmount(path)];
  }

  #unmount(path: string): Step {
    return this.#do(
      plainAct(
        { ...this.#root, operation: 'delete', path: `sys/mounts/${path}`, data: {} },
        (state) => new Map([`mount/${path}`, `kv1/${path}/in`].filter((name) => state.has(name)).map((name) => [name, null])),
        { configures: true },
      ),
    );
  }

  #tokenStep(): Step {
    const live = this.#liveTokens();
    const usable = live.filter((id) => this.#target.tokens.has(id) || this.#acts.has(id));
    const usesLeft = (id: number) => Number((this.#state.get(`token/${id}`) as JsonObject).uses);
    const limited = usable.filter((id) => usesLeft(id) > 1);
    const parents = usable.filter((id) => usesLeft(id) === 0);
    if (live.length > 6 || (live.length > 1 && this.#seeded.oneIn(4))) return this.#tokenRevoke(this.#seeded.pick(live));
    if (limited.length > 0 && this.#seeded.oneIn(2)) return this.#limitedUse(this.#seeded.pick(limited));
    const parent = parents.length > 0 && this.#seeded.oneIn(2) ? this.#seeded.pick(parents) : null;
    return this.#tokenMake(parent, this.#seeded.oneIn(2) ? 100 : 0);
  }

  #liveTokens(): number[] {
    const ids = [...this.#state.keys()].filter((name) => name.startsWith('token/')).map((name) => Number(name.split('/')[1]));
    return ids.filter((id) => id !== limitedTokenId);
  }

  /** A token, by its text where that is known, or as one that the worker will have made. */
  #text(id: number): string | Made {
    return this.#target.tokens.get(id) ?? { $token: id };
  }

  #tokenMake(parent: number | null, uses: number, id = this.#target.nextId()): Step {
    const call = { id, token: parent === null ? this.#target.rootToken : this.#text(parent) };
    const data = { meta: { call: String(call.id) }, ttl: '24h', ...(uses === 0 ? {} : { num_uses: uses }) };
    return this.#do(
      plainAct({ ...call, operation: 'write', path: 'auth/token/create', data }, sets(`token/${call.id}`, { uses, parent })),
    );
  }

  /** Ends a token with all that descends from it. */
  #tokenRevoke(id: number): Step {
    const known = this.#target.accessors.get(id) ?? { $accessor: id };
    const byText = (this.#target.tokens.has(id) || this.#acts.has(id)) && this.#seeded.oneIn(2);
    const data: JsonObject = byText ? { token: this.#text(id) } : { accessor: known };
    return this.#do(
      plainAct(
        { ...this.#root, operation: 'write', path: byText ? 'auth/token/revoke' : 'auth/token/revoke-accessor', data },
        (state) => new Map(family(state, id).map((member) => [`token/${member}`, null])),
      ),
    );
  }

  /** The use is taken before the work and apart from it. */
  #limitedUse(id: number): Step {
    const call = { ...this.#root, token: this.#text(id) };
    const value = { text: `secret of ${call.id}`, note: `note-of-${call.id}` };
    const token = `token/${id}`;
    const take = (state: Registers) => {
      const { uses, parent } = state.get(token) as { uses: number; parent: number | null };
      return new Map([[token, { uses: uses - 1, parent }]]);
    };
    const act = plainAct({ ...call, operation: 'write', path: 'plain/limited', data: value }, sets('kv1/plain/limited', value));
    return this.#do({ ...act, stages: [take, ...act.stages] });
  }

  /** A token and its child, a use of a limited one, and the end of each of them. */
  #tokenFamily(): readonly Step[] {
    const [parent, child, limited] = [0, 0, 0].map(() => this.#target.nextId()) as [number, number, number];
    return [
      this.#tokenMake(null, 0, parent),
      this.#tokenMake(parent, 0, child),
      this.#tokenMake(null, 100, limited),
      this.#limitedUse(limited),
      this.#tokenRevoke(parent),
      this.#tokenRevoke(limited),
    ];
  }

  async #apply(project: string, sort: ApplySort): Promise<Step> {
    return this.#do(await applyAct(this.#target.nextId(), { ...this.#target, project }, sort));
  }

  async #applyLane(length: number): Promise<Step[]> {
    const steps: Step[] = [];
    while (steps.length < length) {
      const sort = this.#seeded.pick<ApplySort>(['put', 'put', 'put', 'swap', 'drop', this.#seeded.pick(refusedSorts)]);
      if (this.#seeded.oneIn(3)) steps.push(await this.#appliesAtOnce(sort));
      else steps.push(await this.#apply(this.#seeded.pick(['red', 'blue']), sort));
    }
    return steps;
  }

  /** The second follows the first before anybody was told that it succeeded. */
  async #appliesAtOnce(sort: ApplySort): Promise<Step> {
    const first = await applyAct(this.#target.nextId(), { ...this.#target, project: 'red' }, sort);
    const second = await applyAct(this.#target.nextId(), { ...this.#target, project: 'blue' }, 'put', 1);
    for (const act of [first, second]) this.#do(act);
    return { applies: [first, second].map(({ call }) => call).filter(isApplyCall) };
  }
}

function family(state: Registers, id: number): number[] {
  const children = [...state].filter(([name, value]) => name.startsWith('token/') && (value as JsonObject).parent === id);
  return [id, ...children.flatMap(([name]) => family(state, Number(name.slice('token/'.length))))];
}
