import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import type { Timer } from '../base/timer.ts';
import type { Attempted, Controller, ControllerStatus, ReconcilerPort, Step, Trouble } from '../core/controller.ts';
import { asRequestError } from '../core/corridor.ts';
import { Lane, lookOf, pageLimit } from './lane.ts';
import { Turns } from './turns.ts';

export interface ReconcilerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly timer: Timer;
  readonly controllers: readonly Controller[];
  /** How many steps of all controllers may run at once; 8 unless told. */
  readonly concurrency?: number;
  /** How long a step may take before its signal aborts, in milliseconds; a minute unless told. */
  readonly stepTimeout?: number;
  /** Told when the work on something begins to fail, and (`error` null) when it works again; `error` holds no secret. */
  readonly onTrouble?: (controller: string, of: string, error: string | null) => void;
}

interface Attempt {
  readonly lane: Lane;
  readonly key: string;
  ended(attempted: Attempted): void;
}

/**
 * Runs the controllers. It keeps nothing that matters: whatever it was about to do is found again by the next look at
 * the indexes in the store, by this process or by the next one. It works under the epoch of the store that its
 * controllers write to: when another process owns that (`store-fenced`), or when it is sealed, it stops for good.
 */
export class Reconciler implements ReconcilerPort {
  readonly #options: ReconcilerOptions;
  readonly #lanes: readonly Lane[];
  readonly #turns = new Turns<Lane>();
  readonly #concurrency: number;
  #state: 'idle' | 'running' | 'stopped' = 'idle';
  #reason: string | null = null;
  #ending = new AbortController();
  /** Steps and looks under way. */
  readonly #underWay = new Set<Promise<void>>();
  /** Who waits until a key was tried. */
  readonly #attempts = new Set<Attempt>();
  #cancelTimer: () => void = () => undefined;
  /** Who waits until there is nothing to do. */
  #waiting: (() => void)[] = [];

  constructor(options: ReconcilerOptions) {
    const names = options.controllers.map(({ name }) => name);
    if (new Set(names).size !== names.length) throw new TypeError('two controllers have one name');
    this.#options = options;
    this.#concurrency = options.concurrency ?? 8;
    this.#lanes = options.controllers.map((controller) => new Lane(controller, options.random));
  }

  get state(): 'idle' | 'running' | 'stopped' {
    return this.#state;
  }

  get reason(): string | null {
    return this.#reason;
  }

  status(): readonly ControllerStatus[] {
    const now = this.#state === 'running' ? this.#options.clock.now() : null;
    return this.#lanes.map((lane) => lane.status(now));
  }

  /** Begins, or goes on after `stop`. Without effect where a fault has stopped it for good. */
  start(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'running';
    this.#ending = new AbortController();
    for (const lane of this.#lanes) lane.wake(this.#options.clock.now());
    this.#pump();
  }

  wake(name: string, key?: string): boolean {
    const lane = this.#lanes.find(({ controller }) => controller.name === name);
    if (lane === undefined || this.#state !== 'running') return false;
    const now = this.#options.clock.now();
    if (key !== undefined) lane.queue.urge(key, now);
    lane.wake(now);
    this.#pump();
    return true;
  }

  retry(name: string): boolean {
    this.#lanes.find(({ controller }) => controller.name === name)?.urgeTroubles(this.#options.clock.now());
    return this.wake(name);
  }

  expect(name: string, at: number): void {
    const lane = this.#lanes.find(({ controller }) => controller.name === name);
    if (lane?.expect(at) === true && this.#state === 'running') this.#setTimer(this.#options.clock.now());
  }

  async attempt(name: string, key: string, signal: AbortSignal): Promise<Attempted | null> {
    const lane = this.#lanes.find(({ controller }) => controller.name === name);
    if (lane === undefined || this.#state !== 'running' || signal.aborted) return null;
    return new Promise((resolve) => {
      const attempt: Attempt = { lane, key, ended: resolve };
      signal.addEventListener(
        'abort',
        () => {
          this.#attempts.delete(attempt);
          resolve(null);
        },
        { once: true },
      );
      this.#attempts.add(attempt);
      this.wake(name, key);
    });
  }

  /**
   * Begins nothing more, tells what is under way to end, and resolves when it has: true; or false, after `grace`
   * milliseconds. What then still runs may fail: it is found again at the next start.
   */
  async stop(grace: number): Promise<boolean> {
    if (this.#state === 'running') this.#state = 'idle';
    this.#cancelTimer();
    this.#ending.abort();
    return this.#within(grace, async () => {
      while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    });
  }

  /**
   * Works until there is nothing left that could be done now: true; or false, after `grace` milliseconds, or where
   * something failed. For commands that run beside no server.
   */
  async settle(grace: number): Promise<boolean> {
    const failures = this.#failures();
    this.start();
    if (this.#state !== 'running') return false;
    const settled = await this.#within(grace, () => {
      const idle = new Promise<void>((resolve) => this.#waiting.push(resolve));
      this.#pump();
      return idle;
    });
    await this.stop(grace);
    return settled && this.#failures() === failures;
  }

  /** Begins all that may begin now, and sets the timer for what may begin later. */
  #pump(): void {
    if (this.#state !== 'running') return;
    const now = this.#options.clock.now();
    for (const lane of this.#lanes) if (lane.mayLook(now)) this.#track(this.#look(lane, now));
    while (this.#running() < this.#concurrency) {
      const lane = this.#turns.next(this.#lanes.filter((each) => each.mayStep(now)));
      const key = lane?.queue.take(now) ?? null;
      if (lane === null || key === null) break;
      this.#track(this.#step(lane, key));
    }
    if (this.#lanes.every((lane) => lane.isIdle(now))) for (const resolve of this.#waiting.splice(0)) resolve();
    this.#setTimer(now);
  }

  #setTimer(now: number): void {
    this.#cancelTimer();
    const full = this.#running() >= this.#concurrency;
    // Where all places are taken, the end of a step goes on with the rest.
    const next = full ? null : this.#lanes.reduce((least, lane) => Math.min(least, lane.nextRun(now) ?? Infinity), Infinity);
    if (next === null || next === Infinity) return;
    this.#cancelTimer = this.#options.timer.after(Math.max(0, next - now), () => this.#pump());
  }

  async #look(lane: Lane, now: number): Promise<void> {
    lane.beginLook();
    try {
      const { keys, after, next } = await lane.controller.due(now, { after: lane.after, limit: pageLimit });
      const then = this.#options.clock.now();
      for (const key of keys) lane.queue.add(key, then);
      this.#tellEnd(lane, lane.looked(then, after, next));
    } catch (error) {
      const text = this.#shown(error);
      if (lane.lookFailed(this.#options.clock.now(), text)) this.#tell(lane, lookOf, text);
    }
  }

  async #step(lane: Lane, key: string): Promise<void> {
    const late = new AbortController();
    const cancel = this.#options.timer.after(this.#options.stepTimeout ?? 60_000, () => late.abort());
    // Who asks while it runs waits for the next step.
    const asked = [...this.#attempts].filter((attempt) => attempt.lane === lane && attempt.key === key);
    for (const attempt of asked) this.#attempts.delete(attempt);
    let step: Step | null = null;
    let problem: string | null = null;
    try {
      step = await lane.controller.reconcile(key, AbortSignal.any([this.#ending.signal, late.signal]));
      problem = step.problem ?? null;
    } catch (error) {
      problem = this.#shown(error);
    }
    cancel();
    const of = problem === null || lane.isInTrouble(key) ? key : await this.#described(lane, key);
    const now = this.#options.clock.now();
    if (problem !== null) {
      if (lane.failed(key, now, problem, step, of)) this.#tell(lane, of, problem);
    } else if (step !== null) this.#tellEnd(lane, lane.succeeded(key, now, step));
    for (const { ended } of asked) ended({ problem });
  }

  /** Follows what was begun; its end may let something else begin. */
  #track(work: Promise<void>): void {
    const tracked = work.finally(() => {
      this.#underWay.delete(tracked);
      this.#pump();
    });
    this.#underWay.add(tracked);
  }

  /** What of an error may be shown: of a defect nothing, since its text may quote anything. */
  #shown(error: unknown): string {
    const text = asRequestError(error).message;
    if (error instanceof Fault && (error.code === 'store-fenced' || error.code === 'sealed')) this.#stopForGood(text);
    return text;
  }

  /** A key in words, where the store still tells them. */
  async #described({ controller }: Lane, key: string): Promise<string> {
    return (await controller.describe?.(key).catch(() => null)) ?? key;
  }

  #tell({ controller }: Lane, of: string, error: string | null): void {
    // What ends the process is told as that, and what was told to end says nothing of itself.
    if (this.#state === 'running') this.#options.onTrouble?.(controller.name, of, error);
  }

  #tellEnd(lane: Lane, trouble: Trouble | null): void {
    if (trouble !== null) this.#tell(lane, trouble.of, null);
  }

  #stopForGood(reason: string): void {
    this.#state = 'stopped';
    this.#reason ??= reason;
    this.#cancelTimer();
    this.#ending.abort();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #running(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.queue.running, 0);
  }

  #failures(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.status(null).failures, 0);
  }

  /** True where `work` ends within `grace` milliseconds. */
  async #within(grace: number, work: () => Promise<void>): Promise<boolean> {
    let cancel: () => void = () => undefined;
    const late = new Promise<boolean>((resolve) => {
      cancel = this.#options.timer.after(grace, () => resolve(false));
    });
    try {
      return await Promise.race([work().then(() => true), late]);
    } finally {
      cancel();
    }
  }
}
