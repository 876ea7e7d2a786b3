import { armor as theirArmor, Decrypter, Encrypter, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, utf8 } from '../../src/base/bytes.ts';
import type { Json } from '../../src/base/json.ts';
import { sealedDigest } from '../../src/base/sealed-digest.ts';
import { armor, dearmor } from '../../src/crypto/age-armor.ts';
import { ageIdentity } from '../../src/crypto/age-identity.ts';
import { maxSealedBytes, parsePayload, sealedOpener, sealValue } from '../../src/crypto/sealed-value.ts';
import type { SealedPayload } from '../../src/protocol/managed.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { seededRandom } from '../barrier/fixture.ts';
import { properties } from '../storage/generators.ts';
import vectors from '../vectors/sealed-value.json' with { type: 'json' };

const openSealedValue = async (identities: readonly string[], block: string) => (await sealedOpener(identities))(block);
const random = seededRandom('sealed');
const identity = ageIdentity(random.bytes(32));
const other = ageIdentity(random.bytes(32));
const recipient = await identityToRecipient(identity);
const payload: SealedPayload = { v: 1, address: ['StaticSecret', 'app', 'db'], field: 'data.password', value: 'canary-value' };

/** A block of any plaintext, as the age program would make it. */
async function bareBlock(plaintext: string, to = [recipient]): Promise<string> {
  const encrypter = new Encrypter();
  for (const each of to) encrypter.addRecipient(each);
  return armor(await encrypter.encrypt(plaintext));
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof RequestError)) throw error;
  expect(error.status).toBe(400);
  return error.message;
}

describe('a sealed value', () => {
  it('comes back equal, whatever JSON it is and wherever it belongs', async () => {
    const address = fc.tuple(fc.string(), fc.option(fc.string()), fc.string());
    await fc.assert(
      fc.asyncProperty(address, fc.string(), fc.jsonValue({ maxDepth: 4 }), async (where, field, value) => {
        const sealed: SealedPayload = { v: 1, address: where, field, value: JSON.parse(JSON.stringify(value)) as Json };
        expect(await openSealedValue([other, identity], await sealValue([recipient], sealed))).toEqual(sealed);
      }),
      properties(15),
    );
  });

  it('can be opened by each of its recipients, and by nobody else', async () => {
    const block = await sealValue([recipient, await identityToRecipient(other)], payload);
    expect(await openSealedValue([identity], block)).toEqual(payload);
    expect(await openSealedValue([other], block)).toEqual(payload);
    expect(await refusal(openSealedValue([ageIdentity(random.bytes(32))], block))).toMatch(
      /not made for this store.*secretctl encrypt/,
    );
  });

  it('is an age file of the payload’s JSON', async () => {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const file = dearmor(await sealValue([recipient], payload));
    expect(JSON.parse(await decrypter.decrypt(file ?? new Uint8Array(0), 'text'))).toEqual(payload);
  });

  it.each(vectors)('has a frozen form: $recipient', async (vector) => {
    expect(ageIdentity(fromHex(vector.secret) ?? new Uint8Array(0))).toBe(vector.identity);
    expect(await identityToRecipient(vector.identity)).toBe(vector.recipient);
    expect(await openSealedValue([vector.identity], vector.block)).toEqual(vector.payload);
    expect(parsePayload(utf8(vector.plaintext))).toEqual(vector.payload);
  });

  it('of 1 MiB fits, and a longer one is refused before it is sealed', async () => {
    const longest = { ...payload, value: 'x'.repeat(maxSealedBytes - 2) };
    const block = await sealValue(Array<string>(32).fill(recipient), longest);
    expect(await openSealedValue([identity], block)).toEqual(longest);
    await expect(sealValue([recipient], { ...payload, value: 'x'.repeat(maxSealedBytes - 1) })).rejects.toMatchObject({
      code: 'value-too-large',
    });
  });

  it('needs recipients that are public keys, and an error shows no other', async () => {
    for (const wrong of [[], [identity], ['age1nonsense'], [`${recipient}x`], [''], Array<string>(33).fill(recipient)]) {
      const error: unknown = await sealValue(wrong, payload).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: 'Fault', code: 'usage' });
      expect(String((error as Error).stack)).not.toContain(identity.slice(0, 20));
    }
  });
});

describe('an identity', () => {
  it('that is misspelt is refused, and not quoted', async () => {
    const swapped = identity.endsWith('Q') ? 'P' : 'Q';
    const wrong = [
      '',
      'AGE-SECRET-KEY-1',
      identity.toLowerCase(),
      identity.slice(0, -1) + swapped,
      `${identity}Q`,
      identity.slice(0, -7),
    ];
    for (const text of wrong) {
      const error: unknown = await sealedOpener([text]).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toBe('not an age identity');
    }
  });
});

describe('what is no sealed value', () => {
  it('is refused where it is no armoured block', async () => {
    const block = await sealValue([recipient], payload);
    const wrong = [
      '',
      'secret',
      block.slice(10),
      block.replace('END AGE', 'END'),
      block.replaceAll('\n', ' '),
      `${block}x`,
      'age-encryption.org/v1\n',
    ];
    for (const text of wrong) expect(await refusal(openSealedValue([identity], text))).toMatch(/not an armoured age block/);
  });

  it('is refused as damaged where any line of it was changed', async () => {
    const block = await sealValue([recipient], payload);
    const file = dearmor(block) ?? new Uint8Array(0);
    for (let at = 0; at < file.length; at += 5) {
      const altered = file.map((byte, index) => (index === at ? byte ^ 1 : byte));
      expect(await refusal(openSealedValue([identity], armor(altered)))).toMatch(/damaged|not made for this store/);
    }
    for (const length of [0, 10, 100, file.length - 1]) {
      expect(await refusal(openSealedValue([identity], armor(file.subarray(0, length))))).toMatch(
        /damaged|not made|not an armoured/,
      );
    }
  });

  it('is refused where a bare age block holds something else, without a word of what it holds', async () => {
    const bare = ['canary', '"canary"', '["canary"]', '{"canary":1}', 'null', '', '\u0000canary'];
    for (const text of bare) {
      const message = await refusal(openSealedValue([identity], await bareBlock(text)));
      expect(message).toMatch(/bare age block.*secretctl encrypt/);
      expect(message).not.toContain('canary');
    }
  });

  it('is refused where the payload is not exactly one', async () => {
    const forms: [object, RegExp][] = [
      [{ ...payload, v: 2 }, /does not know/],
      [{ ...payload, v: '1' }, /does not know/],
      [{ ...payload, extra: 1 }, /malformed/],
      [{ v: 1, address: payload.address, field: 'f' }, /malformed/],
      [{ ...payload, field: 1 }, /malformed/],
      [{ ...payload, address: ['a', 'b'] }, /malformed/],
      [{ ...payload, address: ['a', 1, 'b'] }, /malformed/],
      [{ ...payload, address: 'a' }, /malformed/],
      [{ ...payload, value: JSON.parse(`${'['.repeat(70)}${']'.repeat(70)}`) as Json }, /levels deep/],
    ];
    for (const [form, message] of forms) {
      const refused = await refusal(openSealedValue([identity], await bareBlock(JSON.stringify(form))));
      expect(refused).toMatch(message);
      expect(refused).not.toContain('canary');
    }
  });

  it('is refused before any work where it is huge or names hundreds of recipients', async () => {
    expect(await refusal(openSealedValue([identity], 'x'.repeat(1_600_000)))).toMatch(/larger/);
    const many = await bareBlock('x', Array<string>(40).fill(recipient));
    expect(await refusal(openSealedValue([identity], many))).toMatch(/more than 32 recipients/);
    const endless = armor(utf8(`age-encryption.org/v1\n${'-> X25519 a\n'.repeat(20_000)}`));
    expect(await refusal(openSealedValue([identity], endless))).toMatch(/damaged/);
  });

  it('is refused where a passphrase seals it', async () => {
    const encrypter = new Encrypter();
    encrypter.setPassphrase('pass');
    encrypter.setScryptWorkFactor(2);
    expect(await refusal(openSealedValue([identity], armor(await encrypter.encrypt('x'))))).toMatch(/not made for this store/);
  });
});

describe('armour', () => {
  it('is that of the age package, both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (file) => {
        expect(armor(file)).toBe(theirArmor.encode(file));
        expect(dearmor(theirArmor.encode(file))).toEqual(file);
      }),
      properties(100),
    );
  });

  it('takes what the package takes: no more, no less', () => {
    const line = fc.constantFrom(
      'A'.repeat(64),
      'AAAA',
      'AA==',
      'AB==',
      'A',
      '',
      '=',
      '====',
      'é',
      'A'.repeat(60) + 'AA==',
      '-----END AGE ENCRYPTED FILE-----',
    );
    const text = fc.tuple(
      fc.constantFrom('', ' \n', '\r\n'),
      fc.array(line, { maxLength: 3 }),
      fc.constantFrom('\n', '\r\n'),
      fc.constantFrom('', '\n\n', 'x'),
    );
    fc.assert(
      fc.property(text, ([before, lines, end, after]) => {
        const block =
          before + ['-----BEGIN AGE ENCRYPTED FILE-----', ...lines, '-----END AGE ENCRYPTED FILE-----'].join(end) + after;
        let theirs: Uint8Array | null = null;
        try {
          theirs = theirArmor.decode(block);
        } catch {
          // Refused.
        }
        expect(dearmor(block)).toEqual(theirs?.length === 0 ? null : theirs);
      }),
      properties(300),
    );
  });

  it('in CRLF or with blank lines around is the same block, by digest and by content', async () => {
    const block = await sealValue([recipient], payload);
    for (const variant of [block.replaceAll('\n', '\r\n'), `\n\n${block}\n`, block.trimEnd()]) {
      expect(sealedDigest(variant)).toBe(sealedDigest(block));
      expect(await openSealedValue([identity], variant)).toEqual(payload);
    }
  });
});
