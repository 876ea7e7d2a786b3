import { readFileSync } from 'node:fs';
import type { Head } from '../../src/audit/chain.ts';
import { verifyLogFile } from '../../src/audit/verify.ts';
import { isJsonObject } from '../../src/base/json.ts';
import { isApplyCall } from './act.ts';
import { compareAudit } from './audit-agreement.ts';
import { Disagreement, History, type Settled } from './history.ts';
import type { Counts, Death } from './job.ts';
import { observe, works } from './observed.ts';
import { type Inside, lookInside, makePlace, type Place, removePlace, type Send, sender, within } from './place.ts';
import { seed, Seeded } from './seeded.ts';
import { Worker } from './worker.ts';
import { type Script, Workload } from './workload.ts';

/** What happens to a worker. */
export interface Fate {
  /** The calls that it makes: see Workload. `none`: it opens the store and closes it. */
  readonly script: 'fixed' | 'mixed' | 'none';
  /** Where it kills itself; null: nowhere. */
  readonly death: Death | null;
  /** The test kills it after it has printed so many lines, and then so many microseconds; null: not. */
  readonly kill: { readonly lines: number; readonly microseconds: number } | null;
}

export interface Run {
  readonly ended: number | NodeJS.Signals;
  /** Of a run that lived to its end. */
  readonly counts: Counts | null;
  /** After each apply that succeeded. */
  readonly applies: readonly Counts[];
}

/** What a trial has seen, so that a test can tell that it was not idle. */
export interface Tally {
  kills: number;
  acknowledged: number;
  unknown: number;
  landed: number;
  applies: number;
  recovered: number;
}

/** One store that workers work on and die on, and what it must hold after each. */
export class Trial {
  readonly tally: Tally = { kills: 0, acknowledged: 0, unknown: 0, landed: 0, applies: 0, recovered: 0 };
  readonly #place: Place;
  readonly #history: History;
  readonly #seeded: Seeded;
  #next = new Worker();
  #auditBytes = 0;
  #anchor: Head | null = null;
  readonly #fates: Fate[] = [];

  private constructor(place: Place, history: History, seeded: Seeded) {
    this.#place = place;
    this.#history = history;
    this.#seeded = seeded;
  }

  private static async start(seed: number): Promise<Trial> {
    const place = await makePlace();
    const { revision } = await within(place, (store) => observe(sender(store, place.rootToken), 0));
    const trial = new Trial(place, new History(place, revision), new Seeded(seed));
    trial.#auditBytes = readFileSync(place.auditFile).byteLength;
    return trial;
  }

  /**
   * Runs `work` on the store of a number, from which its calls are drawn. Afterwards the store is removed; or kept where
   * `work` failed, and the failure says where it is and how to repeat it.
   */
  static async with(store: number, work: (trial: Trial) => Promise<void>): Promise<Tally> {
    const trial = await Trial.start(seed + store);
    try {
      await work(trial);
      removePlace(trial.#place);
      return trial.tally;
    } catch (error) {
      const fates = trial.#fates.slice(-3).map((fate) => JSON.stringify(fate));
      const where = `SECRETCTL_SEED=${seed}, store ${store}, round ${trial.#fates.length} (the last: ${fates.join(', ')}); kept in ${trial.#place.root}`;
      throw new Error(`${(error as Error).message}\n${where}`, { cause: error });
    } finally {
      trial.#next.kill();
    }
  }

  /** A worker's life and death, and then the check. */
  async round(fate: Fate): Promise<Run> {
    const run = await this.live(fate);
    await this.check();
    return run;
  }

  /** A worker's life and death; nobody looks at the store yet. */
  async live(fate: Fate): Promise<Run> {
    this.#fates.push(fate);
    const worker = this.#next;
    const script = await this.#script(fate.script);
    this.#history.begin(script);
    const { directory, configDirectory } = this.#place;
    let lines = 0;
    let counts: Counts | null = null;
    const applies: Counts[] = [];
    const dieSoon = () => {
      if (fate.kill === null || lines !== fate.kill.lines) return;
      spin(fate.kill.microseconds);
      worker.kill();
    };
    const run = worker.run({ directory, configDirectory, lanes: script.lanes, death: fate.death }, (line) => {
      lines++;
      const settled = this.#history.take(line);
      if (settled?.outcome === 'done' && isApplyCall(settled.act.call) && settled.answer) applies.push(settled.answer.counts);
      if (line.startsWith('end ')) counts = JSON.parse(line.slice('end '.length)) as Counts;
      dieSoon();
    });
    dieSoon();
    const ended = await run;
    this.#next = new Worker();
    if (ended !== 'SIGKILL' && ended !== 0) throw new Disagreement(`the worker ended with ${ended}: ${worker.errors}`);
    if (ended === 'SIGKILL') this.tally.kills++;
    return { ended, counts, applies };
  }

  /** Starts on the store as the next command would, and compares everything. */
  async check(): Promise<void> {
    const { rootToken, auditFile } = this.#place;
    await this.#checkUnopened();
    const { settled, mountIds } = await within(this.#place, async (store) => {
      const send = sender(store, rootToken);
      const observed = await observe(send, this.#history.knownShared);
      const outcomes = this.#history.settle(observed);
      await this.#checkTokens(send);
      return { settled: outcomes, mountIds: observed.mountIds };
    });
    const inside = await lookInside(this.#place);
    checkMounts(inside, mountIds);
    await this.#checkLog(inside.anchor);
    const bytes = readFileSync(auditFile);
    const { problems, recovered } = compareAudit(bytes.subarray(this.#auditBytes).toString(), settled, inside.auditKey);
    if (problems.length > 0) throw new Disagreement('the audit log does not agree with the store', problems);
    this.#auditBytes = bytes.byteLength;
    this.#count(settled, recovered);
  }

  /** Before anybody repairs it, the log may have a torn end and nothing else. */
  async #checkUnopened(): Promise<void> {
    const { storeId, auditFile } = this.#place;
    const { outcome, message } = await verifyLogFile(auditFile, { storeId, anchor: this.#anchor });
    if (outcome !== 'ok' && !(outcome === 'corrupt' && message.includes('is cut off')))
      throw new Disagreement(`the audit log is ${outcome} after the kill: ${message}`);
  }

  async #checkTokens(send: Send): Promise<void> {
    for (const [id, token] of this.#history.tokens) {
      const known = this.#history.state.get(`token/${id}`);
      const alive = known !== undefined;
      // A look would take a use.
      if (isJsonObject(known) && known.uses !== 0) continue;
      if ((await works(send, token)) !== alive)
        throw new Disagreement(`the token of call ${id} ${alive ? 'does not work' : 'works though it was revoked'}`);
      if (!alive) this.#history.tokens.delete(id);
    }
  }

  async #checkLog(anchor: Head | null): Promise<void> {
    const { storeId, auditFile } = this.#place;
    this.#anchor = anchor;
    const { outcome, message, head } = await verifyLogFile(auditFile, { storeId, anchor });
    if (outcome !== 'ok') throw new Disagreement(`the audit log is ${outcome}: ${message}`);
    if (anchor === null || head?.seq !== anchor.seq) throw new Disagreement('the store does not remember the end of its log');
  }

  #count(settled: ReadonlyMap<number, Settled>, recovered: number): void {
    this.tally.recovered += recovered;
    for (const { act, outcome, answer } of settled.values()) {
      if (answer === null) this.tally.unknown++;
      else this.tally.acknowledged++;
      if (outcome === 'landed') this.tally.landed++;
      if (isApplyCall(act.call) && (outcome === 'done' || outcome === 'landed')) this.tally.applies++;
    }
  }

  async #script(sort: Fate['script']): Promise<Script> {
    if (sort === 'none') return { lanes: [], acts: new Map() };
    const workload = new Workload(this.#history, this.#seeded);
    return await (sort === 'fixed' ? workload.fixed() : workload.mixed(16));
  }
}

/** Exactly the mounts that there are have a data key, and nobody else's records are left. */
function checkMounts({ mountsWithKey, mountsWithRecords, shredded }: Inside, mountIds: readonly string[]): void {
  const strangers = mountsWithRecords.filter((id) => !mountIds.includes(id));
  if (mountsWithKey.toSorted().join() !== mountIds.toSorted().join() || strangers.length > 0 || shredded.length > 0) {
    throw new Disagreement('the keys and records of mounts are not those of the mounts that there are', [
      `mounts: ${mountIds.join(', ')}`,
      `with a key: ${mountsWithKey.join(', ')}`,
      `records of others: ${strangers.join(', ')}; to be cleaned up: ${shredded.join(', ')}`,
    ]);
  }
}

/** Waits without giving the turn away, so that nothing is read or done in between. */
function spin(microseconds: number): void {
  const end = process.hrtime.bigint() + BigInt(microseconds) * 1000n;
  while (process.hrtime.bigint() < end);
}
