import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/error.ts';
import { systemRandom } from '../../src/base/random.ts';
import { done, type Controller, type Due, type Step } from '../../src/core/controller.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { Reconciler } from '../../src/reconciler/reconciler.ts';
import { runs } from './property.ts';
import { quiet, VirtualTime } from './virtual-time.ts';

const minute = 60_000;

/** A controller over keys with times, as an index in a store has them. */
class Index implements Controller {
  readonly name: string;
  readonly description = 'for tests';
  readonly concurrency: number;
  readonly weight: number;
  readonly times = new Map<string, number>();
  readonly log: { readonly key: string; readonly at: number }[] = [];
  looks = 0;
  step: (key: string, signal: AbortSignal) => Promise<Step> = () => Promise.resolve(done);
  readonly #time: VirtualTime;

  constructor(time: VirtualTime, name = 'index', { concurrency = 1, weight = 1 } = {}) {
    this.#time = time;
    this.name = name;
    this.concurrency = concurrency;
    this.weight = weight;
  }

  due(now: number, { after, limit }: { readonly after: string | null; readonly limit: number }): Promise<Due> {
    this.looks++;
    const keys = [...this.times]
      .filter(([key, at]) => at <= now && (after === null || key > after))
      .map(([key]) => key)
      .sort();
    const page = keys.slice(0, limit);
    if (page.length < keys.length) return Promise.resolve({ keys: page, after: page.at(-1) ?? null, next: null });
    const later = [...this.times.values()].filter((at) => at > now);
    return Promise.resolve({ keys: page, after: null, next: later.length === 0 ? null : Math.min(...later) });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Step> {
    const step = await this.step(key, signal);
    this.log.push({ key, at: this.#time.now() });
    this.times.delete(key);
    return step;
  }
}

function reconciler(time: VirtualTime, controllers: readonly Controller[], concurrency = 8): Reconciler {
  return new Reconciler({ clock: time, random: systemRandom, timer: time, controllers, concurrency });
}

const day = 24 * 60 * minute;

describe('the reconciler', () => {
  it('does what is due when it is due: a year of it in a moment', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    const start = time.now();
    for (let hours = 0; hours < 365 * 24; hours += 5) index.times.set(`key-${hours}`, start + hours * 60 * minute);
    const at = reconciler(time, [index]);
    at.start();
    for (let passed = 0; passed < 365; passed++) await time.pass(day);
    expect(index.log.length).toBe(Math.ceil((365 * 24) / 5));
    expect(index.log.every(({ key, at: done }) => done === start + Number(key.slice(4)) * 60 * minute)).toBe(true);
  }, 120_000);

  it('does what came to be due sooner than it knew at its time, also where it looks just then', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    const at = reconciler(time, [index]);
    const add = (seconds: number): void => {
      index.times.set(String(seconds), time.now() + seconds * 1000);
      at.expect('index', time.now() + seconds * 1000);
    };
    at.start();
    await time.pass(10_000);
    const start = time.now();
    add(20);
    add(5);
    add(40);
    await time.pass(20_000);
    expect(index.log).toEqual([
      { key: '5', at: start + 5000 },
      { key: '20', at: start + 20_000 },
    ]);
    const look = index.due.bind(index);
    index.due = async (now, page) => {
      const found = await look(now, page);
      if (index.times.size === 1) add(3);
      return found;
    };
    at.wake('index');
    await time.pass(4000);
    expect(index.log.at(-1)).toEqual({ key: '3', at: start + 23_000 });
  });

  it('looks again when the next key of any page of its index is due, and not only of the last', async () => {
    const time = new VirtualTime();
    const soon = time.now() + 20_000;
    const looks: number[] = [];
    const at = reconciler(time, [
      {
        name: 'pages',
        description: 'Has two pages.',
        due: (now, { after }) => {
          if (after === null) looks.push(now);
          const later = now >= soon ? null : after === null ? soon : soon + 60_000;
          return Promise.resolve({ keys: [], after: after === null ? 'first' : null, next: later });
        },
        reconcile: () => Promise.resolve(done),
      },
    ]);
    at.start();
    await time.pass(30_000);
    expect(looks).toEqual([soon - 20_000, soon]);
  });

  it('works off an index of any length with a bounded memory', async () => {
    const time = new VirtualTime();
    const index = new Index(time, 'index', { concurrency: 4 });
    for (let key = 0; key < 5000; key++) index.times.set(String(key), time.now());
    let deepest = 0;
    const at = reconciler(time, [index]);
    index.step = () => {
      deepest = Math.max(deepest, at.status()[0]?.depth ?? 0);
      return Promise.resolve(done);
    };
    at.start();
    await time.pass(1000);
    expect(new Set(index.log.map(({ key }) => key)).size).toBe(5000);
    expect(deepest).toBeLessThanOrEqual(1024);
  });

  it('never works on one key twice at once, nor on more keys than it may', async () => {
    const time = new VirtualTime();
    const [a, b] = [new Index(time, 'a', { concurrency: 3 }), new Index(time, 'b', { concurrency: 3 })];
    const at = reconciler(time, [a, b], 4);
    const running = new Set<string>();
    let most = 0;
    for (const index of [a, b]) {
      for (let key = 0; key < 30; key++) index.times.set(String(key), time.now());
      index.step = async (key) => {
        const name = `${index.name}/${key}`;
        expect(running.has(name)).toBe(false);
        running.add(name);
        most = Math.max(most, running.size);
        expect([...running].filter((other) => other.startsWith(index.name)).length).toBeLessThanOrEqual(3);
        await new Promise<void>((resolve) => void time.after(10, resolve));
        running.delete(name);
        return done;
      };
    }
    at.start();
    for (let turn = 0; turn < 50; turn++) {
      at.wake('a', '1');
      at.wake('b', '1');
      await time.pass(20);
    }
    expect(most).toBe(4);
    expect([a, b].map(({ log }) => new Set(log.map(({ key }) => key)).size)).toEqual([30, 30]);
  });

  it('shares its places by weight, and each controller gets its turn', async () => {
    const time = new VirtualTime();
    const heavy = new Index(time, 'heavy', { weight: 3 });
    const light = new Index(time, 'light');
    const order: string[] = [];
    for (const index of [heavy, light]) {
      for (let key = 0; key < 100; key++) index.times.set(String(key), time.now());
      index.step = async () => {
        order.push(index.name);
        await new Promise<void>((resolve) => void time.after(1, resolve));
        return done;
      };
    }
    heavy.step = (
      (step) => (key: string, signal: AbortSignal) =>
        step(key, signal)
    )(heavy.step);
    reconciler(time, [heavy, light], 1).start();
    await time.pass(40);
    const shares = order.slice(0, 40).filter((name) => name === 'heavy').length;
    expect(shares).toBeGreaterThanOrEqual(29);
    expect(shares).toBeLessThanOrEqual(31);
  });

  it('tries again what failed, later each time, and does all else meanwhile', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    for (const key of ['bad', 'good']) index.times.set(key, time.now());
    let tries = 0;
    index.step = (key) => {
      if (key !== 'bad') return Promise.resolve(done);
      tries++;
      return tries < 4 ? Promise.reject(new Error('canary-of-the-step')) : Promise.resolve(done);
    };
    const at = reconciler(time, [index]);
    at.start();
    await time.pass(400);
    expect([tries, index.log.map(({ key }) => key)]).toEqual([1, ['good']]);
    const [failing] = at.status();
    expect(failing).toMatchObject({
      failing: 1,
      failures: 1,
      successes: 1,
      lastError: 'internal error',
      lastFailure: time.time - 400,
    });
    await time.pass(1000);
    expect(tries).toBe(2);
    await time.pass(8000);
    expect(tries).toBe(4);
    expect(at.status()[0]).toMatchObject({ failing: 0, failures: 3, successes: 2, lastSuccess: index.log.at(-1)?.at });
  });

  it('shows the message of a fault, whose messages hold no secret, and nothing of a defect', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    index.times.set('a', time.now());
    index.step = () => Promise.reject(new Fault('audit-unavailable', 'no sink takes it'));
    const told: string[] = [];
    const at = new Reconciler({
      clock: time,
      random: systemRandom,
      timer: time,
      controllers: [index],
      onTrouble: (name, of, error) => told.push(`${name}: ${of}: ${error}`),
    });
    at.start();
    await time.pass(100);
    expect(at.status()[0]?.lastError).toBe('no sink takes it');
    expect(told).toEqual(['index: a: no sink takes it']);
  });

  it('tells once that the work on a key fails, in words, and once that it works again', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    index.times.set('a', time.now());
    index.times.set('b', time.now());
    const outcomes = new Map<string, Omit<Step, 'again'> | null>([
      ['a', null],
      ['b', null],
    ]);
    index.step = (key) => {
      const outcome = outcomes.get(key);
      if (outcome === undefined) return Promise.resolve(done);
      if (outcome === null) return Promise.reject(new Fault('store-conflict', 'busy'));
      return Promise.resolve({ again: time.now() + 10_000, ...outcome });
    };
    const told: string[] = [];
    const at = new Reconciler({
      clock: time,
      random: systemRandom,
      timer: time,
      controllers: [Object.assign(index, { describe: (key: string) => Promise.resolve(`the leases of ${key}`) })],
      onTrouble: (_, of, error) => told.push(`${of}: ${error ?? 'works'}`),
    });
    const began = time.now();
    at.start();
    await time.pass(60_000);
    expect(told).toEqual(['the leases of a: busy', 'the leases of b: busy']);
    expect(at.status()[0]).toMatchObject({ failing: 2, troubles: [{ of: 'the leases of a', since: began, error: 'busy' }, {}] });
    // It failed in part, and then waits for what had failed.
    outcomes.set('a', { problem: 'one of them' });
    outcomes.delete('b');
    await time.pass(600_000);
    expect(told.slice(2)).toEqual(['the leases of b: works']);
    expect(at.status()[0]).toMatchObject({
      failing: 1,
      troubles: [{ of: 'the leases of a', since: began, error: 'one of them' }],
    });
    outcomes.set('a', { unresolved: true });
    await time.pass(60_000);
    expect(at.status()[0]).toMatchObject({ failing: 1 });
    outcomes.delete('a');
    await time.pass(60_000);
    expect(told.slice(3)).toEqual(['the leases of a: works']);
    expect(at.status()[0]).toMatchObject({ failing: 0, troubles: [] });
  });

  it('tells that a key works again whose work was taken out of the index, which asks for no step of it', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    index.times.set('a', time.now());
    index.step = () => Promise.resolve({ again: null, problem: 'nobody is there' });
    const told: string[] = [];
    const at = new Reconciler({
      clock: time,
      random: systemRandom,
      timer: time,
      controllers: [index],
      onTrouble: (_, of, error) => told.push(`${of}: ${error ?? 'works'}`),
    });
    at.start();
    await time.pass(1000);
    expect(told).toEqual(['a: nobody is there']);
    index.step = () => Promise.resolve(done);
    await time.pass(600_000);
    expect(told).toEqual(['a: nobody is there', 'a: works']);
    expect(at.status()[0]).toMatchObject({ failing: 0, troubles: [] });
    // And of what works nothing is asked.
    const steps = index.log.length;
    await time.pass(day);
    expect(index.log).toHaveLength(steps);
  });

  it('tries at once all that fails, when somebody asks for it', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    for (const key of ['a', 'b']) index.times.set(key, time.now());
    let works = false;
    index.step = () => (works ? Promise.resolve(done) : Promise.reject(new Fault('store-conflict', 'busy')));
    const at = reconciler(time, [index]);
    at.start();
    await time.pass(3_600_000);
    works = true;
    index.times.clear();
    expect([at.retry('index'), at.retry('none')]).toEqual([true, false]);
    await time.pass(1);
    expect(at.status()[0]).toMatchObject({ failing: 0, troubles: [] });
  });

  it('looks again after a failed look', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    index.times.set('a', time.now());
    const due = index.due.bind(index);
    let looks = 0;
    index.due = (...asked) => (++looks < 3 ? Promise.reject(new Fault('store-conflict', 'busy')) : due(...asked));
    const at = reconciler(time, [index]);
    at.start();
    await time.pass(10_000);
    expect(index.log.map(({ key }) => key)).toEqual(['a']);
    expect(at.status()[0]).toMatchObject({ failures: 2, lastError: 'busy' });
  });

  it.each(['store-fenced', 'sealed'] as const)('stops for good when the store says %s', async (code) => {
    const time = new VirtualTime();
    const [index, other] = [new Index(time), new Index(time, 'other')];
    index.times.set('a', time.now());
    const signals: AbortSignal[] = [];
    other.times.set('b', time.now());
    other.step = (_, signal) => {
      signals.push(signal);
      return new Promise((resolve) => void time.after(minute, () => resolve(done)));
    };
    index.step = async () => {
      await new Promise<void>((resolve) => void time.after(10, resolve));
      throw new Fault(code, 'another process owns the store');
    };
    const at = reconciler(time, [index, other]);
    at.start();
    await time.pass(20);
    expect([at.state, at.reason]).toEqual(['stopped', code === 'sealed' ? 'Vault is sealed' : 'another process owns the store']);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    index.times.set('c', time.now());
    at.start();
    expect(at.wake('index')).toBe(false);
    const looks = index.looks;
    await time.pass(day);
    expect([at.state, index.looks, index.log]).toEqual(['stopped', looks, []]);
    expect(at.status().map(({ nextRun }) => nextRun)).toEqual([null, null]);
  });

  it('ends orderly: begins nothing more, tells what runs, and waits for it', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    for (const key of ['a', 'b']) index.times.set(key, time.now());
    index.step = (_, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => void time.after(50, () => resolve(done)));
      });
    const at = reconciler(time, [index]);
    at.start();
    await quiet();
    const stopped = at.stop(1000);
    await time.pass(60);
    expect(await stopped).toBe(true);
    expect(index.log.map(({ key }) => key)).toEqual(['a']);
    index.step = () => Promise.resolve(done);
    at.start();
    await time.pass(60);
    expect(new Set(index.log.map(({ key }) => key))).toEqual(new Set(['a', 'b']));
  });

  it('does not tell of a step that fails because it was told to end', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    index.times.set('a', time.now());
    index.step = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new RequestError(500, 'it did not answer in time')));
      });
    const told: string[] = [];
    const at = new Reconciler({
      clock: time,
      random: systemRandom,
      timer: time,
      controllers: [index],
      onTrouble: (_, of, error) => told.push(`${of}: ${error}`),
    });
    at.start();
    await quiet();
    expect(await at.stop(1000)).toBe(true);
    expect([at.status()[0]?.lastError, told]).toEqual(['it did not answer in time', []]);
  });

  it('does not wait longer than it may for what does not end', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    index.times.set('a', time.now());
    index.step = () => new Promise(() => undefined);
    const at = reconciler(time, [index]);
    at.start();
    await quiet();
    const stopped = at.stop(1000);
    await time.pass(1000);
    expect(await stopped).toBe(false);
  });

  it('tells a step that takes too long to end', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    index.times.set('a', time.now());
    index.step = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Fault('store-io', 'it took too long')));
      });
    const at = reconciler(time, [index]);
    at.start();
    await time.pass(minute);
    expect(at.status()[0]).toMatchObject({ failures: 1, lastError: 'it took too long' });
  });

  it('works until nothing is left to do, for a command that runs beside no server', async () => {
    const time = new VirtualTime();
    const index = new Index(time);
    for (let key = 0; key < 700; key++) index.times.set(String(key), time.now());
    index.times.set('later', time.now() + 5000);
    const at = reconciler(time, [index]);
    expect(await at.settle(2000)).toBe(true);
    expect(index.log.length).toBe(700);
    index.times.set('bad', time.now());
    index.step = () => Promise.reject(new Error('no'));
    expect(await at.settle(2000)).toBe(false);
    index.step = () => new Promise(() => undefined);
    time.time += minute;
    const settled = at.settle(2000);
    await time.pass(2000);
    await time.pass(2000);
    expect(await settled).toBe(false);
    expect(await reconciler(time, []).settle(1)).toBe(true);
  });

  it('forgets nothing when it is killed: what comes after it finds the rest in the index', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 3000 }), { maxLength: 8 }), async (lives) => {
        const time = new VirtualTime();
        const index = new Index(time, 'index', { concurrency: 2 });
        for (let key = 0; key < 40; key++) index.times.set(String(key), time.now() + key * 100);
        index.step = async (key) => {
          await new Promise<void>((resolve) => void time.after(50, resolve));
          if (Number(key) % 7 === 0 && time.now() < index.times.get(key)! + 500) throw new Error('not yet');
          return done;
        };
        for (const life of [...lives, 40_000]) {
          const at = reconciler(time, [index]);
          at.start();
          await time.pass(life);
          // What it was about to do when it died is not done.
          void at.stop(0);
        }
        expect(index.times.size).toBe(0);
      }),
      runs(10, 500),
    );
  });
});
