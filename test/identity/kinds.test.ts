import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { entityKind } from '../../src/identity/entity-kind.ts';
import { groupKind } from '../../src/identity/group-kind.ts';
import type { Kind, LensContext, LiveObject } from '../../src/kinds/kind.ts';
import { compileSchema } from '../../src/kinds/validate.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { bodyOf, planFor, send } from '../lifecycle/project.ts';
import { refusal, runs } from '../token/asking.ts';
import type { World } from '../world.ts';
import { type People, people } from './asking.ts';

const context: LensContext = { engines: new Map(), methods: new Map() };

let at: People;
let w: World;
beforeEach(async () => {
  at = await people();
  ({ w } = at);
});

async function live(kind: Kind, name: string): Promise<LiveObject | null> {
  const resource = { kind: kind.kind, mount: null, name };
  const replies: (JsonObject | null)[] = [];
  for (const { operation, path } of kind.reads(resource, context)) {
    try {
      replies.push((await w.send(operation, path)).data ?? null);
    } catch (error) {
      if (!(error instanceof RequestError) || error.status !== 404) throw error;
      replies.push(null);
    }
  }
  return kind.read(replies, resource, context);
}

/** Brings what is live to a spec, as an apply does; returns how many requests that took. */
async function bring(kind: Kind, name: string, spec: JsonObject): Promise<number> {
  const resource = { kind: kind.kind, mount: null, name };
  const change = {
    before: await live(kind, name),
    after: kind.normalize(spec, resource, context),
    lastApplied: null,
    changed: [],
  };
  const requests = kind.write(change, resource, context);
  for (const { operation, path, data } of requests) await w.send(operation, path, data);
  return requests.length;
}

const normal = (kind: Kind, spec: JsonObject): JsonObject =>
  kind.normalize(spec, { kind: kind.kind, mount: null, name: 'x' }, context);

const policies = fc.uniqueArray(fc.constantFrom('default', 'a', 'b'), { maxLength: 3 });
const metadata = fc.dictionary(fc.constantFrom('team', 'a/b', 'x-1'), fc.string({ maxLength: 8 }), { maxKeys: 3 });
const login = fc.record({
  method: fc.constantFrom('approle', 'second', 'token'),
  name: fc.constantFrom('ann', 'bob', 'x/y', '*'),
});
const entitySpec = fc.record(
  {
    policies,
    metadata,
    disabled: fc.boolean(),
    logins: fc.uniqueArray(login, { maxLength: 3, selector: ({ method }) => method }),
  },
  { requiredKeys: [] },
);
const groupSpec = fc.record(
  {
    policies,
    metadata,
    entities: fc.uniqueArray(fc.constantFrom('e1', 'e2', 'e3'), { maxLength: 3 }),
    groups: fc.uniqueArray(fc.constantFrom('g1', 'g2'), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

describe('what a document says', () => {
  test('is what is read back, from whatever was there before', async () => {
    await w.write('sys/auth/second', { type: 'approle' });
    for (const name of ['e1', 'e2', 'e3']) await at.make('entity', { name });
    for (const name of ['g1', 'g2']) await at.make('group', { name });
    let count = 0;
    const property = <T extends JsonObject>(kind: Kind, specs: fc.Arbitrary<T>) =>
      fc.asyncProperty(fc.array(specs, { minLength: 1, maxLength: 3 }), async (steps) => {
        const fits = compileSchema(kind.spec);
        const name = `made-${count++}`;
        for (const spec of steps) {
          expect(fits(spec)).toBe(true);
          expect(kind.check?.(spec, { kind: kind.kind, mount: null, name }, context)).toEqual([]);
          await bring(kind, name, spec);
          expect((await live(kind, name))?.spec).toEqual(normal(kind, spec));
          expect(await bring(kind, name, spec)).toBe(0);
        }
        for (const { path } of kind.remove({ kind: kind.kind, mount: null, name }, context, null)) await w.delete(path);
        expect(await live(kind, name)).toBeNull();
      });
    await fc.assert(property(entityKind, entitySpec), runs(25, 500));
    await fc.assert(property(groupKind, groupSpec), runs(25, 500));
  });

  test('is refused by its check where the store would refuse it', () => {
    const twice = [
      { method: 'approle', name: 'a' },
      { method: 'approle', name: 'b' },
    ];
    expect(entityKind.check?.({ logins: twice }, { kind: 'Entity', mount: null, name: 'x' }, context)).toEqual([
      { at: '/logins/1/method', message: 'an entity has one login for each auth method' },
    ]);
    const fits = compileSchema(entityKind.spec);
    expect(fits({ logins: [{ method: 'approle', name: '' }] })).toBe(false);
    expect(fits({ metadata: { 'vault-x': 'y' } })).toBe(false);
    expect(fits({ metadata: { 'a b': 'y' } })).toBe(false);
    expect(fits({ metadata: { a: 1 } })).toBe(false);
  });
});

describe('the logins of an entity', () => {
  const write = (name: string, logins: JsonObject[]) => w.write(`identity/entity-logins/${name}`, { logins });

  test('take over what a login made of itself, with its tokens', async () => {
    const { client_token: token, entity_id: before } = await at.login('ci');
    const { id } = await at.make('entity', { name: 'robot', policies: ['p'] });
    await write('robot', [{ method: 'approle', name: 'ci' }]);
    expect((await at.login('ci')).entity_id).toBe(id);
    expect(await w.status('read', `identity/entity/id/${before}`)).toBe(404);
    expect((await w.read('auth/token/lookup-self', {}, token)).data).toMatchObject({
      entity_id: before,
      identity_policies: ['p'],
    });
    expect(await at.read('entity/name/robot')).toMatchObject({ merged_entity_ids: [before], aliases: [{ name: 'ci' }] });
  });

  test('take nothing from an entity that anybody has given something', async () => {
    const given: readonly ((id: string) => Promise<unknown>)[] = [
      (id) => w.write(`identity/entity/id/${id}`, { policies: ['p'] }),
      (id) => w.write(`identity/entity/id/${id}`, { metadata: { a: 'b' } }),
      (id) => w.write(`identity/entity/id/${id}`, { name: 'somebody' }),
      (id) => w.write(`identity/entity/id/${id}`, { disabled: true }),
      (id) => w.write('identity/group', { name: 'some', member_entity_ids: [id] }),
    ];
    await at.make('entity', { name: 'robot' });
    for (const [index, give] of given.entries()) {
      const { entity_id: id } = await at.login(`ci-${index}`);
      await give(id);
      const [status, message] = await refusal(write('robot', [{ method: 'approle', name: `ci-${index}` }]));
      expect([status, message]).toEqual([400, expect.stringContaining('belongs to the entity')]);
    }
    expect(await at.read('entity/name/robot')).toMatchObject({ aliases: [], merged_entity_ids: null });
  });

  test('are known methods and names, one for each method', async () => {
    await at.make('entity', { name: 'robot' });
    const message = async (logins: JsonObject[]) => (await refusal(write('robot', logins)))[1];
    expect(await message([{ method: 'none', name: 'a' }])).toBe('no auth method at "none"');
    expect(await message([{ method: '../kv', name: 'a' }])).toBe('no auth method at "../kv"');
    expect(await message([{ method: 'approle', name: '' }])).toContain('an alias name is a text');
    expect(await message([{ method: 'approle' }])).toBe('each of logins must have a method and a name');
    expect(
      await message([
        { method: 'approle', name: 'a' },
        { method: 'approle', name: 'b' },
      ]),
    ).toContain('one login for each');
    expect(await w.status('write', 'identity/entity-logins/none', { logins: [] })).toBe(404);
  });
});

describe('documents of entities and groups', () => {
  const header = (kind: string, name: string): string =>
    `---\napiVersion: secretctl/v1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
  const project = `${header('Project', 'acme')}spec: { recipients: [] }\n`;
  const team = `${header('AuthMethod', 'people')}spec: { type: userpass }
${header('Policy', 'payments')}spec: { rules: [{ path: 'kv/{{identity.entity.metadata.team}}/*', capabilities: [read] }] }
${header('Entity', 'ann')}spec: { metadata: { team: pay }, logins: [{ method: people, name: ann }] }
${header('Group', 'payments')}spec: { policies: [payments], entities: [ann] }
`;
  const plan = (text: string): Promise<Plan> =>
    planFor(w, [
      { path: 'secretctl.yaml', text: project },
      { path: 'a.yaml', text },
    ]);
  const apply = async (text: string): Promise<void> => {
    const planned = await plan(text);
    expect(planned.problems).toEqual([]);
    await send(w, await bodyOf(planned, () => ''));
    expect((await plan(text)).changes).toEqual([]);
  };
  const actions = (planned: Plan): readonly string[] =>
    planned.changes.map(({ action, address }) => `${action} ${address.kind}/${address.name}`);

  test('are planned and applied together, in an order that works', async () => {
    await apply(team);
    await w.write('kv/pay/x', { v: '1' });
    await w.write('auth/people/users/ann', { password: 'correct horse', token_policies: ['default'] });
    const { auth } = await w.write('auth/people/login/ann', { password: 'correct horse' }, null);
    expect(auth?.identity_policies).toEqual(['payments']);
    expect((await w.read('kv/pay/x', {}, auth?.client_token)).data).toEqual({ v: '1' });
    await apply('');
    expect(await w.status('read', 'kv/pay/x', {}, auth?.client_token)).toBe(403);
  });

  test('show as drift what is changed by hand', async () => {
    await apply(team);
    const { id } = await at.make('entity', { name: 'mallory' });
    const { member_entity_ids: members } = await at.read('group/name/payments');
    await w.write('identity/group', { name: 'payments', member_entity_ids: [...(members as string[]), id as string] });
    expect(actions(await plan(team))).toEqual(['update Group/payments']);
    await w.write('identity/entity', { name: 'ann', disabled: true });
    expect(actions(await plan(team))).toEqual(['update Entity/ann', 'update Group/payments']);
    await apply(team);
    expect(await at.read('group/name/payments')).toMatchObject({ member_entity_ids: members });
  });

  test('are moved with all that their documents do not hold', async () => {
    await apply(team);
    const { id } = await at.read('entity/name/ann');
    const moved = team
      .replace('metadata: { name: ann }', 'metadata: { name: anna }')
      .replace('entities: [ann]', 'entities: [anna]');
    const refactor = `${header('Refactor', 'rename')}spec: { move: [{ from: Entity/ann, to: Entity/anna }] }\n`;
    await apply(moved + refactor);
    expect(await at.read('entity/name/anna')).toMatchObject({ id });
    expect(await w.status('read', 'identity/entity/name/ann')).toBe(404);
  });

  test('name only what there is', async () => {
    const wrong = `${header('Group', 'g')}spec: { entities: [nobody] }\n`;
    await expect(plan(wrong)).rejects.toThrow('nobody');
  });
});

describe('a new name', () => {
  test('must be free, and one under which the caller may write', async () => {
    await at.make('entity', { name: 'ann' });
    await at.make('entity', { name: 'bob' });
    await at.policy('ann', 'path "identity/entity/name/ann*" { capabilities = ["update"] }');
    const token = (await w.write('auth/token/create', { policies: ['ann'] })).auth?.client_token;
    const rename = (to: string) => refusal(w.write('identity/entity/name/ann', { new_name: to }, token));
    expect(await rename('carl')).toEqual([403, 'permission denied']);
    expect(await refusal(w.write('identity/entity/name/ann', { new_name: 'bob' }))).toEqual([
      400,
      'entity name is already in use',
    ]);
    expect((await refusal(w.write('identity/entity/name/none', { new_name: 'x' })))[1]).toContain('to rename');
    expect((await rename('root'))[0]).toBe(400);
    expect((await w.write('identity/entity/name/ann', { new_name: 'anna' }, token)).status).toBe(204);
  });
});
