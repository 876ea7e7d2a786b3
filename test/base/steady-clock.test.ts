import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forOthers } from '../../src/base/clock.ts';
import { SteadyClock } from '../../src/base/steady-clock.ts';
import { Machine, start } from './machine.ts';

const hour = 3_600_000;

describe('a steady clock', () => {
  it('is the wall clock as long as nobody sets it', () => {
    const machine = new Machine();
    const clock = new SteadyClock(machine);
    for (let hours = 0; hours < 100; hours++) {
      machine.pass(hour);
      expect(clock.now()).toBe(machine.wall());
    }
    expect(clock.ahead).toBe(0);
  });

  it.each([hour, -hour, 24 * hour, -300])('goes on when the machine’s clock is set by %i ms, and nears it slowly', (by) => {
    const machine = new Machine();
    const clock = new SteadyClock(machine);
    machine.pass(1000);
    machine.setClock(by);
    expect(Math.abs(clock.now() - start - 1000)).toBeLessThanOrEqual(1);
    machine.pass(hour / 60);
    const gone = clock.now() - start - 1000;
    expect(Math.abs(gone - hour / 60)).toBeLessThanOrEqual(62);
    expect(Math.sign(clock.ahead)).toBe(-Math.sign(by));
    for (let hours = 0; hours < 25 * 1000; hours += 100) {
      machine.pass(100 * hour);
      clock.now();
    }
    expect(Math.abs(clock.now() - machine.wall())).toBeLessThanOrEqual(1);
  });

  it('counts the sleep of the machine', () => {
    const machine = new Machine();
    const clock = new SteadyClock(machine);
    machine.pass(5000);
    machine.sleep(8 * hour);
    expect(Math.abs(clock.now() - (start + 5000 + 8 * hour))).toBeLessThanOrEqual(1000);
  });

  it('never goes back, and never goes more than a thousandth faster or slower than what elapses', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('pass' as const), by: fc.integer({ min: 0, max: 2 * hour }) }),
      fc.record({ do: fc.constant('setClock' as const), by: fc.integer({ min: -24 * hour, max: 24 * hour }) }),
      fc.record({ do: fc.constant('sleep' as const), by: fc.integer({ min: 10_000, max: 10 * hour }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const machine = new Machine();
        const clock = new SteadyClock(machine);
        let [last, real, sleeps] = [clock.now(), 0, 0];
        for (const { do: what, by } of steps) {
          machine[what](by);
          if (what === 'sleep') {
            sleeps++;
            // A sleep shows by the wall clock, which goes on.
            machine.pass(1);
          }
          const now = clock.now();
          expect(now).toBeGreaterThanOrEqual(last);
          last = now;
          real = machine.elapsed;
        }
        expect(Math.abs(last - start - real)).toBeLessThanOrEqual(real * 0.001 + sleeps * 1000 + 2);
      }),
    );
  });

  it('goes on from where the last process left it, on the same run of the machine, whatever was set in between', () => {
    const machine = new Machine();
    const before = new SteadyClock(machine);
    machine.pass(hour);
    const mark = before.mark();
    machine.pass(10_000);
    machine.setClock(-hour);
    const after = new SteadyClock(machine);
    after.resume(mark);
    expect(Math.abs(after.now() - (start + hour + 10_000))).toBeLessThanOrEqual(1000);
  });

  it('starts with the wall clock on a later run, but not before it was seen last', () => {
    const machine = new Machine();
    machine.setClock(3 * hour);
    const mark = new SteadyClock(machine).mark();
    machine.reboot('second');
    machine.pass(hour);
    machine.setClock(-3 * hour);
    const behind = new SteadyClock(machine);
    behind.resume(mark);
    expect(behind.now()).toBe(mark.time);
    const later = new SteadyClock(machine);
    later.resume(mark, 5000);
    expect(later.now()).toBe(mark.time + 5000);
    machine.setClock(3 * hour);
    const right = new SteadyClock(machine);
    right.resume(mark);
    expect(right.now()).toBe(machine.wall());
  });

  it('takes a mark of more uptime than there is for one of another run: a container may have an uptime of its own', () => {
    const machine = new Machine();
    machine.pass(10 * hour);
    const mark = new SteadyClock(machine).mark();
    machine.pass(hour);
    machine.reboot('first');
    const after = new SteadyClock(machine);
    expect(after.isOfThisRun(mark)).toBe(false);
    after.resume(mark);
    expect(after.now()).toBe(machine.wall());
  });

  it('is for others the later of its own time and the wall clock’s', () => {
    const machine = new Machine();
    const clock = new SteadyClock(machine);
    const inOneHour = clock.now() + hour;
    machine.setClock(-hour);
    clock.now();
    expect(forOthers(clock, inOneHour)).toBe(inOneHour);
    machine.setClock(3 * hour);
    clock.now();
    expect(forOthers(clock, inOneHour)).toBe(inOneHour + 2 * hour);
    expect(forOthers({ now: () => 0 }, inOneHour)).toBe(inOneHour);
  });
});
