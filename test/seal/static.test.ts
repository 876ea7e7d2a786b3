import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SealContext } from '../../src/seal/seal-type.ts';
import { staticSeal } from '../../src/seal/static.ts';
import { seededRandom } from '../barrier/fixture.ts';
import { sealConformance } from './conformance.ts';

const random = seededRandom('static');
let root: string;
let count = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'seal-'));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

async function newContext(storeId: string): Promise<SealContext> {
  const directory = join(root, String(count++));
  await mkdir(directory);
  return { storeId, random, settings: { keyFile: join(directory, 'config', `${storeId}.key`) } };
}

const fileOf = (context: SealContext) => context.settings['keyFile'] ?? '';

sealConformance({
  type: staticSeal,
  context: newContext,
  split: null,
  prepare: async () => {},
  bad: [
    {
      what: 'settings without a key file',
      code: 'settings',
      change: async (context, config) => ({ context: { ...context, settings: {} }, config }),
    },
    {
      what: 'a key file that is not there',
      code: 'seal-key-missing',
      change: async (context, config) => {
        await rm(fileOf(context));
        return { context, config };
      },
    },
    {
      what: 'a key file that the group can read',
      code: 'seal-key-permissions',
      change: async (context, config) => {
        await chmod(fileOf(context), 0o640);
        return { context, config };
      },
    },
    {
      what: 'a key file with another key',
      code: 'seal-key-wrong',
      change: async (context, config) => {
        await writeFile(fileOf(context), `${'ab'.repeat(32)}\n`);
        return { context, config };
      },
    },
    {
      what: 'a key file that holds something else',
      code: 'seal-key-wrong',
      change: async (context, config) => {
        await writeFile(fileOf(context), 'canary\n');
        return { context, config };
      },
    },
  ],
});

describe('a key file', () => {
  let context: SealContext;
  let path: string;
  const rootKey = random.bytes(32);

  beforeEach(async () => {
    context = await newContext('store-1');
    path = fileOf(context);
  });

  it('is one line of hex, 0600 in a directory 0700, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      await staticSeal.create(context, null);
    } finally {
      process.umask(before);
    }
    expect(await readFile(path, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
  });

  it('may be a symbolic link, in capitals, or without its line end', async () => {
    const made = await staticSeal.create(context, null);
    const blob = await made.seal.wrap(rootKey);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.trim().toUpperCase());
    expect(await made.seal.unwrap(blob)).toEqual(rootKey);
    await rename(path, `${path}.real`);
    await symlink(`${path}.real`, path);
    expect(await made.seal.unwrap(blob)).toEqual(rootKey);
  });

  it('that others can read is named with the command that mends it', async () => {
    const made = await staticSeal.create(context, null);
    for (const mode of [0o604, 0o644, 0o660, 0o620, 0o601]) {
      await chmod(path, mode);
      await expect(made.seal.wrap(rootKey)).rejects.toMatchObject({
        code: 'seal-key-permissions',
        message: expect.stringContaining(path) as string,
        hint: expect.stringContaining(`chmod 600 ${path}`) as string,
      });
      expect(await made.seal.health()).toContain(path);
    }
  });

  it('that is missing is named, with what to do', async () => {
    const made = await staticSeal.create(context, null);
    await rm(path);
    await expect(made.seal.wrap(rootKey)).rejects.toMatchObject({
      code: 'seal-key-missing',
      message: expect.stringContaining(path) as string,
      hint: expect.stringContaining('copy') as string,
    });
  });

  it.each([
    ['nothing', ''],
    ['a short line', 'ab'.repeat(31)],
    ['a long line', 'ab'.repeat(33)],
    ['three keys', `${'ab'.repeat(32)}\n`.repeat(3)],
    ['something that is no hex', 'zz'.repeat(32)],
    ['megabytes', 'a'.repeat(5_000_000)],
    ['a byte order mark', `\ufeff${'ab'.repeat(32)}`],
  ])('with %s is no key file, and the error shows none of it', async (_, text) => {
    await mkdir(join(path, '..'));
    await writeFile(path, text, { mode: 0o600 });
    const error: unknown = await staticSeal
      .open(context, { type: 'static', wrapped: new Uint8Array(73), shamir: null, recovery: null })
      .unwrap(new Uint8Array(73))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'seal-key-wrong' });
    expect(inspect(error, { depth: 9 })).not.toContain('abab');
  });

  it('that is a directory is no key file', async () => {
    await mkdir(path, { recursive: true });
    const seal = staticSeal.open(context, { type: 'static', wrapped: new Uint8Array(73), shamir: null, recovery: null });
    await expect(seal.unwrap(new Uint8Array(73))).rejects.toMatchObject({ code: 'seal-key-wrong' });
  });

  it('holds the old and the new key during a rekey, and the new one alone afterwards', async () => {
    const first = await staticSeal.create(context, null);
    const oldBlob = await first.seal.wrap(rootKey);
    await first.settle();
    const oldText = await readFile(path, 'utf8');

    const second = await staticSeal.create(context, null);
    const newBlob = await second.seal.wrap(rootKey);
    expect(await first.seal.unwrap(oldBlob)).toEqual(rootKey);
    expect(await first.seal.unwrap(newBlob)).toEqual(rootKey);

    // The rekey was interrupted and is begun again: no key that the store may need is lost.
    const third = await staticSeal.create(context, null);
    expect(await third.seal.unwrap(oldBlob)).toEqual(rootKey);
    expect(await third.seal.unwrap(newBlob)).toEqual(rootKey);

    await third.settle();
    const text = await readFile(path, 'utf8');
    expect(text).toMatch(/^[0-9a-f]{64}\n$/);
    expect(text).not.toBe(oldText);
    expect(await third.seal.unwrap(newBlob)).toEqual(rootKey);
    await expect(third.seal.unwrap(oldBlob)).rejects.toMatchObject({ code: 'seal-key-wrong' });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(path, '..'))).toHaveLength(1);
  });

  it('is never overwritten by a rekey that finds it unreadable', async () => {
    await staticSeal.create(context, null);
    const text = await readFile(path, 'utf8');
    await chmod(path, 0o644);
    await expect(staticSeal.create(context, null)).rejects.toMatchObject({ code: 'seal-key-permissions' });
    expect(await readFile(path, 'utf8')).toBe(text);
  });
});
