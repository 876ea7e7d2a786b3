import { describe, expect, test } from 'vitest';
import { SinkFailure } from '../../src/audit/sink.ts';
import { newPlace, type Place, shamirSetting } from './place.ts';

/** From now on the log takes no second entry of a request to this path. */
function withoutAnswersTo(place: Place, path: string): void {
  const append = place.sink.append.bind(place.sink);
  place.sink.append = async (lines) => {
    const text = Buffer.from(lines).toString();
    if (text.includes('"type":"response"') && text.includes(`"path":"${path}"`)) throw new SinkFailure('unwritten', 'full');
    await append(lines);
  };
}

describe('an audit log that fails between the two entries of the request that replaces the shares', () => {
  test.each(['rekey', 'rotate/root'])('does not withhold the only shares that open the store (%s)', async (family) => {
    const place = await newPlace(shamirSetting);
    const { nonce } = await place.body('write', `sys/${family}/init`, { secret_shares: 3, secret_threshold: 2 });
    withoutAnswersTo(place, `sys/${family}/update`);
    const [first = '', second = ''] = place.shares;
    await place.send('write', `sys/${family}/update`, { nonce: nonce ?? '', key: first });
    const done = await place.body('write', `sys/${family}/update`, { nonce: nonce ?? '', key: second });
    const shares = done['keys_base64'] as readonly string[];
    expect(shares).toHaveLength(3);
    expect(await place.opensWith(place.shares.slice(0, 2))).not.toBe(await place.opensWith(shares.slice(0, 2)));
  });

  test('withholds every other answer', async () => {
    const place = await newPlace(shamirSetting);
    withoutAnswersTo(place, 'auth/token/create');
    expect(await place.refusal('write', 'auth/token/create', { policies: ['default'] })).toMatch(/^500 .*answer is withheld/);
  });
});
