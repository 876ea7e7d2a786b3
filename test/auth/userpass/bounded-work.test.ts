import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BoundedWork } from '../../../src/auth/userpass/bounded-work.ts';
import { refusal, runs } from '../../token/asking.ts';

it('work is done in the order in which it came, so much at once and so much waiting, whatever fails', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.nat({ max: 6 }),
      fc.array(fc.boolean(), { maxLength: 20 }),
      async (atOnce, waiting, outcomes) => {
        const bounded = new BoundedWork(atOnce, waiting);
        const started: number[] = [];
        const ends: (() => void)[] = [];
        let running = 0;
        let most = 0;
        const results = outcomes.map((fails, index) =>
          bounded.run(async () => {
            started.push(index);
            most = Math.max(most, ++running);
            await new Promise<void>((resolve) => ends.push(resolve));
            running--;
            if (fails) throw new Error(`failed ${index}`);
            return index;
          }),
        );
        const settled = Promise.allSettled(results);
        const accepted = Math.min(outcomes.length, atOnce + waiting);
        for (let done = 0; done < accepted; done++) {
          while (ends.length === 0) await Promise.resolve();
          ends.shift()?.();
        }
        expect((await settled).map(({ status }) => status)).toEqual(
          outcomes.map((fails, index) => (index >= accepted || fails ? 'rejected' : 'fulfilled')),
        );
        expect(started).toEqual(Array.from({ length: accepted }, (_, index) => index));
        expect(most).toBe(Math.min(atOnce, accepted));
        for (const refused of results.slice(accepted)) expect((await refusal(refused))[0]).toBe(429);
      },
    ),
    runs(100, 5000),
  );
});
