import { describe, expect, it } from 'vitest';
import { Mutex } from '../../src/base/mutex.ts';

describe('a mutex', () => {
  it('lets nothing begin before all that came earlier has ended, whatever became of it', async () => {
    const mutex = new Mutex();
    const seen: string[] = [];
    const work = (name: string, fails: boolean) =>
      mutex.run(async () => {
        seen.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      });
    const outcomes = await Promise.allSettled([work('a', false), work('b', true), work('c', false)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });
});
