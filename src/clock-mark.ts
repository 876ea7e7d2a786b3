import type { SteadyClock, ClockMark } from './base/steady-clock.ts';
import type { Barrier } from './barrier/barrier.ts';
import type { View } from './barrier/view.ts';
import { done, type Controller } from './core/controller.ts';
import type { TransactionalStore } from './storage/transaction.ts';

/** A clock, and the store that remembers where it stood. */
export interface MarkedClock {
  readonly steady: SteadyClock;
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
}

/** Below the core's view. */
const path = 'clock';
const every = 60_000;
/** Who goes by the wall clock notices what differs by more. */
const noticed = 5000;

/** Has a clock go on from where that of the last process stood; to be called before anything goes by it. */
export async function resumeClock({ steady, store, barrier }: MarkedClock): Promise<void> {
  const mark = await store.read((tx) => readClockMark(barrier.view(tx, 'core')));
  if (mark !== null) steady.resume(mark, every);
  // One of this run of the machine is good however old it is.
  if (mark === null || !steady.isOfThisRun(mark)) await store.transact((tx) => markClock(barrier.view(tx, 'core'), steady));
}

/** Null: nobody has stored where a clock stood. */
export async function readClockMark(core: View): Promise<ClockMark | null> {
  return core.getJson<ClockMark>(path);
}

/** What a person should know who looks at the wall clock; null: the two are the same. */
export function clockWarning({ ahead }: SteadyClock): string | null {
  if (Math.abs(ahead) < noticed) return null;
  const seconds = Math.round(Math.abs(ahead) / 1000);
  return `the clock of this machine was set: the time of the store is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} it, and nears it by 3.6 s an hour, so that nothing ends early or lives on`;
}

/** Remembers where a clock stands: on a later run of the machine it does not go back behind that. */
export async function markClock(core: View, steady: SteadyClock): Promise<void> {
  await core.putJson(path, { ...steady.mark() } satisfies ClockMark);
}

/** Remembers it every minute. */
export function clockMark({ steady, store, barrier }: MarkedClock): Controller {
  let markedAt = steady.now();
  return {
    name: 'clock-mark',
    description: 'Remembers the time, so that none comes twice.',
    due: async (now) => ({ keys: now - markedAt >= every ? ['all'] : [], after: null, next: now + every }),
    async reconcile() {
      const now = steady.now();
      await store.transact((tx) => markClock(barrier.view(tx, 'core'), steady));
      markedAt = now;
      return done;
    },
  };
}
