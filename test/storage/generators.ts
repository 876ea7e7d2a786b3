import fc from 'fast-check';

/** Whether the heavy suites run in full size. */
export const full = process.env['SECRETCTL_FULL'] === '1';

const seed = process.env['SECRETCTL_SEED'];

/** Parameters for fast-check: so many runs in CI, ten times as many in full size, from the seed of the environment. */
export function properties<T>(runs: number): fc.Parameters<T> {
  return { numRuns: full ? runs * 10 : runs, ...(seed === undefined ? {} : { seed: Number(seed) }) };
}

// Few characters, so that keys meet, share prefixes and are prefixes of each other; from every length of UTF-8, and
// with those on which the orders of UTF-8 and UTF-16 differ.
const character = fc.constantFrom(
  'a',
  'b',
  '/',
  '~',
  'é',
  '\u{800}',
  '\u{d7ff}',
  '\u{e000}',
  '\u{fffd}',
  '\u{10000}',
  '\u{10ffff}',
);

export const storedKey = fc.array(character, { minLength: 1, maxLength: 5 }).map((characters) => characters.join(''));
