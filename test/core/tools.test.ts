import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { world } from '../world.ts';

describe('sys/tools', () => {
  it('gives random bytes in either format, by body and by path', async () => {
    const at = await world();
    const bytes = async (path: string, data = {}) => String((await at.write(`sys/tools/${path}`, data)).data?.random_bytes);
    expect(Buffer.from(await bytes('random'), 'base64')).toHaveLength(32);
    expect(await bytes('random', { bytes: 16, format: 'hex' })).toMatch(/^[0-9a-f]{32}$/);
    expect(Buffer.from(await bytes('random/8'), 'base64')).toHaveLength(8);
    expect(Buffer.from(await bytes('random/platform/9'), 'base64')).toHaveLength(9);
    expect(await bytes('random')).not.toBe(await bytes('random'));
  });

  it.each<JsonObject>([{ bytes: 0 }, { bytes: -1 }, { bytes: 131_072 }, { bytes: 'x' }, { format: 'octal' }])(
    'refuses to give random bytes for %j',
    async (data) => {
      expect(await (await world()).status('write', 'sys/tools/random', data)).toBe(400);
    },
  );

  it.each([
    [{}, createHash('sha256').update('').digest('hex')],
    [{ input: 'YWJj' }, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [{ input: 'YWJj', algorithm: 'sha3-224' }, 'e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf'],
    [{ input: 'YWJj', algorithm: 'sha2-224', format: 'base64' }, 'Iwl9IjQF2CKGQqR3vaJVsyqtvOS9oLP342ydpw=='],
  ])('hashes %j', async (data, sum) => {
    expect((await (await world()).write('sys/tools/hash', data)).data).toEqual({ sum });
  });

  it('takes the algorithm from the path, and knows no others', async () => {
    const at = await world();
    const sum = createHash('sha512').update('abc').digest('hex');
    expect((await at.write('sys/tools/hash/sha2-512', { input: 'YWJj' })).data).toEqual({ sum });
    const wrong: JsonObject[] = [{ input: '!' }, { algorithm: 'md5' }, { algorithm: 'constructor' }, { format: 'zz' }];
    for (const data of wrong) expect(await at.status('write', 'sys/tools/hash', data)).toBe(400);
  });
});
