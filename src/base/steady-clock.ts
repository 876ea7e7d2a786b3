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
  /** Names the run of the machine that `uptime` is of; null: it does not tell. */
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
 *
 * What it cannot know:
 * - On a later run of the machine there is only the wall clock to go by. `resume` never goes back behind the mark, so what
 *   has ended stays so; but where the wall clock was set forward while the machine was off, it is later than it is, and
 *   where it was set back, the time goes on from about the mark. The same holds where no run of the machine can be told from
 *   another (see MachineTime.boot): on other systems than Linux, and in containers with an uptime of their own.
 * - A virtual machine that is paused, or goes on from a saved state, is told of it by its wall clock alone, as if somebody
 *   had set that: the pause does not count, and what lives until a time lives longer by it.
 * - A sleep is known to a second or two, and less than two seconds of it do not count.
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

  /** Is a mark of this run of the machine, so that a clock which goes on from it knows what has elapsed since? */
  isOfThisRun({ boot, uptime }: ClockMark): boolean {
    return boot !== null && boot === this.#machine.boot && uptime <= this.#machine.uptime();
  }

  /**
   * Goes on from where a clock stood: by what has elapsed since on the same run of the machine, else not before it. Where
   * the wall clock says that it is earlier than that, from `later` after it (milliseconds): so long may the clock have gone
   * on without a mark. The one moment at which it may go back: to be called before anything goes by it.
   */
  resume(mark: ClockMark, later = 0): void {
    const { uptime: at, time } = mark;
    const now = this.now();
    if (this.isOfThisRun(mark)) {
      const expected = time + this.#machine.uptime() - at;
      if (Math.abs(expected - now) > leastSleep) this.#offset += expected - now;
    } else if (time > now) this.#offset += time + later - now;
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
    // A process that begins later than now: the uptime is that of a container, which has no name.
    if (processStart() > uptime() + 1) return null;
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}

/** When this process began, in seconds since the start of the machine: proc_pid_stat(5), in its hundredths. */
function processStart(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const start = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  if (!Number.isFinite(start)) throw new TypeError('the start of this process is unknown');
  return start / 100;
}
