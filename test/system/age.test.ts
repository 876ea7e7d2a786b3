import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { ageIdentity } from '../../src/crypto/age-identity.ts';
import { sealedOpener, sealValue } from '../../src/crypto/sealed-value.ts';
import type { SealedPayload } from '../../src/protocol/managed.ts';

// Needs the `age` program (Debian: apt-get install age).
const payload: SealedPayload = { v: 1, address: ['StaticSecret', 'app', 'db'], field: 'data.password', value: 'pä$$\nword' };
const identity = ageIdentity(systemRandom.bytes(32));

const openSealedValue = async (identities: readonly string[], block: string) => (await sealedOpener(identities))(block);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'age-'));
  writeFileSync(join(directory, 'identity'), `${identity}\n`, { mode: 0o600 });
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe('the age program', () => {
  it('derives the same public key from an identity', async () => {
    const theirs = execFileSync('age-keygen', ['-y', join(directory, 'identity')], { encoding: 'utf8' });
    expect(theirs.trim()).toBe(await identityToRecipient(identity));
  });

  it('opens what was sealed, with the identity file', async () => {
    writeFileSync(join(directory, 'block'), await sealValue([await identityToRecipient(identity)], payload));
    const plaintext = execFileSync('age', ['--decrypt', '--identity', join(directory, 'identity'), join(directory, 'block')], {
      encoding: 'utf8',
    });
    expect(JSON.parse(plaintext)).toEqual(payload);
  });

  it('makes what can be opened, also for an identity of its own', async () => {
    execFileSync('age-keygen', ['-o', join(directory, 'theirs')], { stdio: 'ignore' });
    const theirs = readFileSync(join(directory, 'theirs'), 'utf8').match(/AGE-SECRET-KEY-1\w+/)?.[0] ?? '';
    const recipients = [await identityToRecipient(identity), await identityToRecipient(theirs)];
    const block = execFileSync('age', ['--armor', ...recipients.flatMap((recipient) => ['--recipient', recipient])], {
      input: JSON.stringify(payload),
      encoding: 'utf8',
    });
    expect(await openSealedValue([identity], block)).toEqual(payload);
    expect(await openSealedValue([theirs], block)).toEqual(payload);
  });

  it('makes bare blocks that are refused as bare', async () => {
    const block = execFileSync('age', ['--armor', '--recipient', await identityToRecipient(identity)], {
      input: 'hunter2',
      encoding: 'utf8',
    });
    await expect(openSealedValue([identity], block)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('bare age block') as string,
    });
  });
});
