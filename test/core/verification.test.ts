import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { TargetUnavailable } from '../../src/core/lease.ts';
import { Rehearsed, seenIn, SharedFailure, verifyAll } from '../../src/core/verification.ts';
import type { RequestError } from '../../src/protocol/request-error.ts';
import { badRequest } from '../../src/protocol/request-error.ts';
import { world, type World } from '../world.ts';
import { apply, creation, policyCreation, revision } from './changes.ts';

const fails = (message: string) => () => Promise.reject(badRequest(message));
const works = () => Promise.resolve();

describe('checks of what is planned', () => {
  it('are all run, and refused together, each by its name, in their order', async () => {
    const ran: number[] = [];
    const checks = Array.from({ length: 30 }, (_, n) => ({
      name: `Thing/${n} would not work: `,
      // The earlier ones take longer.
      check: async () => {
        for (let turn = 0; turn < 30 - n; turn++) await new Promise((resolve) => setImmediate(resolve));
        ran.push(n);
        if (n % 10 === 3) throw badRequest(`no ${n}`);
      },
    }));
    const refused = verifyAll(checks);
    await expect(refused).rejects.toMatchObject({
      status: 400,
      errors: [3, 13, 23].map((n) => `Thing/${n} would not work: no ${n}`),
    });
    expect(ran.length).toBe(30);
  });

  it('run some at a time', async () => {
    let [running, most] = [0, 0];
    const check = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    await verifyAll(Array.from({ length: 50 }, () => ({ name: '', check })));
    expect(most).toBe(8);
  });

  it('show nothing of a defect, and name nothing where there is one only', async () => {
    await expect(verifyAll([{ name: '', check: () => Promise.reject(new TypeError('canary')) }])).rejects.toMatchObject({
      status: 400,
      errors: ['internal error'],
    });
    await expect(
      verifyAll([
        { name: '', check: works },
        { name: '', check: fails('down') },
      ]),
    ).rejects.toMatchObject({
      errors: ['down'],
    });
    await expect(verifyAll([{ name: 'a', check: works }])).resolves.toEqual([]);
  });

  it('tell a cause that several share once, where it lies, and who else needs that', async () => {
    const fails = (about: string, key: string, isOwn: boolean, cause: RequestError) => ({
      name: `${about} would not work: `,
      untried: `${about} could not be tried: `,
      about,
      check: () => Promise.reject(new SharedFailure(key, isOwn, cause.message, cause)),
    });
    const refused = badRequest('no password');
    const away = new TargetUnavailable(500, 'no answer');
    await expect(
      verifyAll([
        fails('Role/a', 'one', false, refused),
        fails('Role/b', 'one', false, refused),
        fails('Connection/one', 'one', true, refused),
        fails('Role/c', 'two', false, away),
        fails('Role/d', 'two', false, away),
        fails('Role/e', 'three', false, refused),
      ]),
    ).rejects.toMatchObject({
      errors: [
        'Connection/one would not work: no password (2 others need it: Role/a, Role/b)',
        'Role/c could not be tried: no answer (another one needs it: Role/d)',
        'Role/e would not work: no password',
      ],
    });
  });

  it('may say something of what works, which is given in their order', async () => {
    const saying = (text: string) => (_: AbortSignal, warn: (text: string) => void) => Promise.resolve(warn(text));
    const checks = ['one', 'two'].map((name) => ({ name, check: saying(name) }));
    await expect(verifyAll([...checks, { name: '', check: works }])).resolves.toEqual(['one', 'two']);
  });

  it('are what a rehearsal has seen, of which nothing else is kept', async () => {
    const at = await world();
    const seen = await seenIn<number>(
      at.store.transact(async (tx): Promise<never> => {
        await at.barrier.view(tx, 'core').putJson('rehearsed', {});
        throw new Rehearsed(7);
      }),
    );
    expect(seen).toBe(7);
    expect([...at.medium.entries.keys()]).not.toContain('core/rehearsed');
    await expect(seenIn(at.store.transact((): Promise<never> => Promise.reject(new TypeError('other'))))).rejects.toThrow(
      'other',
    );
  });
});

/** Nothing listens there. */
const connection = {
  plugin_name: 'postgresql-database-plugin',
  connection_url: 'postgresql://{{username}}:{{password}}@127.0.0.1:1/postgres',
  username: 'postgres',
  password: 'x',
  allowed_roles: '*',
};

const planned = () => [
  creation('SecretEngine', 'database', 'sys/mounts/database', { type: 'database' }),
  creation('DatabaseConnection', 'main', 'database/config/main', connection),
  creation('DatabaseConnection', 'other', 'database/config/other', connection),
  policyCreation('app'),
];

async function facts(at: World, type: string): Promise<readonly JsonObject[]> {
  await at.system.note({});
  return at.sink.entries().flatMap((entry) => (entry['type'] === type ? [entry as unknown as JsonObject] : []));
}

describe('an apply of what does not work outside', () => {
  it('is refused as a whole before it commits, and says all that is wrong', async () => {
    const at = await world();
    const before = await revision(at);
    const refused = await apply(at, planned()).catch((error: unknown) => error as { status: number; errors: string[] });
    expect(refused).toMatchObject({
      status: 400,
      errors: [
        expect.stringMatching(/^DatabaseConnection\/main could not be tried: .*error verifying connection/) as string,
        expect.stringMatching(/^DatabaseConnection\/other could not be tried: .*error verifying connection/) as string,
      ],
    });
    expect(await revision(at)).toBe(before);
    expect(await at.status('read', 'sys/policies/acl/app')).toBe(404);
    expect(await at.status('read', 'sys/mounts/database')).toBe(400);
    const [abort] = await facts(at, 'apply-abort');
    expect(JSON.stringify(abort)).toContain('error verifying');
  });

  it('is committed where nobody is to look, and the audit log says so', async () => {
    const at = await world();
    await expect(apply(at, planned(), { skipVerify: true })).resolves.toMatchObject({ applied: 4 });
    expect((await at.read('database/config/main')).data).toMatchObject({ plugin_name: 'postgresql-database-plugin' });
    for (const type of ['apply-begin', 'apply-commit'])
      expect(JSON.stringify(await facts(at, type))).toContain('"skip_verify":true');
    await apply(at, [policyCreation('later')]);
    expect(JSON.stringify((await facts(at, 'apply-commit')).at(-1))).not.toContain('skip_verify');
  });

  it('is committed where what is planned says that nobody is to look', async () => {
    const at = await world();
    await at.write('sys/mounts/database', { type: 'database' });
    const unlooked = { ...connection, verify_connection: false };
    await expect(apply(at, [creation('DatabaseConnection', 'main', 'database/config/main', unlooked)])).resolves.toMatchObject({
      applied: 1,
    });
    // From when it is to be looked at, it is.
    expect(await at.status('write', 'database/config/main', { allowed_roles: 'x', verify_connection: true })).toBe(400);
    expect((await at.read('database/config/main')).data).toMatchObject({ allowed_roles: ['*'] });
  });
});

describe('a single request for what does not work outside', () => {
  it('is refused and changes nothing, and is done where it says that nobody is to look', async () => {
    const at = await world();
    await at.write('sys/mounts/database', { type: 'database' });
    await expect(at.write('database/config/main', connection)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('error verifying connection') as string,
    });
    expect(await at.status('read', 'database/config/main')).toBe(404);
    await at.write('database/config/main', { ...connection, verify_connection: false });
    expect(await at.status('read', 'database/config/main')).toBe(200);
  });
});
