import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { foundIn, needlesOf, randomWord } from './canary.ts';

describe('a canary', () => {
  it('is found in every form in which it could stand somewhere', () => {
    const value = `${randomWord()}"ü\n${randomWord()}`;
    const needles = needlesOf({ name: 'x', value });
    const [first = ''] = value.split('\n');
    const forms = [
      `<${value}>`,
      `…${first.slice(0, 20)}…`,
      JSON.stringify({ value }),
      JSON.stringify(JSON.stringify({ value })),
      encodeURIComponent(value),
      Buffer.from(value).toString('hex'),
      Buffer.from(value).toString('base64'),
      Buffer.from(`a${value}b`).toString('base64url'),
      Buffer.from(`ab${value}`).toString('base64'),
      createHash('sha256').update(value).digest('hex'),
      createHash('md5').update(`${value}\n`).digest('base64'),
      createHash('sha1').update(JSON.stringify(value)).digest('hex').slice(0, 16),
    ];
    for (const form of forms) expect(foundIn(Buffer.from(form), needles), form).toHaveLength(1);
    expect(foundIn(Buffer.from(value, 'utf16le'), needles)).toHaveLength(1);
    expect(foundIn(createHash('sha512').update(value).digest(), needles)).toHaveLength(1);
    expect(foundIn(Buffer.from(randomWord().repeat(100)), needles)).toEqual([]);
  });
});
