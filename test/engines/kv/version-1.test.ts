import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { systemLeaseTtl } from '../../../src/core/mount-type.ts';
import { kv } from '../../../src/engines/kv/index.ts';
import { mounted, type Mounted } from '../mounted.ts';

describe('KV version 1', () => {
  let mount: Mounted;
  beforeEach(async () => {
    mount = await mounted(kv);
  });

  it('is what a kv mount without options is', async () => {
    expect(await mount.write('app/db', { user: 'u' })).toMatchObject({ status: 204 });
    expect(await mount.read('app/db')).toMatchObject({ status: 200, data: { user: 'u' } });
  });

  it('gives back the very value, whatever its types and names', async () => {
    const data = JSON.parse(
      '{"__proto__": {"a": 1}, "n": 0.1, "list": [null, true], "é": "\\u0000", "data": {"x": 1}}',
    ) as JsonObject;
    await mount.write('odd', data);
    expect(JSON.stringify((await mount.read('odd')).data)).toBe(JSON.stringify(data));
  });

  it('replaces the whole secret at each write', async () => {
    await mount.write('a', { x: '1', y: '2' });
    await mount.write('a', { y: '3' });
    expect((await mount.read('a')).data).toEqual({ y: '3' });
  });

  it('answers 404 without a message where there is nothing to read or to list', async () => {
    expect(await mount.read('nothing')).toEqual({ status: 404, errors: [] });
    expect(await mount.list('')).toEqual({ status: 404, errors: [] });
    await mount.write('folder/a', { x: 1 });
    expect(await mount.read('folder')).toEqual({ status: 404, errors: [] });
    expect(await mount.list('folder/a')).toEqual({ status: 404, errors: [] });
  });

  it('refuses a write without fields', async () => {
    expect(await mount.write('a', {})).toEqual({ status: 400, errors: ['missing data fields'] });
    expect(await mount.read('a')).toMatchObject({ status: 404 });
  });

  it('lists folders with a slash, and a secret beside a folder of the same name', async () => {
    for (const path of ['b', 'a', 'a/x', 'a/y/z', 'c/d']) await mount.write(path, { v: 1 });
    expect((await mount.list('')).data).toEqual({ keys: ['a', 'a/', 'b', 'c/'] });
    expect((await mount.list('a')).data).toEqual({ keys: ['x', 'y/'] });
    expect((await mount.list('a/')).data).toEqual({ keys: ['x', 'y/'] });
    expect((await mount.list('', { after: 'a/', limit: '1' })).data).toEqual({ keys: ['b'] });
  });

  it('deletes one secret, and nothing that is not there', async () => {
    await mount.write('a', { v: 1 });
    await mount.write('a/b', { v: 1 });
    expect(await mount.delete('a')).toEqual({ status: 204 });
    expect(await mount.delete('a')).toEqual({ status: 204 });
    expect(await mount.read('a')).toMatchObject({ status: 404 });
    expect(await mount.read('a/b')).toMatchObject({ status: 200 });
  });

  it.each([
    ['the mount says', { v: 1 }, systemLeaseTtl],
    ['its field ttl says', { ttl: '1h', lease: '2h' }, 3600],
    ['its field ttl says as a number', { ttl: 90 }, 90],
    ['its field lease says', { lease: '30m' }, 1800],
    ['the mount says where ttl is no duration, even with a lease', { ttl: 'soon', lease: '30m' }, systemLeaseTtl],
  ])('suggests to read a secret again after what %s', async (_, data, seconds) => {
    await mount.write('a', data);
    expect((await mount.read('a')).leaseDuration).toBe(seconds);
  });

  it('knows create from update', async () => {
    expect(await mount.exists('a')).toBe(false);
    await mount.write('a', { v: 1 });
    expect(await mount.exists('a')).toBe(true);
  });

  it('marks each write anew, also one of the same value at the same time, and shows the mark without the secret', async () => {
    const { mark } = await mount.write('a', { v: 1 });
    expect(mark).toMatch(/^[0-9a-f]{32}$/);
    expect(await mount.observe('a')).toEqual({ mark });
    const again = await mount.write('a', { v: 1 });
    expect(again.mark).not.toBe(mark);
    expect(await mount.observe('a')).toEqual({ mark: again.mark });
    await mount.delete('a');
    expect(await mount.observe('a')).toBeNull();
  });

  it('has no patch', async () => {
    await mount.write('a', { v: 1 });
    expect(await mount.patch('a', { v: 2 })).toMatchObject({ status: 405 });
  });

  it('refuses a secret of more than 1 MiB, and keeps one of exactly that', async () => {
    const room = 1024 * 1024 - '{"v":""}'.length;
    expect(await mount.write('a', { v: 'x'.repeat(room) })).toMatchObject({ status: 204 });
    const refusal = await mount.write('b', { v: 'x'.repeat(room + 1) });
    expect(refusal).toMatchObject({ status: 413, errors: [expect.stringContaining('1048577 bytes')] });
    expect(await mount.read('b')).toMatchObject({ status: 404 });
  });

  it('refuses a secret that is nested without end', async () => {
    const deep = JSON.parse(`{"v":${'['.repeat(5000)}${']'.repeat(5000)}}`) as JsonObject;
    expect(await mount.write('a', deep)).toMatchObject({ status: 400, errors: [expect.stringContaining('nested too deeply')] });
  });
});

describe('the options of a kv mount', () => {
  it('name no version where none was named, and keep what clients add', () => {
    expect(kv.options?.({ type: 'kv-v2' }, null)).toEqual({ type: 'kv-v2' });
    expect(kv.options?.({}, {})).toEqual({});
  });

  it('keep the version where a tune does not name it', () => {
    expect(kv.options?.({}, { version: '2' })).toEqual({ version: '2' });
  });

  it.each(['3', '', 'two', '02'])('refuse version "%s"', (version) => {
    expect(() => kv.options?.({ version }, null)).toThrow('must be "1" or "2"');
  });

  it('can go up to version 2 and not back, and say what to do', () => {
    expect(kv.options?.({ version: '2' }, {})).toEqual({ version: '2' });
    expect(() => kv.options?.({ version: '1' }, { version: '2' })).toThrow('mount a new one and copy the secrets');
  });
});
