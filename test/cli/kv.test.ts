import { beforeAll, describe, expect, it } from 'vitest';
import { emptyWorkspace, errorOf, type Workspace } from './workspace.ts';

/** A workspace that the tests of a file share: each works on paths of its own. */
let at: Workspace;
beforeAll(async () => {
  at = await emptyWorkspace();
  await at.ok('write sys/mounts/kv type=kv-v2');
  await at.ok('write sys/mounts/one type=kv');
});

/** What `kv get -field` prints. */
const field = (path: string, name: string) => at.ok(`kv get -field=${name} ${path}`);

describe('kv put', () => {
  it('writes a version, and kv get shows it with its metadata', async () => {
    expect(await at.ok('kv put kv/app/db user=app password=s3cret')).toMatch(
      /^== Secret Path ==\nkv\/data\/app\/db\n\n== Metadata ==\nKey {16}Value\n--- {16}-----\ncreated_time {7}\S+\n.*version {12}1\n$/s,
    );
    expect(await at.ok('kv get kv/app/db')).toMatch(
      /== Metadata ==\n.*version {12}1\n\n== Data ==\nKey {9}Value\n--- {9}-----\npassword {4}s3cret\nuser {8}app\n$/s,
    );
  });

  it('takes values from standard input, from files and as JSON, so that they stand in no command line', async () => {
    at.write('value', 'from\na file');
    at.write('all.json', '{"n": 3, "list": ["a"], "text": "t"}');
    await at.ok('kv put kv/sources stdin=- file=@value @all.json plain=a=b at=\\@name', { input: 'piped' });
    const { data } = await at.json<{ data: { data: object } }>('kv get -json kv/sources');
    expect(data.data).toEqual({ stdin: 'piped', file: 'from\na file', n: 3, list: ['a'], text: 't', plain: 'a=b', at: '@name' });
  });

  it('asks a person for KEY=-, unseen', async () => {
    const { code, asked } = await at.run('kv put kv/typed a=- b=-', { answers: ['one', 'two'] });
    expect([code, asked]).toEqual([0, ['Value of a: ', 'Value of b: ']]);
    expect([await field('kv/typed', 'a'), await field('kv/typed', 'b')]).toEqual(['one', 'two']);
    expect(await at.run('kv put kv/typed a=-', { answers: ['Ctrl-C'] })).toMatchObject({ code: 130 });
    expect(await field('kv/typed', 'a')).toBe('one');
  });

  it('says when a piped value ends in a line break, and keeps it', async () => {
    const { code, err } = await at.run('kv put kv/echo a=-', { input: 'hush\n' });
    expect([code, err]).toEqual([0, expect.stringContaining('the value of a ends in a line break')]);
    expect(err).not.toContain('hush');
    expect(await field('kv/echo', 'a')).toBe('hush\n');
  });

  it.each([
    // What may be a secret in the wrong place is not repeated.
    ['kv put kv/x novalue', 'the 1st value is not KEY=VALUE'],
    ['kv put kv/x a=b =v', 'the 2nd value is not KEY=VALUE'],
    [
      'kv put kv/x a=@nowhere',
      "the file of a can't be read: it does not exist (ENOENT)\nA value that starts with @ is written: a=\\@",
    ],
    ['kv put kv/x a=@.', ". can't be read: it is a folder (EISDIR)"],
    ['kv put kv/x a=- b=-', 'standard input can be read once only'],
    ['kv put kv/x -', 'standard input holds no JSON'],
    ['kv put one/x -cas=1 a=b', 'kv put -cas needs a kv mount of version 2; one/ is of version 1, which keeps no versions'],
  ])('refuses %s', async (line, message) => {
    const { code, err } = await at.run(line, { input: 'no json' });
    expect([code, err]).toEqual([1, expect.stringContaining(`Error: ${message}`)]);
    expect((await at.run('kv get kv/x')).code).toBe(2);
  });

  it('with -cas writes only over the version it names, and says how to see which that is', async () => {
    await at.ok('kv put -cas=0 kv/cas a=1');
    const again = await at.run('kv put -cas=0 kv/cas a=2 -json');
    expect(again.code).toBe(1);
    expect(errorOf(again)).toMatchObject({
      code: 'status-400',
      hint: expect.stringContaining('secretctl kv metadata get kv/cas'),
    });
    await at.ok('kv put -cas=1 kv/cas a=3');
    expect(await field('kv/cas', 'a')).toBe('3');
  });

  it('reads standard input before it opens the store, which the other end of the pipe may need', async () => {
    await at.ok('kv put kv/from a=copied');
    let opened = false;
    const piped = at.run('kv put kv/to a=-', {
      input: async () => {
        const value = await field('kv/from', 'a');
        opened = true;
        return value;
      },
    });
    expect([(await piped).code, opened, await field('kv/to', 'a')]).toEqual([0, true, 'copied']);
  });
});

describe('kv get', () => {
  it('prints a field raw, with a line break on a screen only', async () => {
    await at.ok('kv put kv/raw a=b');
    await at.ok(['kv', 'put', 'kv/json', '-'], { input: '{"o": {"x": [1, null]}}' });
    expect(await at.ok('kv get -field=a kv/raw')).toBe('b');
    expect(await at.ok('kv get -field=a kv/raw', { screen: true })).toBe('b\n');
    expect(await at.ok('kv get -field=o kv/json')).toBe('{"x":[1,null]}');
    expect(await at.ok('kv get -json -field=a kv/raw')).toBe('"b"\n');
  });

  it('names the fields there are where one is misspelt', async () => {
    await at.ok('kv put kv/fields api_key=1 webhook=2');
    const { code, out, err } = await at.run('kv get -field=apikey kv/fields');
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe('Error: there is no field "apikey"; there are: api_key, webhook\nDid you mean api_key?\n');
  });

  it('understands the mount as an option, slashes at the ends, and older versions', async () => {
    await at.ok('kv put kv/deep/path a=1');
    await at.ok('kv put kv/deep/path a=2');
    for (const line of ['-mount=kv deep/path', '-mount=kv/ deep/path', '/kv/deep/path/', '-version=2 kv/deep/path'])
      expect(await at.ok(`kv get -field=a ${line}`)).toBe('2');
    expect(await at.ok('kv get -field=a -version=1 kv/deep/path')).toBe('1');
  });

  it.each([
    ['kv/none', 'No value found at kv/data/none\n'],
    ['kv/data/none', 'No value found at kv/data/data/none\nPaths are written without data/: kv/none\n'],
    ['one/none', 'No value found at one/none\n'],
  ])('exits with 2 where there is nothing: %s', async (path, message) => {
    expect(await at.run(`kv get ${path}`)).toMatchObject({ code: 2, out: '', err: message });
    const outcome = await at.run(`kv get -json ${path}`);
    expect([outcome.code, errorOf(outcome).code]).toEqual([2, 'not-found']);
  });

  it('says of a version whose data is gone what happened to it, and the way back', async () => {
    await at.ok('kv put kv/gone a=1');
    await at.ok('kv delete kv/gone');
    for (const line of ['kv get kv/gone', 'kv get -field=a kv/gone']) {
      const { code, err } = await at.run(line);
      expect(code).toBe(2);
      expect(err).toMatch(
        /^Version 1 of kv\/gone was deleted at \S+\.\nTo restore it: secretctl kv undelete -versions=1 kv\/gone\n$/,
      );
    }
    expect(JSON.parse((await at.run('kv get -json kv/gone')).out)).toMatchObject({
      data: { data: null, metadata: { version: 1 } },
    });
    await at.ok('kv destroy -versions=1 kv/gone');
    expect((await at.run('kv get kv/gone')).err).toBe('Version 1 of kv/gone was destroyed.\n');
    expect(await at.run('kv get -version=9 kv/gone')).toMatchObject({
      code: 2,
      err: 'There is no version 9 of kv/gone.\nWhich there are: secretctl kv metadata get kv/gone\n',
    });
  });

  it.each([
    ['nowhere/x', 'nowhere/x lies in no mount that this token may use'],
    ['sys/mounts', 'sys/mounts lies in sys/, which is no kv mount but one of type system'],
    ['kv', 'kv get needs the path of a secret, and kv/ is a mount'],
    ['kv/', 'kv get needs the path of a secret, and kv/ is a mount'],
    ['/', 'the path is empty'],
  ])('refuses a path that is no secret: %s', async (path, message) => {
    const { code, out, err } = await at.run(`kv get ${path}`);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(new RegExp(`^Error: ${message}\n[A-Z].+\n$`));
  });
});

describe('kv patch', () => {
  it('changes some fields and keeps the others; null removes one', async () => {
    await at.ok('kv put kv/patch a=1 b=2 c=3');
    await at.ok('kv patch kv/patch b=new');
    await at.ok('kv patch kv/patch -', { input: '{"c": null}' });
    expect((await at.json<{ data: { data: object } }>('kv get -json kv/patch')).data.data).toEqual({ a: '1', b: 'new' });
  });

  it('exits with 2 where there is no secret, and with 1 on a mount that keeps no versions', async () => {
    expect(await at.run('kv patch kv/unpatched a=1')).toMatchObject({
      code: 2,
      err: expect.stringContaining('To write one: secretctl kv put kv/unpatched'),
    });
    expect((await at.run('kv patch one/x a=1')).code).toBe(1);
  });
});

describe('kv list', () => {
  it('lists names and folders, and exits with 2 where there is nothing', async () => {
    await at.ok('kv put kv/list/b a=1');
    await at.ok('kv put kv/list/a/c a=1');
    await at.ok('kv put one/list/x a=1');
    expect(await at.ok('kv list kv/list')).toBe('Keys\n----\na/\nb\n');
    expect(await at.json('kv list -json one/list/')).toEqual(['x']);
    expect(await at.ok('kv list kv')).toContain('list/\n');
    expect(await at.run('kv list kv/list/none')).toMatchObject({ code: 2, out: '', err: 'Nothing is in kv/list/none/\n' });
    expect(await at.run('kv list -json kv/list/none')).toMatchObject({ code: 2, out: '[]\n', err: '' });
  });
});

describe('a path of version 1 on a mount of version 2', () => {
  it.each(['write kv/plain a=1', 'patch kv/plain a=1', 'delete kv/plain'])(
    'is refused, never said to be done: %s',
    async (line) => {
      const { code, out, err } = await at.run(line);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/^Error: Invalid path for a versioned K\/V secrets engine\. .+ use "secretctl kv \w+"\.\n/);
    },
  );
});

describe('the versions of a secret', () => {
  it('are deleted, restored, destroyed and made current again', async () => {
    for (const value of ['1', '2', '3']) await at.ok(`kv put kv/v a=${value}`);
    expect(await at.ok('kv delete -versions=1,2 kv/v')).toBe('Success! Deleted (if it existed): kv/v\n');
    expect((await at.run('kv get -version=1 kv/v')).code).toBe(2);
    await at.ok('kv undelete -versions=1 -versions=2 kv/v');
    expect(await at.ok('kv get -field=a -version=2 kv/v')).toBe('2');
    await at.ok('kv destroy -versions=2 kv/v');
    const refused = await at.run('kv rollback -version=2 kv/v');
    expect([refused.code, refused.err]).toEqual([1, 'Error: version 2 of kv/v is deleted, destroyed or was never there\n']);
    await at.ok('kv rollback -version=1 kv/v');
    expect(await field('kv/v', 'a')).toBe('1');
    expect(await at.json('kv delete -json kv/v')).toEqual({});
  });

  it.each([
    ['kv undelete kv/v', 'kv undelete needs -versions=N,…'],
    ['kv destroy kv/v', 'kv destroy needs -versions=N,…'],
    ['kv rollback kv/v', 'kv rollback needs -version=N'],
    ['kv destroy -versions=x kv/v', '"x" is not the number of a version'],
    ['kv delete -versions=0 kv/v', '"0" is not the number of a version'],
    ['kv delete -versions=1 one/v', 'kv delete needs a kv mount of version 2'],
  ])('are named by number: %s is refused', async (line, message) => {
    const { code, err } = await at.run(line);
    expect([code, err]).toEqual([1, expect.stringContaining(`Error: ${message}`)]);
  });
});

describe('kv metadata', () => {
  it('sets, merges and shows settings', async () => {
    await at.ok('kv put kv/meta a=1');
    await at.ok('kv metadata put -max-versions=3 -custom-metadata=owner=me -custom-metadata=x=y=z kv/meta');
    await at.ok('kv metadata patch -custom-metadata=owner=you -delete-version-after=1h kv/meta');
    expect(await at.json('kv metadata get -json kv/meta')).toMatchObject({
      max_versions: 3,
      custom_metadata: { owner: 'you', x: 'y=z' },
      delete_version_after: '1h0m0s',
    });
    expect(await at.ok('kv metadata get kv/meta')).toMatch(/^== Metadata Path ==\nkv\/metadata\/meta\n.*== Version 1 ==\n/s);
    await at.ok('kv metadata put -cas-required kv/meta');
    expect((await at.run('kv put kv/meta a=2')).err).toMatch(
      /^Error: check-and-set parameter required .*\nIts current version: /,
    );
    await at.ok('kv metadata put -cas-required=false kv/meta');
    await at.ok('kv put kv/meta a=2');
  });

  it.each(['kv metadata get kv/nometa', 'kv metadata patch -max-versions=1 kv/nometa'])(
    'exits with 2 where there is none: %s',
    async (line) => {
      expect(await at.run(line)).toMatchObject({ code: 2, out: '', err: 'No value found at kv/metadata/nometa\n' });
    },
  );

  it('removes everything after a yes and nothing else', async () => {
    await at.ok('kv put kv/removed a=1');
    for (const answer of ['y', 'YES', 'no', '', 'yes please']) {
      const { code, err, asked } = await at.run('kv metadata delete kv/removed', { answers: [answer] });
      expect([code, err]).toEqual([1, 'Cancelled. Nothing was changed.\n']);
      expect(asked[0]).toContain('Do you want to remove kv/removed with all its versions, for good?');
    }
    expect((await at.run('kv metadata delete kv/removed', { answers: ['Ctrl-C'] })).code).toBe(130);
    expect((await at.run('kv metadata delete kv/removed')).err).toMatch(
      /^Error: there is nobody to approve this.*\nGive -auto-approve\.\n$/,
    );
    expect(await field('kv/removed', 'a')).toBe('1');
    expect((await at.run('kv metadata delete kv/removed', { answers: ['yes'] })).code).toBe(0);
    expect((await at.run('kv metadata get kv/removed')).code).toBe(2);
    expect((await at.run('kv metadata delete kv/removed -auto-approve')).code).toBe(0);
  });
});
