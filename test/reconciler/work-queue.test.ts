import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Schedule } from '../../src/reconciler/schedule.ts';
import { WorkQueue } from '../../src/reconciler/work-queue.ts';
import { runs } from './property.ts';

const delay = (attempt: number): number => 1000 * 2 ** (attempt - 1);
const queue = (capacity = 1000): WorkQueue => new WorkQueue({ capacity, retryDelay: delay });

describe('a work queue', () => {
  it('gives each key once, in the order in which they came', () => {
    const at = queue();
    for (const key of ['b', 'a', 'b', 'c', 'a']) at.add(key, 0);
    expect([at.take(0), at.take(0), at.take(0), at.take(0)]).toEqual(['b', 'a', 'c', null]);
  });

  it('runs a key again that came up while it ran, but not beside itself', () => {
    const at = queue();
    at.add('a', 0);
    expect(at.take(0)).toBe('a');
    at.add('a', 1);
    expect(at.take(1)).toBeNull();
    at.succeed('a', 2, null);
    expect(at.take(2)).toBe('a');
    at.succeed('a', 3, null);
    expect(at.take(3)).toBeNull();
  });

  it('calls a key again at the time it asked for', () => {
    const at = queue();
    at.add('a', 0);
    at.take(0);
    at.succeed('a', 0, 500);
    expect([at.nextTurn(0), at.take(499), at.take(500)]).toEqual([500, null, 'a']);
  });

  it('lets a key that failed wait longer each time, though the index names it again and again', () => {
    const at = queue();
    at.add('a', 0);
    at.take(0);
    at.fail('a', 0);
    at.add('a', 10);
    expect([at.take(999), at.take(1000)]).toEqual([null, 'a']);
    at.fail('a', 1000);
    expect([at.nextTurn(1000), at.failing]).toEqual([3000, 1]);
    at.take(3000);
    at.succeed('a', 3000, null);
    at.add('a', 3000);
    at.take(3000);
    at.fail('a', 3000);
    expect(at.nextTurn(3000)).toBe(4000);
  });

  it('tries a failing key at once where somebody asks for it', () => {
    const at = queue();
    at.add('a', 0);
    at.take(0);
    at.fail('a', 0);
    at.urge('a', 1);
    expect(at.take(1)).toBe('a');
    at.urge('a', 2);
    at.fail('a', 2);
    expect(at.take(2)).toBe('a');
  });

  it('lets many that failed together come back at ten a second', () => {
    const at = queue();
    for (let key = 0; key < 300; key++) at.add(String(key), 0);
    for (let key = 0; key < 300; key++) at.take(0);
    for (let key = 0; key < 300; key++) at.fail(String(key), 0);
    const takeAll = (now: number): number => {
      let count = 0;
      while (at.take(now) !== null) count++;
      return count;
    };
    expect([takeAll(1000), takeAll(2000), takeAll(12_000), takeAll(22_000)]).toEqual([100, 10, 100, 90]);
    expect(at.nextTurn(22_000)).toBeNull();
  });

  it('holds no more keys than it may, and drops what finds no room', () => {
    const at = queue(2);
    for (const key of ['a', 'b', 'c']) at.add(key, 0);
    expect([at.depth, at.room, at.take(0), at.take(0), at.take(0)]).toEqual([2, 0, 'a', 'b', null]);
    for (const key of ['a', 'b']) at.fail(key, 0);
    at.add('c', 0);
    at.take(0);
    at.fail('c', 0);
    expect(at.failing).toBe(2);
  });
});

type Step =
  | { readonly do: 'add' | 'urge'; readonly key: number }
  | { readonly do: 'take' }
  | { readonly do: 'succeed' | 'fail'; readonly which: number; readonly again: number | null }
  | { readonly do: 'wait'; readonly milliseconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('add' as const, 'urge' as const), key: fc.nat({ max: 5 }) }),
  fc.record({ do: fc.constant('take' as const) }),
  fc.record({
    do: fc.constantFrom('succeed' as const, 'fail' as const),
    which: fc.nat(),
    again: fc.option(fc.nat({ max: 3000 })),
  }),
  fc.record({ do: fc.constant('wait' as const), milliseconds: fc.nat({ max: 2500 }) }),
);

/** A key to someone who only knows the rules. */
interface Modelled {
  state: 'none' | 'ready' | 'asked' | 'failed' | 'running';
  at: number;
  attempts: number;
  renewed: 'no' | 'yes' | 'urged';
}

describe('a work queue, whatever is done with it,', () => {
  it('is where its rules say, key by key', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const at = queue();
        const model = new Map<string, Modelled>();
        const of = (key: string): Modelled => {
          const known = model.get(key) ?? { state: 'none', at: 0, attempts: 0, renewed: 'no' };
          model.set(key, known);
          return known;
        };
        const count = (...states: Modelled['state'][]) =>
          [...model.values()].filter(({ state }) => states.includes(state)).length;
        let now = 0;
        for (const each of steps) {
          if (each.do === 'wait') now += each.milliseconds;
          else if ('key' in each) {
            const key = of(String(each.key));
            at[each.do](String(each.key), now);
            if (key.state === 'running') {
              if (each.do === 'urge') key.renewed = 'urged';
              else if (key.renewed === 'no') key.renewed = 'yes';
            } else if (each.do === 'urge' || key.state !== 'failed') key.state = 'ready';
          } else if (each.do === 'take') {
            for (const key of model.values()) {
              if ((key.state === 'asked' || key.state === 'failed') && key.at <= now) key.state = 'ready';
            }
            const taken = at.take(now);
            if (taken === null) expect(count('ready')).toBe(0);
            else {
              const key = of(taken);
              expect(key.state).toBe('ready');
              Object.assign(key, { state: 'running', renewed: 'no' });
            }
          } else {
            const running = [...model].filter(([, { state }]) => state === 'running');
            const [name, key] = running[each.which % running.length] ?? [null, null];
            if (name === null) continue;
            if (each.do === 'succeed') {
              const again = each.again === null ? null : now + each.again;
              at.succeed(name, now, again);
              key.attempts = 0;
              if (key.renewed !== 'no' || again === now) key.state = 'ready';
              else if (again === null) key.state = 'none';
              else Object.assign(key, { state: 'asked', at: again });
            } else {
              at.fail(name, now);
              key.attempts++;
              if (key.renewed === 'urged') key.state = 'ready';
              else Object.assign(key, { state: 'failed', at: now + delay(key.attempts) });
            }
          }
          expect(at.running).toBe(count('running'));
          expect(at.failing).toBe([...model.values()].filter(({ attempts }) => attempts > 0).length);
          const times = [...model.values()].map(({ state, at: time }) =>
            state === 'ready' ? now : state === 'asked' || state === 'failed' ? Math.max(time, now) : Infinity,
          );
          const next = Math.min(Infinity, ...times);
          expect(at.nextTurn(now)).toBe(next === Infinity ? null : next);
        }
      }),
      runs(300, 30_000),
    );
  });
});

describe('a schedule', () => {
  it('gives its keys in the order of their times, whatever was moved and taken out', () => {
    const change = fc.record({ key: fc.nat({ max: 20 }), at: fc.option(fc.nat({ max: 50 }), { freq: 4 }) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 100 }), (changes) => {
        const schedule = new Schedule();
        const model = new Map<string, number>();
        for (const { key, at } of changes) {
          if (at === null) {
            schedule.delete(String(key));
            model.delete(String(key));
          } else {
            schedule.set(String(key), at);
            model.set(String(key), at);
          }
          expect(schedule.size).toBe(model.size);
        }
        const times: (number | null)[] = [];
        for (let key = schedule.first; key !== null; key = schedule.first) {
          expect(model.get(key)).toBe(schedule.earliest);
          times.push(schedule.earliest);
          schedule.delete(key);
        }
        expect(times).toEqual([...model.values()].sort((a, b) => a - b));
      }),
      runs(300, 30_000),
    );
  });
});
