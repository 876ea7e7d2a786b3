import { expect, it } from 'vitest';
import { givingWay } from '../../src/base/giving-way.ts';

it('lets the event loop turn at every so many calls, and not at the others', async () => {
  const giveWay = givingWay(3);
  let turns = 0;
  let over = false;
  const count = (): void => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  const seen: number[] = [];
  for (let call = 0; call < 7; call++) {
    await giveWay();
    seen.push(turns);
  }
  over = true;
  const [first, second, third, fourth, fifth, sixth, seventh] = seen;
  expect([first, second]).toEqual([0, 0]);
  expect(third).toBeGreaterThan(0);
  expect([fourth, fifth]).toEqual([third, third]);
  expect(sixth).toBeGreaterThan(third ?? 0);
  expect(seventh).toBe(sixth);
});
