import { canonicalJson, type JsonObject } from '../../src/base/json.ts';
import { type Act, isApplyCall } from './act.ts';
import type { Answer } from './job.ts';
import type { Observed } from './observed.ts';
import type { Place } from './place.ts';
import { after, type Kv2, type Registers, visible } from './registers.ts';
import type { Script, Target } from './workload.ts';

/**
 * What became of a call. `landed` and `absent`: the process was killed before it answered, and the store shows that the
 * call was committed, or not. `either`: the store would show the same.
 */
type Outcome = 'done' | 'refused' | 'landed' | 'absent' | 'either';

export interface Settled {
  readonly act: Act;
  readonly outcome: Outcome;
  readonly answer: Answer | null;
}

/**
 * The oracle of one store: what was called and answered, and from that what the store must hold. Throws a Disagreement
 * where an answer or the store is not what it can be.
 */
export class History implements Target {
  readonly recipient: string;
  readonly rootToken: string;
  readonly limitedToken: string;
  readonly tokens = new Map<number, string>();
  readonly accessors = new Map<number, string>();
  #state: Registers;
  #revision: number;
  #lastId = 0;
  /** What the workers since the last check were given. */
  readonly #acts = new Map<number, Act>();
  readonly #open = new Map<number, Act>();
  #settled = new Map<number, Settled>();
  /** The newest version of the shared secret and its value. */
  #shared: { readonly version: number; readonly value: JsonObject } = { version: 1, value: { by: 0 } };
  readonly #sharedAnswers = new Map<number, number>();

  constructor(place: Place, revision: number) {
    this.recipient = place.recipient;
    this.rootToken = place.rootToken;
    this.limitedToken = place.limitedToken;
    this.#state = place.registers;
    this.#revision = revision;
  }

  get state(): Registers {
    return this.#state;
  }

  get knownShared(): number {
    return this.#shared.version;
  }

  nextId(): number {
    return ++this.#lastId;
  }

  begin(script: Script): void {
    for (const [id, act] of script.acts) this.#acts.set(id, act);
  }

  /** Takes one line of the worker. Returns the call that it answers; null: it answers none. */
  take(line: string): Settled | null {
    const [what, id, ...rest] = line.split(' ');
    if (what !== 'call' && what !== 'answer') return null;
    const act = this.#acts.get(Number(id));
    if (act === undefined) throw new Disagreement(`the worker speaks of a call that it was not given: ${line}`);
    if (what === 'answer') return this.#answered(act, JSON.parse(rest.join(' ')) as Answer);
    this.#open.set(act.call.id, act);
    return null;
  }

  #answered(act: Act, answer: Answer): Settled {
    const { id } = act.call;
    this.#open.delete(id);
    const done = answer.status !== null && answer.status < 300;
    const allowed = done
      ? act.expected !== 'refused'
      : act.expected === 'refused' || (act.expected === 'either' && answer.status === 409);
    if (!allowed || answer.status === null || answer.status >= 500)
      throw new Disagreement(`${nameOf(act)} was expected to be ${act.expected}: ${JSON.stringify(answer)}`);
    const settled: Settled = { act, answer, outcome: done ? 'done' : 'refused' };
    this.#settled.set(id, settled);
    if (!done) return settled;
    this.#commit(act, act.stages.length);
    if (answer.auth) {
      this.tokens.set(id, answer.auth.client_token);
      this.accessors.set(id, answer.auth.accessor);
    }
    const version = answer.data?.version;
    if (act.shared !== null) this.#sharedAnswers.set(Number(version), id);
    else if (version !== undefined) this.#checkVersion(act, Number(version));
    return settled;
  }

  #checkVersion(act: Act, version: number): void {
    const { call } = act;
    if (isApplyCall(call)) return;
    const secret = this.#state.get(`kv2/${call.path.replace('/data/', '/')}`) as unknown as Kv2;
    if (secret.current !== version) throw new Disagreement(`${nameOf(act)} made version ${version}, not ${secret.current}`);
  }

  #commit(act: Act, stages: number): void {
    for (const stage of act.stages.slice(0, stages)) this.#state = after(this.#state, stage(this.#state));
    if (act.configures && stages === act.stages.length) this.#revision++;
  }

  /** Finds out what became of the calls that have no answer, and checks that the store holds that and nothing else. */
  settle(observed: Observed): ReadonlyMap<number, Settled> {
    this.#settleShared(observed.shared);
    for (const act of this.#open.values()) {
      if (act.shared !== null) continue;
      const outcomes = this.#possible(act, observed.registers);
      const whole = outcomes.includes(act.stages.length);
      if (outcomes.length === 0)
        throw new Disagreement(`half of ${nameOf(act)} is in the store`, this.#differences(observed.registers));
      if (whole && outcomes.length > 1 && act.configures)
        throw new Error(`${nameOf(act)} changes nothing: a fault of the workload`);
      this.#commit(act, Math.max(...outcomes));
      const outcome = act.stages.length === 0 || !whole ? 'absent' : outcomes.length > 1 ? 'either' : 'landed';
      this.#settled.set(act.call.id, { act, answer: null, outcome });
    }
    this.#open.clear();
    this.#acts.clear();
    const differences = this.#differences(observed.registers);
    if (differences.length > 0) throw new Disagreement('the store does not hold what it should', differences);
    if (observed.revision !== this.#revision)
      throw new Disagreement(`the store is at revision ${observed.revision}, not ${this.#revision}`);
    for (const [id, accessor] of observed.accessors) this.accessors.set(id, accessor);
    const settled = this.#settled;
    this.#settled = new Map();
    return settled;
  }

  /** How many of the call's transactions can have been committed, so that the store looks as it does. */
  #possible(act: Act, observed: Registers): number[] {
    const states = [this.#state];
    const touched = new Set<string>();
    for (const stage of act.stages) {
      const state = states.at(-1) as Registers;
      const changes = stage(state);
      for (const name of changes.keys()) touched.add(name);
      states.push(after(state, changes));
    }
    const looks = (state: Registers) =>
      [...touched].every((name) => visible(name, state.get(name)) === visible(name, observed.get(name)));
    return states.flatMap((state, count) => (looks(state) ? [count] : []));
  }

  #differences(observed: Registers): string[] {
    return [...new Set([...this.#state.keys(), ...observed.keys()])].sort().flatMap((name) => {
      const [expected, found] = [visible(name, this.#state.get(name)), visible(name, observed.get(name))];
      return expected === found ? [] : [`${name}: expected ${expected}, found ${found}`];
    });
  }

  /** The versions of the shared secret are the order in which its writes were committed. */
  #settleShared(values: readonly JsonObject[]): void {
    for (const found of values) {
      const version = this.#shared.version + 1;
      const act = this.#acts.get(Number(found.by));
      if (act === undefined || act.shared === null || this.#settled.get(act.call.id)?.outcome === 'landed')
        throw new Disagreement(`version ${version} of the shared secret was written by nobody: ${JSON.stringify(found)}`);
      const { patch, value } = act.shared;
      const expected = patch ? { ...this.#shared.value, ...value } : value;
      if (canonicalJson(found) !== canonicalJson(expected))
        throw new Disagreement(
          `version ${version} of the shared secret is ${canonicalJson(found)}, not ${canonicalJson(expected)}`,
        );
      const answered = this.#sharedAnswers.get(version);
      const open = this.#open.delete(act.call.id);
      if (answered !== undefined ? answered !== act.call.id : !open)
        throw new Disagreement(
          `version ${version} of the shared secret is by ${act.call.id}, and was promised to ${answered ?? 'nobody'}`,
        );
      this.#sharedAnswers.delete(version);
      if (open) this.#settled.set(act.call.id, { act, answer: null, outcome: 'landed' });
      this.#shared = { version, value: found };
    }
    if (this.#sharedAnswers.size > 0)
      throw new Disagreement(
        `acknowledged versions of the shared secret are lost: ${[...this.#sharedAnswers.keys()].join(', ')}`,
      );
    for (const [id, act] of this.#open) if (act.shared !== null) this.#settled.set(id, { act, answer: null, outcome: 'absent' });
  }
}

/** The store, an answer or the audit log is not what it can be. */
export class Disagreement extends Error {
  constructor(message: string, details: readonly string[] = []) {
    super([message, ...details].join('\n  '));
    this.name = 'Disagreement';
  }
}

export function nameOf({ call, expected }: Act): string {
  if (isApplyCall(call)) return `call ${call.id} (apply of ${call.apply.project}, ${expected})`;
  return `call ${call.id} (${call.operation} ${call.path})`;
}
