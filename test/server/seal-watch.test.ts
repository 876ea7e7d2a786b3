import { describe, expect, it } from 'vitest';
import { SealWatch } from '../../src/server/seal-watch.ts';
import { quiet, VirtualTime } from '../reconciler/virtual-time.ts';

const tenMinutes = 600_000;

/** A watch over a seal that answers as `says` tells, which may be changed. */
function newWatch(says: () => Promise<string | null>) {
  const timer = new VirtualTime();
  const lines: string[] = [];
  const asked: number[] = [];
  const watch = new SealWatch({
    timer,
    log: (level, message, fields) => void lines.push(`${level} ${message}: ${String(fields?.['reason'] ?? '')}`),
    health() {
      asked.push(timer.now());
      return says();
    },
  });
  return { watch, timer, lines, asked };
}

describe('the watch over the seal of an open store', () => {
  it('asks every ten minutes, and tells operators once that the seal would not open the store, and once that it would', async () => {
    let answer: string | null = null;
    const { watch, timer, lines, asked } = newWatch(async () => answer);
    watch.begin();
    await timer.pass(2 * tenMinutes);
    expect([asked.length, watch.problem, lines]).toEqual([2, null, []]);
    answer = 'the key is disabled';
    await timer.pass(2 * tenMinutes);
    // Anybody may read the problem, and only operators the log.
    expect(watch.problem).toBe('the seal would not open the store now: see the log of the server');
    answer = null;
    await timer.pass(2 * tenMinutes);
    expect(watch.problem).toBe(null);
    expect(lines).toEqual([
      'warn the seal would not open the store now: the key is disabled',
      'info the seal would open the store again: ',
    ]);
    expect(asked).toHaveLength(6);
  });

  it('takes a question that fails for a seal that would not open the store, and asks again', async () => {
    const { watch, timer, asked } = newWatch(() => Promise.reject(new Error('no way there')));
    watch.begin();
    await timer.pass(3 * tenMinutes);
    expect([watch.problem === null, asked.length]).toEqual([false, 3]);
  });

  it('asks nothing once it has ended, and has no problem then', async () => {
    const { watch, timer, asked } = newWatch(async () => 'the key is disabled');
    watch.begin();
    await timer.pass(tenMinutes);
    watch.end();
    await timer.pass(10 * tenMinutes);
    expect([watch.problem, asked.length, timer.waiting]).toEqual([null, 1, 0]);
  });

  it('does not listen to an answer that comes after its end, nor go on because of it', async () => {
    const answers: ((problem: string) => void)[] = [];
    const { watch, timer, lines } = newWatch(() => new Promise((resolve) => answers.push(resolve)));
    watch.begin();
    await timer.pass(tenMinutes);
    watch.end();
    answers[0]?.('the key is disabled');
    await quiet();
    expect([watch.problem, lines, timer.waiting]).toEqual([null, [], 0]);
  });

  it('that is begun anew asks no more often', async () => {
    const { watch, timer, asked } = newWatch(async () => null);
    watch.begin();
    await timer.pass(tenMinutes / 2);
    watch.begin();
    watch.begin();
    await timer.pass(10 * tenMinutes);
    expect([asked.length, timer.waiting]).toEqual([10, 1]);
  });
});
