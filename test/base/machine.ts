import type { MachineTime } from '../../src/base/steady-clock.ts';

/** What the wall clock of a `Machine` shows at first, unless told. */
export const start = Date.UTC(2026, 5, 1);

/** A machine whose time a test makes go by. */
export class Machine implements MachineTime {
  boot: string | null = 'first';
  /** What has really gone by. */
  elapsed = 0;
  #awake = 0;
  #set = 0;
  #booted = 0;
  readonly #start: number;

  /** `first`: what its wall clock shows at first. */
  constructor(first = start) {
    this.#start = first;
  }

  wall = (): number => Math.floor(this.#start + this.elapsed + this.#set);
  monotonic = (): number => this.#awake;
  uptime = (): number => Math.floor((this.elapsed - this.#booted) / 1000) * 1000;

  pass(milliseconds: number): void {
    this.elapsed += milliseconds;
    this.#awake += milliseconds;
  }

  sleep(milliseconds: number): void {
    this.elapsed += milliseconds;
  }

  setClock(by: number): void {
    this.#set += by;
  }

  reboot(boot: string): void {
    this.boot = boot;
    this.#booted = this.elapsed;
    this.#awake = 0;
  }
}
