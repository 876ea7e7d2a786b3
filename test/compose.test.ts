import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CreatedStore, OpenedStore } from '../src/cli/context.ts';
import { stores } from '../src/compose.ts';

let root: string;
let directory: string;
let configDirectory: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'compose-'));
  directory = join(root, '.secretctl');
  configDirectory = join(root, 'config');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const create = (): Promise<CreatedStore> => stores.create({ directory, configDirectory, seal: { type: 'static' } });

const open = (): Promise<OpenedStore> =>
  stores.open({
    directory,
    configDirectory,
    command: 'test',
    lockTimeout: 0,
    acceptAuditLoss: false,
    nextShare: () => Promise.resolve(null),
    notify: () => undefined,
  });

/** Writes and reads a secret with the root token that `init` left. */
async function use({ tokenFile }: CreatedStore): Promise<unknown> {
  const store = await open();
  const token = readFileSync(tokenFile, 'utf8').trim();
  try {
    await store.handle({ operation: 'write', path: 'cubbyhole/x', data: { a: '1' }, token });
    return (await store.handle({ operation: 'read', path: 'cubbyhole/x', data: {}, token })).data;
  } finally {
    await store.close();
  }
}

describe('making a store', () => {
  test('gives one that its token opens, with files that nobody else can read', async () => {
    const made = await create();
    expect(await use(made)).toEqual({ a: '1' });
    for (const file of [made.tokenFile, made.keyFile ?? '', join(directory, 'settings.yaml')]) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
  });

  test('never touches one whose settings were lost', async () => {
    const made = await create();
    await use(made);
    const settings = readFileSync(join(directory, 'settings.yaml'));
    rmSync(join(directory, 'settings.yaml'));
    await expect(create()).rejects.toMatchObject({ code: 'store-exists' });
    writeFileSync(join(directory, 'settings.yaml'), settings, { mode: 0o600 });
    expect(await use(made)).toEqual({ a: '1' });
  });

  test('never takes the place of one whose data are away, such as on a disk that is not there', async () => {
    await create();
    rmSync(join(directory, 'store'), { recursive: true });
    await expect(create()).rejects.toMatchObject({ code: 'store-exists' });
    expect(existsSync(join(directory, 'store'))).toBe(false);
  });

  test('twice at once gives one store, which both leave alone', async () => {
    const results = await Promise.allSettled([create(), create(), create()]);
    const [made, ...others] = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(others).toEqual([]);
    if (made === undefined) throw new Error('none was made');
    for (const result of results) {
      if (result.status === 'rejected')
        expect(['store-locked', 'store-exists']).toContain((result.reason as { code: string }).code);
    }
    expect(await use(made)).toEqual({ a: '1' });
  });

  test.each(['settings.yaml', 'nothing'])('goes on where it was cut short, when the last file written was %s', async (last) => {
    const before = await create();
    const file = join(directory, 'store', 'store.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('true', 'false'));
    if (last === 'nothing') for (const path of [join(directory, 'settings.yaml'), before.tokenFile]) rmSync(path);
    await expect(open()).rejects.toMatchObject({ code: 'store-missing' });
    const made = await create();
    expect(await use(made)).toEqual({ a: '1' });
    expect(readdirSync(configDirectory).sort()).toEqual([`${made.storeId}.key`, `${made.storeId}.token`]);
  });
});
