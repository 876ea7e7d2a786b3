import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Clock } from './clock.ts';

/** What a machine says of time. All in milliseconds. */
export interface MachineTime {
  /** The clock that people and time servers set: since the Unix epoch. It may jump, forth and back. */
  wall(): number;
  /** Since some moment; nobody sets it, and it stands still while the machine sleeps. */
  monotonic(): number;
  /** Since the machine was started, its sleep included, to about a second. */
  uptime(): number;
  /** Names this run of the machine; null: it does not tell. */
  readonly boot: string | null;
}

/** Where a clock stood: for the next process, on the same run of the machine or a later one. */
export interface ClockMark {
  readonly boot: string | null;
  /** Milliseconds, as of MachineTime. */
  readonly uptime: number;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
}

/** A wall clock that parts by more from what has elapsed was set, or the machine slept. */
const jump = 250;
/** Less than that is none: the uptime is told in seconds. */
const leastSleep = 2000;
/** How fast the time follows a wall clock that was set: a thousandth of what elapses, 3.6 s in an hour. */
const slew = 0.001;

/**
 * A clock that goes by what elapses: where somebody sets the clock of the machine by an hour, nothing that lives until a
 * time ends early or lives on. It starts with the wall clock, never goes back, and follows it by 3.6 s an hour where the
 * two differ. Sleep of the machine counts as time.
 */
export class SteadyClock implements Clock {
  readonly #machine: MachineTime;
  #last: number;
  /** The time less the monotonic one. */
  #offset: number;
  /** The same of the wall clock, as last seen. */
  #wallOffset: number;
  /** The uptime less the monotonic one, as last seen. */
  #sleep: number;

  constructor(machine: MachineTime = thisMachine()) {
    this.#machine = machine;
    this.#last = machine.monotonic();
    this.#offset = this.#wallOffset = machine.wall() - this.#last;
    this.#sleep = machine.uptime() - this.#last;
  }

  now(): number {
    const monotonic = this.#machine.monotonic();
    const wallOffset = this.#machine.wall() - monotonic;
    if (Math.abs(wallOffset - this.#wallOffset) > jump) {
      const sleep = this.#machine.uptime() - monotonic;
      if (sleep - this.#sleep >= leastSleep) this.#offset += sleep - this.#sleep;
      this.#sleep = sleep;
    }
    this.#wallOffset = wallOffset;
    const most = (monotonic - this.#last) * slew;
    this.#offset += Math.min(most, Math.max(-most, wallOffset - this.#offset));
    this.#last = monotonic;
    return Math.floor(monotonic + this.#offset);
  }

  /** By how many milliseconds it differs from the wall clock; negative: it is behind. About 0 unless that was set. */
  get ahead(): number {
    return Math.round(this.#offset - this.#wallOffset);
  }

  mark(): ClockMark {
    return { boot: this.#machine.boot, uptime: this.#machine.uptime(), time: this.now() };
  }

  /** Goes on from where a clock stood: by what has elapsed since on the same run of the machine, else not before it. */
  resume({ boot, uptime: at, time }: ClockMark): void {
    const now = this.now();
    if (boot !== null && boot === this.#machine.boot) {
      const expected = time + this.#machine.uptime() - at;
      if (Math.abs(expected - now) > leastSleep) this.#offset += expected - now;
    } else if (time > now) this.#offset += time - now;
  }
}

function thisMachine(): MachineTime {
  return {
    wall: () => Date.now(),
    monotonic: () => performance.now(),
    uptime: () => uptime() * 1000,
    boot: bootId(),
  };
}

/** Linux has one; elsewhere only the start of the machine could tell, which moves with the wall clock. */
function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}
