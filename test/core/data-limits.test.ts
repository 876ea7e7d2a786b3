import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../src/base/json.ts';
import { dataProblem } from '../../src/core/data-limits.ts';
import { world } from '../world.ts';

const nested = (levels: number): JsonObject => {
  let data: Json = 'x';
  for (let level = 0; level < levels; level++) data = level % 2 === 0 ? { a: data } : [data];
  return { data };
};

describe('the data of a request', () => {
  it('may be as deep as every reader of it can go', () => {
    expect(dataProblem(nested(75))).toBeNull();
    expect(dataProblem(nested(90))?.status).toBe(400);
    expect(dataProblem(nested(200_000))?.message).toBe('objects and lists nest deeper than 80 levels');
  });

  it('may hold what a server takes, and not more', () => {
    expect(dataProblem({ a: 'x'.repeat(30 * 1024 * 1024) })).toBeNull();
    expect(dataProblem({ a: 'x'.repeat(20 * 1024 * 1024), b: ['x'.repeat(20 * 1024 * 1024)] })?.status).toBe(413);
    expect(dataProblem({ a: new Array<Json>(1_000_000).fill(0) })).toBeNull();
    expect(dataProblem({ a: new Array<Json>(4_000_001).fill(0) })?.status).toBe(413);
  });

  it('is refused beside the store as at a door, and the refusal is audited without it', async () => {
    const at = await world();
    expect(await at.status('write', 'cubbyhole/a', nested(100_000))).toBe(400);
    const last = at.sink.entries().at(-1);
    expect([last?.type, last?.request?.path, last?.error]).toEqual([
      'request',
      'cubbyhole/a',
      'objects and lists nest deeper than 80 levels',
    ]);
  });
});
