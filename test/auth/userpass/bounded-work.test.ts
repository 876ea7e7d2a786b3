import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedWork } from '../../../src/auth/userpass/bounded-work.ts';
import { RequestError } from '../../../src/protocol/request-error.ts';
import { runs } from '../../token/asking.ts';

/** Work of clients that ends when the test says so. */
class Rush {
  readonly bounded: BoundedWork;
  /** `client index` as they began. */
  readonly started: string[] = [];
  readonly refused: string[] = [];
  readonly #ends: (() => void)[] = [];
  readonly #all: Promise<void>[] = [];
  running = 0;
  most = 0;

  constructor(atOnce: number, waiting: number) {
    this.bounded = new BoundedWork(atOnce, waiting);
  }

  send(client: string, name: string, fails = false): void {
    const work = async (): Promise<void> => {
      this.started.push(name);
      this.most = Math.max(this.most, ++this.running);
      await new Promise<void>((resolve) => this.#ends.push(resolve));
      this.running--;
      if (fails) throw new Error('failed');
    };
    this.#all.push(
      this.bounded.run(client, work).catch((error: unknown) => {
        if (!(error instanceof RequestError)) return;
        expect([error.status, error.headers]).toEqual([429, { 'Retry-After': '1' }]);
        this.refused.push(name);
      }),
    );
  }

  /** Ends everything, the oldest first. */
  async finish(): Promise<void> {
    let done = false;
    const all = Promise.all(this.#all).then(() => (done = true));
    while (!done) {
      this.#ends.shift()?.();
      await new Promise(setImmediate);
    }
    await all;
  }
}

describe('work on passwords', () => {
  it('of one client is done in the order in which it came, so much at once and so much waiting, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.nat({ max: 6 }),
        fc.array(fc.boolean(), { maxLength: 20 }),
        async (atOnce, waiting, outcomes) => {
          const rush = new Rush(atOnce, waiting);
          for (const [index, fails] of outcomes.entries()) rush.send('a', String(index), fails);
          await rush.finish();
          const names = outcomes.map((_, index) => String(index));
          const accepted = Math.min(outcomes.length, atOnce + waiting);
          expect([rush.started, rush.refused, rush.most]).toEqual([
            names.slice(0, accepted),
            names.slice(accepted),
            Math.min(atOnce, accepted),
          ]);
        },
      ),
      runs(100, 5000),
    );
  });

  it('of many clients is bounded too, done or refused, and nobody is refused a place for one who has more', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 40 }),
        async (atOnce, waiting, clients) => {
          const rush = new Rush(atOnce, waiting);
          for (const [index, client] of clients.entries()) rush.send(client, `${client} ${index}`);
          await rush.finish();
          expect(rush.started.length).toBe(Math.min(clients.length, atOnce + waiting));
          expect([...rush.started, ...rush.refused].sort()).toEqual(clients.map((client, index) => `${client} ${index}`).sort());
          const waited = rush.started.slice(atOnce);
          const places = (client: string): number => waited.filter((name) => name.startsWith(client)).length;
          for (const name of rush.refused)
            for (const other of ['a', 'b', 'c', 'd']) expect(places(other)).toBeLessThanOrEqual(places(name.charAt(0)) + 1);
        },
      ),
      runs(100, 5000),
    );
  });

  it('of one who sends much keeps nobody else waiting for more than their turn, nor out', async () => {
    const rush = new Rush(1, 8);
    for (let index = 0; index < 20; index += 1) rush.send('flood', `flood ${index}`);
    rush.send('ann', 'ann');
    rush.send('bob', 'bob');
    await rush.finish();
    expect(rush.started.slice(0, 4)).toEqual(['flood 0', 'flood 1', 'ann', 'bob']);
    expect(rush.started).toHaveLength(9);
    expect(rush.refused.every((name) => name.startsWith('flood'))).toBe(true);
  });
});
