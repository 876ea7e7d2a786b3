import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { kv } from '../../../src/engines/kv/index.ts';
import { member, mounted, type Mounted } from '../mounted.ts';

const none = { status: 404, errors: [] };
const hour = 3600_000;

let mount: Mounted;
beforeEach(async () => {
  mount = await mounted(kv, { version: '2' });
});

/** Writes versions 1 to `count`, each holding its number. */
async function versions(path: string, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) expect((await mount.write(`data/${path}`, { data: { n } })).status).toBe(200);
}

/** The number that a version holds, or the status of its read. */
async function held(path: string, version?: number): Promise<unknown> {
  const answer = await mount.read(`data/${path}`, version === undefined ? {} : { version });
  return answer.status === 200 ? member(answer, 'data', 'n') : answer.status;
}

describe('writing and reading a secret', () => {
  it('answers a write with the new version', async () => {
    expect(await mount.write('data/a', { data: { k: 'v' } })).toMatchObject({
      status: 200,
      data: { version: 1, created_time: '2026-11-01T00:00:00.000Z', deletion_time: '', destroyed: false, custom_metadata: null },
    });
    expect(member(await mount.write('data/a', { data: {} }), 'version')).toBe(2);
  });

  it('reads the newest version or one by number', async () => {
    await versions('a', 3);
    expect(await held('a')).toBe(3);
    expect(await held('a', 0)).toBe(3);
    expect(await held('a', 2)).toBe(2);
    expect((await mount.read('data/a', { version: '1' })).data).toMatchObject({ data: { n: 1 }, metadata: { version: 1 } });
  });

  it('gives back the very value, whatever its types and names', async () => {
    const data = JSON.parse(
      '{"__proto__": {"a": 1}, "n": 0.1, "list": [null, true], "é": "\\u0000", "data": {"x": {}}}',
    ) as JsonObject;
    await mount.write('data/odd', { data });
    expect(JSON.stringify(member(await mount.read('data/odd'), 'data'))).toBe(JSON.stringify(data));
  });

  it('answers a deleted and a destroyed version with 404 and what is known about it', async () => {
    await versions('a', 2);
    await mount.delete('data/a');
    expect(await mount.read('data/a')).toEqual({
      status: 404,
      data: {
        data: null,
        metadata: {
          version: 2,
          created_time: '2026-11-01T00:00:00.000Z',
          deletion_time: '2026-11-01T00:00:00.000Z',
          destroyed: false,
          custom_metadata: null,
        },
      },
    });
    await mount.write('destroy/a', { versions: [1] });
    expect(await mount.read('data/a', { version: 1 })).toMatchObject({
      status: 404,
      data: { data: null, metadata: { destroyed: true } },
    });
  });

  it('answers what never was, was trimmed or has only metadata with 404 and no data', async () => {
    expect(await mount.read('data/a')).toEqual(none);
    await mount.write('metadata/b', { max_versions: 1 });
    expect(await mount.read('data/b')).toEqual(none);
    await mount.write('config', { max_versions: 2 });
    await versions('a', 3);
    expect(await mount.read('data/a', { version: 1 })).toEqual(none);
    expect(await mount.read('data/a', { version: 4 })).toEqual(none);
  });

  it('refuses a write or a patch without data', async () => {
    await versions('a', 1);
    for (const body of [{}, { data: null }, { value: 1 }] as JsonObject[]) {
      expect(await mount.write('data/a', body)).toEqual({ status: 400, errors: ['no data provided'] });
      expect(await mount.patch('data/a', body)).toEqual({ status: 400, errors: ['no data provided'] });
    }
    expect(await mount.write('data/a', { data: 'text' })).toMatchObject({
      status: 400,
      errors: [expect.stringContaining('"data"')],
    });
    expect(await held('a')).toBe(1);
  });

  it('knows create from update by whether anything is known about the path', async () => {
    expect(await mount.exists('data/a')).toBe(false);
    expect(await mount.exists('metadata/a')).toBe(false);
    await versions('a', 1);
    await mount.delete('data/a');
    expect(await mount.exists('data/a')).toBe(true);
    expect(await mount.exists('metadata/a')).toBe(true);
    expect(await mount.exists('delete/other')).toBe(true);
  });

  it('refuses a secret of more than 1 MiB, also one that a patch would make', async () => {
    const half = 'x'.repeat(600 * 1024);
    expect(await mount.write('data/a', { data: { v: half + half } })).toMatchObject({
      status: 413,
      errors: [expect.stringContaining('too large')],
    });
    expect(await mount.read('data/a')).toEqual(none);
    await mount.write('data/a', { data: { v: half } });
    expect(await mount.patch('data/a', { data: { w: half } })).toMatchObject({ status: 413 });
    expect(member(await mount.read('data/a'), 'metadata', 'version')).toBe(1);
  });

  it('keeps a secret apart from one whose path looks like its version', async () => {
    await mount.write('data/a', { data: { n: 'short' } });
    await mount.write('data/a/1', { data: { n: 'long' } });
    await mount.delete('metadata/a');
    expect(await held('a/1')).toBe('long');
  });
});

describe('check-and-set', () => {
  const mismatch = { status: 400, errors: ['check-and-set parameter did not match the current version'] };
  const required = { status: 400, errors: ['check-and-set parameter required for this call'] };

  it('compares with the number of the newest version', async () => {
    expect(await mount.write('data/a', { data: {}, options: { cas: 1 } })).toEqual(mismatch);
    expect(await mount.write('data/a', { data: {}, options: { cas: 0 } })).toMatchObject({ status: 200 });
    expect(await mount.write('data/a', { data: {}, options: { cas: 0 } })).toEqual(mismatch);
    expect(await mount.write('data/a', { data: {}, options: { cas: '1' } })).toMatchObject({ status: 200 });
    expect(await mount.patch('data/a', { data: {}, options: { cas: 1 } })).toEqual(mismatch);
    expect(await mount.patch('data/a', { data: {}, options: { cas: 2 } })).toMatchObject({ status: 200 });
  });

  it('with 0 fails after a soft delete, and passes where there is only metadata', async () => {
    await versions('a', 1);
    await mount.delete('data/a');
    expect(await mount.write('data/a', { data: {}, options: { cas: 0 } })).toEqual(mismatch);
    await mount.write('metadata/b', { max_versions: 3 });
    expect(await mount.write('data/b', { data: {}, options: { cas: 0 } })).toMatchObject({ status: 200 });
  });

  it('is required where the mount or the secret says so', async () => {
    await versions('a', 1);
    await versions('b', 1);
    await mount.write('metadata/a', { cas_required: true });
    expect(await mount.write('data/a', { data: {} })).toEqual(required);
    expect(await mount.patch('data/a', { data: {}, options: {} })).toEqual(required);
    expect(await mount.write('data/b', { data: {} })).toMatchObject({ status: 200 });
    await mount.write('config', { cas_required: true });
    expect(await mount.write('data/b', { data: {} })).toEqual(required);
    expect(await mount.write('data/new', { data: {} })).toEqual(required);
    expect(await mount.write('data/b', { data: {}, options: { cas: 2 } })).toMatchObject({ status: 200 });
  });

  it.each([['one'], [1.5], [[1]], [{}], [-1]])('refuses %j', async (cas) => {
    await versions('a', 1);
    expect(await mount.write('data/a', { data: {}, options: { cas } })).toMatchObject({ status: 400 });
    expect(await held('a')).toBe(1);
  });

  it('takes null for 0, never for "do not check"', async () => {
    await versions('a', 1);
    expect(await mount.write('data/a', { data: {}, options: { cas: null } })).toEqual(mismatch);
  });
});

describe('patching a secret', () => {
  it('merges objects, removes by null, replaces the rest, and makes a new version', async () => {
    await mount.write('data/a', { data: { keep: 1, drop: 2, deep: { x: 1, y: { z: 1 } }, list: [1, 2] } });
    expect(
      member(
        await mount.patch('data/a', { data: { drop: null, deep: { y: { w: 2 } }, list: [3], add: { n: { m: null } } } }),
        'version',
      ),
    ).toBe(2);
    expect(member(await mount.read('data/a'), 'data')).toEqual({
      keep: 1,
      deep: { x: 1, y: { z: 1, w: 2 } },
      list: [3],
      add: { n: {} },
    });
    expect(member(await mount.read('data/a', { version: 1 }), 'data', 'drop')).toBe(2);
  });

  it('needs a newest version that can be read', async () => {
    expect(await mount.patch('data/a', { data: {} })).toEqual(none);
    await mount.write('metadata/a', { max_versions: 3 });
    expect(await mount.patch('data/a', { data: {} })).toEqual(none);
    await versions('a', 2);
    await mount.delete('data/a');
    expect(await mount.patch('data/a', { data: {} })).toMatchObject({ status: 404, data: { version: 2, destroyed: false } });
    await mount.write('destroy/a', { versions: [2] });
    expect(await mount.patch('data/a', { data: {} })).toMatchObject({ status: 404, data: { version: 2, destroyed: true } });
    expect(member(await mount.read('metadata/a'), 'current_version')).toBe(2);
  });

  it('with the option whole puts fields as they are in place of those there, and takes away what remove names', async () => {
    await mount.write('data/a', { data: { kept: { a: 1 }, gone: 1, put: { x: 1, y: 2 } } });
    const options = { whole: true, remove: ['gone', 'never there'] };
    await mount.patch('data/a', { data: { put: { x: null }, nothing: null }, options });
    expect(await mount.read('data/a')).toMatchObject({ data: { data: { kept: { a: 1 }, put: { x: null }, nothing: null } } });
    expect(Object.keys(member(await mount.read('data/a'), 'data') as object).sort()).toEqual(['kept', 'nothing', 'put']);
    for (const remove of ['gone', [1], {}])
      expect(await mount.patch('data/a', { data: {}, options: { whole: true, remove } })).toMatchObject({ status: 400 });
  });
});

describe('the number of versions that are kept', () => {
  it('is 10 unless told', async () => {
    await versions('a', 11);
    expect(await held('a', 1)).toBe(404);
    expect(await held('a', 2)).toBe(2);
  });

  it('is the greater one of the mount and the secret', async () => {
    await mount.write('config', { max_versions: 2 });
    await mount.write('metadata/a', { max_versions: 4 });
    await mount.write('metadata/b', { max_versions: 1 });
    await versions('a', 5);
    await versions('b', 5);
    expect(Object.keys(member(await mount.read('metadata/a'), 'versions') as object)).toEqual(['2', '3', '4', '5']);
    expect(Object.keys(member(await mount.read('metadata/b'), 'versions') as object)).toEqual(['4', '5']);
  });

  it('takes effect only with the next write, and then removes the values too', async () => {
    await versions('a', 5);
    await mount.write('metadata/a', { max_versions: 2 });
    expect(await held('a', 1)).toBe(1);
    await versions('a', 1);
    expect(await held('a', 4)).toBe(404);
    expect(await held('a', 5)).toBe(5);
    expect(await mount.records('versions/')).toEqual(['versions/a/5', 'versions/a/6']);
  });

  it('leaves no value behind when it shrinks past a destroyed version', async () => {
    await versions('a', 5);
    await mount.write('destroy/a', { versions: [3] });
    await mount.write('metadata/a', { max_versions: 1 });
    await versions('a', 1);
    expect(await mount.records('versions/')).toEqual(['versions/a/6']);
  });

  it.each([[-1], [2 ** 32], ['many']])('cannot be %j', async (count) => {
    expect(await mount.write('config', { max_versions: count })).toMatchObject({ status: 400 });
    expect(await mount.write('metadata/a', { max_versions: count })).toMatchObject({ status: 400 });
    expect(await mount.read('metadata/a')).toEqual(none);
  });
});

describe('the age at which versions are deleted', () => {
  it.each([
    ['1h', '0s', 1],
    ['0s', '1h', 1],
    ['1h', '3h', 1],
    ['3h', '1h', 1],
  ])('with %s on the mount and %s on the secret is the shorter one that is set', async (ofMount, ofSecret, hours) => {
    await mount.write('config', { delete_version_after: ofMount });
    await mount.write('metadata/a', { delete_version_after: ofSecret });
    const answer = await mount.write('data/a', { data: { n: 1 } });
    expect(member(answer, 'deletion_time')).toBe(new Date(mount.now + hours * hour).toISOString());
    mount.now += hours * hour - 1;
    expect(await held('a')).toBe(1);
    mount.now += 1;
    expect(await mount.read('data/a')).toMatchObject({ status: 404, data: { data: null } });
  });

  it('never comes where the mount has a negative one', async () => {
    await mount.write('config', { delete_version_after: '-5s' });
    await mount.write('metadata/a', { delete_version_after: '1h' });
    expect(member(await mount.write('data/a', { data: { n: 1 } }), 'deletion_time')).toBe('');
    expect(member(await mount.read('config'), 'delete_version_after')).toBe('-1s');
    await mount.write('config', { delete_version_after: 0 });
    expect(member(await mount.read('config'), 'delete_version_after')).toBe('0s');
  });

  it('is fixed when the version is written', async () => {
    await mount.write('metadata/a', { delete_version_after: '1h' });
    await versions('a', 1);
    await mount.write('metadata/a', { delete_version_after: '0s' });
    await versions('a', 1);
    mount.now += 2 * hour;
    expect(await held('a', 1)).toBe(404);
    expect(await held('a', 2)).toBe(1);
  });

  it('starts anew with an undelete', async () => {
    await mount.write('metadata/a', { delete_version_after: '1h' });
    await versions('a', 1);
    mount.now += 2 * hour;
    expect(await held('a')).toBe(404);
    expect(await mount.write('undelete/a', { versions: [1] })).toEqual({ status: 204 });
    expect(await held('a')).toBe(1);
    mount.now += hour;
    expect(await held('a')).toBe(404);
  });

  it('reads as Go prints durations', async () => {
    await mount.write('metadata/a', { delete_version_after: '3h' });
    expect(member(await mount.read('metadata/a'), 'delete_version_after')).toBe('3h0m0s');
    await mount.write('config', { delete_version_after: 90 });
    expect(member(await mount.read('config'), 'delete_version_after')).toBe('1m30s');
  });

  it('cannot be negative on a secret, nor beyond all times', async () => {
    expect(await mount.write('metadata/a', { delete_version_after: '-1h' })).toMatchObject({ status: 400 });
    expect(await mount.write('metadata/a', { delete_version_after: '999999999999s' })).toMatchObject({ status: 400 });
    expect(await mount.read('metadata/a')).toEqual(none);
  });
});

describe('delete, undelete and destroy', () => {
  it.each(['delete', 'undelete', 'destroy'])(
    '%s is content with a path that has no secret, not with an empty list',
    async (verb) => {
      expect(await mount.write(`${verb}/a`, { versions: [1] })).toEqual({ status: 204 });
      expect(await mount.write(`${verb}/a`, { versions: [] })).toEqual({ status: 400, errors: ['No version number provided'] });
      expect(await mount.write(`${verb}/a`, {})).toEqual({ status: 400, errors: ['No version number provided'] });
      expect(await mount.write(`${verb}/a`, { versions: ['x'] })).toMatchObject({ status: 400 });
      expect(await mount.read('metadata/a')).toEqual(none);
    },
  );

  it('work on the versions that are named, also as text, and pass over those that do not exist', async () => {
    await versions('a', 3);
    expect(await mount.write('delete/a', { versions: '1,3,7' })).toEqual({ status: 204 });
    expect([await held('a', 1), await held('a', 2), await held('a', 3)]).toEqual([404, 2, 404]);
    expect(await mount.write('undelete/a', { versions: [1, '3', -2] })).toEqual({ status: 204 });
    expect([await held('a', 1), await held('a', 2), await held('a', 3)]).toEqual([1, 2, 3]);
  });

  it('delete without a list means the newest version', async () => {
    await versions('a', 2);
    expect(await mount.delete('data/a')).toEqual({ status: 204 });
    expect([await held('a', 1), await held('a', 2)]).toEqual([1, 404]);
    expect(await mount.delete('data/nothing')).toEqual({ status: 204 });
  });

  it('a second delete does not move the time of the first', async () => {
    await versions('a', 1);
    await mount.delete('data/a');
    const first = member(await mount.read('metadata/a'), 'versions', '1', 'deletion_time');
    mount.now += hour;
    await mount.delete('data/a');
    await mount.write('delete/a', { versions: [1] });
    expect(member(await mount.read('metadata/a'), 'versions', '1', 'deletion_time')).toBe(first);
  });

  it('destroy removes the value for good, also of a deleted version', async () => {
    await versions('a', 2);
    await mount.delete('data/a');
    await mount.write('destroy/a', { versions: [2] });
    await mount.write('undelete/a', { versions: [2] });
    expect(await held('a', 2)).toBe(404);
    expect(await mount.records('versions/')).toEqual(['versions/a/1']);
  });

  it('deleting the metadata removes everything, and numbering starts again', async () => {
    await versions('a', 3);
    await versions('a/b', 1);
    await mount.write('destroy/a', { versions: [1] });
    expect(await mount.delete('metadata/a')).toEqual({ status: 204 });
    expect(await mount.delete('metadata/a')).toEqual({ status: 204 });
    expect(await mount.read('metadata/a')).toEqual(none);
    expect(await mount.records()).toEqual(['metadata/a/b', 'versions/a/b/1']);
    expect(member(await mount.write('data/a', { data: {} }), 'version')).toBe(1);
  });
});

describe('metadata', () => {
  it('says all about a secret but its values', async () => {
    await versions('a', 1);
    mount.now += 1500;
    await mount.write('metadata/a', { max_versions: 5, cas_required: 'true', custom_metadata: { owner: 'team' } });
    expect((await mount.read('metadata/a')).data).toEqual({
      versions: { 1: { created_time: '2026-11-01T00:00:00.000Z', deletion_time: '', destroyed: false } },
      current_version: 1,
      current_version_live: true,
      oldest_version: 0,
      created_time: '2026-11-01T00:00:00.000Z',
      updated_time: '2026-11-01T00:00:01.500Z',
      max_versions: 5,
      cas_required: true,
      delete_version_after: '0s',
      custom_metadata: { owner: 'team' },
    });
  });

  it('never opens a value', async () => {
    await versions('a', 1);
    mount.opened.length = 0;
    await mount.read('metadata/a');
    await mount.list('metadata');
    await mount.observe('a');
    expect(mount.opened).toEqual(['metadata/a', 'metadata/a']);
  });

  it('says whether the newest version can be read', async () => {
    const live = async () => member(await mount.read('metadata/a'), 'current_version_live');
    await mount.write('metadata/a', { delete_version_after: '1h' });
    expect(await live()).toBe(false);
    await versions('a', 1);
    expect(await live()).toBe(true);
    mount.now += hour;
    expect(await live()).toBe(false);
    await mount.write('undelete/a', { versions: [1] });
    expect(await live()).toBe(true);
    await mount.write('destroy/a', { versions: [1] });
    expect(await live()).toBe(false);
  });

  it('a write without a known field does nothing', async () => {
    expect(await mount.write('metadata/a', { note: 'x' })).toEqual({ status: 204 });
    expect(await mount.patch('metadata/a', { note: 'x' })).toEqual({ status: 204 });
    expect(await mount.read('metadata/a')).toEqual(none);
  });

  it('a write changes only what it names, and replaces all custom metadata', async () => {
    await mount.write('metadata/a', { max_versions: 5, custom_metadata: { a: '1', b: '2' } });
    await mount.write('metadata/a', { cas_required: true });
    await mount.write('metadata/a', { custom_metadata: { c: '3' } });
    expect((await mount.read('metadata/a')).data).toMatchObject({
      max_versions: 5,
      cas_required: true,
      custom_metadata: { c: '3' },
    });
    await mount.write('metadata/a', { custom_metadata: {} });
    expect(member(await mount.read('metadata/a'), 'custom_metadata')).toBeNull();
  });

  it('a patch merges custom metadata, where null removes', async () => {
    await mount.write('metadata/a', { custom_metadata: { a: '1', b: '2' } });
    expect(await mount.patch('metadata/a', { custom_metadata: { a: null, c: 3, d: true }, max_versions: 7 })).toEqual({
      status: 204,
    });
    expect((await mount.read('metadata/a')).data).toMatchObject({ max_versions: 7, custom_metadata: { b: '2', c: '3', d: '1' } });
    expect(await mount.patch('metadata/none', { max_versions: 1 })).toEqual(none);
  });

  it('a patch takes away what it names as null', async () => {
    await mount.write('metadata/a', {
      max_versions: 3,
      cas_required: true,
      delete_version_after: '1h',
      custom_metadata: { a: 'b' },
    });
    const nulls = { max_versions: null, cas_required: null, delete_version_after: null, custom_metadata: null };
    expect(await mount.patch('metadata/a', nulls)).toEqual({ status: 204 });
    expect((await mount.read('metadata/a')).data).toMatchObject({
      max_versions: 0,
      cas_required: false,
      delete_version_after: '0s',
      custom_metadata: null,
    });
    expect(await mount.patch('metadata/none', { max_versions: null })).toEqual(none);
  });

  it('stands in the answers to reads and writes of the data', async () => {
    await mount.write('metadata/a', { custom_metadata: { owner: 'team' } });
    expect(member(await mount.write('data/a', { data: {} }), 'custom_metadata')).toEqual({ owner: 'team' });
    expect(member(await mount.read('data/a'), 'metadata', 'custom_metadata')).toEqual({ owner: 'team' });
  });

  it.each([
    ['more than 64 keys', Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, 'v']))],
    ['a key of more than 128 bytes', { ['é'.repeat(65)]: 'v' }],
    ['an empty key', { '': 'v' }],
    ['a value of more than 512 bytes', { k: 'é'.repeat(257) }],
    ['an empty value', { k: '' }],
    ['null as a value', { k: null }],
    ['an object as a value', { k: {} }],
    ['an unprintable key', { 'a\tb': 'v' }],
    ['an unprintable value', { k: 'a\u0007' }],
  ])('refuses %s', async (_, metadata) => {
    expect(await mount.write('metadata/a', { custom_metadata: metadata })).toMatchObject({
      status: 400,
      errors: [expect.stringContaining('custom_metadata validation failed')],
    });
    expect(await mount.read('metadata/a')).toEqual(none);
  });

  it('takes custom metadata at its limits, and a patch past them is refused too', async () => {
    const full = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`${i}`.padStart(128, 'k'), 'v'.repeat(512)]));
    expect(await mount.write('metadata/a', { custom_metadata: full })).toEqual({ status: 204 });
    expect(await mount.patch('metadata/a', { custom_metadata: { one: 'more' } })).toMatchObject({ status: 400 });
  });

  it('tells all problems of custom metadata at once', async () => {
    const answer = await mount.write('metadata/a', { custom_metadata: { a: '', '': 'x' } });
    expect(answer.errors).toHaveLength(2);
  });

  it('warns that a secret cannot lift what the mount requires', async () => {
    await mount.write('config', { cas_required: true });
    expect(await mount.write('metadata/a', { cas_required: false })).toMatchObject({
      status: 200,
      warnings: [expect.stringContaining('mandated by backend config')],
    });
  });

  it('refuses a check of its own version instead of passing over it', async () => {
    expect(await mount.write('metadata/a', { max_versions: 1, metadata_cas: 0 })).toMatchObject({ status: 400 });
    expect(await mount.patch('metadata/a', { max_versions: 1, metadata_cas: 0 })).toMatchObject({ status: 400 });
  });
});

describe('listing', () => {
  it('shows the names in a folder, folders with a slash, deleted secrets too', async () => {
    for (const path of ['b', 'a', 'a/x', 'c/d/e']) await versions(path, 1);
    await mount.delete('data/b');
    expect((await mount.list('metadata/')).data).toEqual({ keys: ['a', 'a/', 'b', 'c/'] });
    expect((await mount.list('metadata/c')).data).toEqual({ keys: ['d/'] });
    expect(await mount.list('metadata/zzz')).toEqual(none);
  });

  it('comes in pages', async () => {
    for (const path of ['a', 'b', 'c/x', 'd']) await versions(path, 1);
    expect((await mount.list('metadata', { limit: 2 })).data).toEqual({ keys: ['a', 'b'] });
    expect((await mount.list('metadata', { limit: 2, after: 'b' })).data).toEqual({ keys: ['c/', 'd'] });
    expect((await mount.list('metadata', { after: 'bb', limit: -1 })).data).toEqual({ keys: ['c/', 'd'] });
    expect(await mount.list('metadata', { after: 'd' })).toEqual(none);
  });
});

describe('subkeys', () => {
  beforeEach(() =>
    mount.write('data/a', { data: { s: 'secret', list: [{ x: 1 }], empty: {}, deep: { one: { two: 'secret' } } } }),
  );

  it('shows the structure and none of the values', async () => {
    const answer = await mount.read('subkeys/a');
    expect(answer.data).toMatchObject({
      metadata: { version: 1 },
      subkeys: { s: null, list: null, empty: null, deep: { one: { two: null } } },
    });
    expect(JSON.stringify(answer)).not.toContain('secret');
  });

  it.each([
    [1, null],
    [2, { one: null }],
    [3, { one: { two: null } }],
    [0, { one: { two: null } }],
  ])('to a depth of %d', async (depth, deep) => {
    expect(member(await mount.read('subkeys/a', { depth }), 'subkeys', 'deep')).toEqual(deep);
  });

  it('of one version, and 404 with what is known where that is deleted', async () => {
    await mount.write('data/a', { data: { other: 1 } });
    await mount.delete('data/a');
    expect(member(await mount.read('subkeys/a', { version: 1 }), 'subkeys', 's')).toBeNull();
    expect(await mount.read('subkeys/a')).toMatchObject({ status: 404, data: { subkeys: null, metadata: { version: 2 } } });
    expect(await mount.read('subkeys/none')).toEqual(none);
  });
});

describe('the settings of the mount', () => {
  it('have defaults, and change one by one', async () => {
    expect((await mount.read('config')).data).toEqual({ max_versions: 0, cas_required: false, delete_version_after: '0s' });
    expect(await mount.write('config', { max_versions: 3 })).toEqual({ status: 204 });
    expect(await mount.write('config', { cas_required: true, delete_version_after: '1h' })).toEqual({ status: 204 });
    expect(await mount.write('config', { other: 1 })).toEqual({ status: 204 });
    expect((await mount.read('config')).data).toEqual({ max_versions: 3, cas_required: true, delete_version_after: '1h0m0s' });
  });
});

describe('paths that a versioned mount does not have', () => {
  it.each(['read', 'list', 'write', 'patch', 'delete'] as const)(
    'answer a %s with 404 and a warning that tells the way',
    async (operation) => {
      expect(await mount.call(operation, 'app/db', { v: 1 })).toMatchObject({
        status: 404,
        warnings: [expect.stringContaining('Invalid path')],
      });
      expect(await mount.records()).toEqual([]);
    },
  );

  it('include the folders themselves', async () => {
    expect(await mount.read('metadata')).toMatchObject({
      status: 404,
      warnings: [expect.stringContaining('root of a K/V v2 mount')],
    });
  });
});

describe('the mark of a secret', () => {
  it('is that of its newest version, written or observed', async () => {
    const first = await mount.write('data/a', { data: {} });
    expect(first.mark).toBe('1@2026-11-01T00:00:00.000Z');
    const second = await mount.patch('data/a', { data: {} });
    expect(second.mark).not.toBe(first.mark);
    expect(await mount.observe('a')).toEqual({ mark: second.mark });
  });

  it('does not change with metadata, and is none before the first version', async () => {
    const { mark } = await mount.write('data/a', { data: {} });
    expect((await mount.write('metadata/a', { max_versions: 2 })).mark).toBeUndefined();
    await mount.delete('data/a');
    expect(await mount.observe('a')).toEqual({ mark });
    await mount.write('metadata/b', { max_versions: 2 });
    expect(await mount.observe('b')).toBeNull();
    expect(await mount.observe('c')).toBeNull();
  });
});
