import { systemRandom } from './base/random.ts';
import { SteadyClock } from './base/steady-clock.ts';
import { systemTimer } from './base/timer.ts';

const steady = new SteadyClock();

/** Time and randomness of the machine. One clock for the process; a store that is opened says from where it goes on. */
export const machine = { clock: steady, steady, random: systemRandom, timer: systemTimer };
