import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { beforeEach, describe, expect, test } from 'vitest';
import { sealedOpener, sealValue } from '../../src/crypto/sealed-value.ts';
import { world, type World } from '../world.ts';

const mine = await generateX25519Identity();
const myRecipient = await identityToRecipient(mine);
const address = { kind: 'StaticSecret', mount: 'kv', name: 'app' };
const field = 'data.password';

let at: World;
let sealed: string;
let token: string;
beforeEach(async () => {
  at = await world();
  sealed = await sealValue([at.recipient], {
    v: 1,
    address: [address.kind, address.mount, address.name],
    field,
    value: 'canary',
  });
  await at.write('sys/policies/acl/rewrapper', {
    policy: `path "sys/recipient/rewrap" { capabilities = ["update", "sudo"] }
             path "sys/managed/record/StaticSecret/kv/mine" { capabilities = ["create", "update"] }`,
  });
  token = (await at.write('auth/token/create', { policies: ['rewrapper'] })).auth?.client_token ?? '';
});

const opened = async (block: unknown): Promise<unknown> => (await (await sealedOpener([mine]))(String(block))).value;
const firstOf = (data: unknown): unknown => (data as { blocks: readonly unknown[] }).blocks[0];

describe('sealing blocks anew', () => {
  test('is done for nobody whom the caller alone chose', async () => {
    const body = { blocks: [{ sealed, address, field }], recipients: [myRecipient] };
    await expect(at.write('sys/recipient/rewrap', body, token)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining(`${myRecipient} is none`) as string,
    });
    expect(await at.status('write', 'sys/recipient/others', { recipients: [myRecipient] }, token)).toBe(403);
    const none = { ...body, recipients: [mine] };
    const refused = await at.write('sys/recipient/rewrap', none, token).catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ status: 400 });
    expect((refused as Error).message).not.toContain(mine);
  });

  test('is done for whom somebody named who may', async () => {
    await at.write('sys/recipient/others', { recipients: [myRecipient] });
    expect((await at.read('sys/recipient/others')).data).toEqual({ recipients: [myRecipient] });
    const body = { blocks: [{ sealed, address, field }], recipients: [at.recipient, myRecipient] };
    const { data } = await at.write('sys/recipient/rewrap', body, token);
    expect(await opened(firstOf(data))).toBe('canary');
    await at.write('sys/recipient/others', { recipients: [] });
    expect(await at.status('write', 'sys/recipient/rewrap', body, token)).toBe(400);
    expect(await at.status('write', 'sys/recipient/others', { recipients: ['age1x'] })).toBe(400);
    expect(await at.status('write', 'sys/recipient/others', { recipients: [mine] })).toBe(400);
  });

  test('for another address needs what a move of the object needs', async () => {
    const to = { address: { ...address, name: 'mine' }, field };
    const body = { blocks: [{ sealed, address, field, to }] };
    expect(await at.status('write', 'sys/recipient/rewrap', body, token)).toBe(403);
    await at.write('sys/policies/acl/mover', {
      policy: 'path "sys/managed/record/StaticSecret/kv/app" { capabilities = ["create", "update"] }',
    });
    const { auth } = await at.write('auth/token/create', { policies: ['rewrapper', 'mover'] });
    expect(await at.status('write', 'sys/recipient/rewrap', body, auth?.client_token)).toBe(200);
    expect(await at.status('write', 'sys/recipient/rewrap', { blocks: [{ sealed, address, field }] }, token)).toBe(200);
  });

  test('shows in the audit log of what and for whom, and nothing of the blocks', async () => {
    await at.status('write', 'sys/recipient/rewrap', { blocks: [{ sealed, address, field }], recipients: [myRecipient] }, token);
    const lines = at.sink.lines.filter((line) => line.includes('"path":"sys/recipient/rewrap"'));
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      for (const shown of [
        '"kind":"StaticSecret"',
        '"name":"app"',
        '"field":"data.password"',
        `"recipients":["${myRecipient}"]`,
      ]) {
        expect(line).toContain(shown);
      }
      expect(line).toContain('"sealed":"hmac-sha256:');
      expect(line).not.toContain('BEGIN AGE');
    }
  });
});
