import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { authOf, hour, newToken, refusal, seconds, works } from '../../token/asking.ts';
import { approleWorld, lockNobody, login, roleId, secretId } from './logging-in.ts';

const invalid = [400, 'invalid role or secret ID'];

describe('a login with role id and secret id', () => {
  it('gives a token as the role says', async () => {
    const w = await approleWorld({
      token_policies: ['default', 'deploy'],
      token_ttl: '20m',
      token_max_ttl: '1h',
      token_num_uses: 7,
    });
    const { id } = await secretId(w, { metadata: '{"team": "payments", "role_name": "admin"}' });
    const { auth } = await login(w, id);
    expect(auth).toMatchObject({
      policies: ['default', 'deploy'],
      metadata: { team: 'payments', role_name: 'r' },
      lease_duration: 1200,
      renewable: true,
      token_type: 'service',
      orphan: true,
      num_uses: 7,
    });
    expect((await w.write('auth/token/lookup', { token: authOf(auth).client_token })).data).toMatchObject({
      display_name: 'approle',
      path: 'auth/approle/login',
      meta: { role_name: 'r' },
      orphan: true,
    });
  });

  it('looks the same to whoever has not both ids', async () => {
    const w = await approleWorld();
    await lockNobody(w);
    await w.write('auth/approle/role/other', { token_policies: ['default'] });
    const { id } = await secretId(w);
    const foreign = await secretId(w, {}, 'other');
    const known = await roleId(w);
    const bodies: readonly JsonObject[] = [
      { role_id: known },
      { role_id: known, secret_id: 'wrong' },
      { role_id: known, secret_id: foreign.id },
      { role_id: known, secret_id: foreign.accessor },
      { role_id: known, secret_id: `${id} x` },
      { role_id: known, secret_id: id.toUpperCase() },
      { role_id: `${known} x`, secret_id: id },
      { role_id: known.toUpperCase(), secret_id: id },
      { role_id: 'r', secret_id: id },
      { role_id: 'unknown' },
      { role_id: 'unknown', secret_id: id },
      { role_id: 'x'.repeat(5000), secret_id: id },
      { role_id: known, secret_id: 'x'.repeat(5000) },
    ];
    for (const body of bodies) {
      expect(await refusal(w.write('auth/approle/login', body, null))).toEqual(invalid);
    }
    expect(await refusal(w.write('auth/approle/login', { secret_id: id }, null))).toEqual([400, 'missing role_id']);
    expect((await login(w, id)).auth?.policies).toEqual(['default']);
  });

  it('takes ids as they come out of a file, white space around them', async () => {
    const w = await approleWorld();
    const { id } = await secretId(w);
    const body = { role_id: `${await roleId(w)}\n`, secret_id: ` ${id}\r\n` };
    const { auth } = await w.write('auth/approle/login', body, null);
    expect(auth?.metadata).toEqual({ role_name: 'r' });
    const blank = { role_id: ' \n', secret_id: id };
    expect(await refusal(w.write('auth/approle/login', blank, null))).toEqual([400, 'missing role_id']);
  });

  it('uses a secret id up, also when logins come all at once', async () => {
    const w = await approleWorld({ secret_id_num_uses: 3 });
    await lockNobody(w);
    const { id, accessor } = await secretId(w);
    const logins = await Promise.allSettled(Array.from({ length: 12 }, () => login(w, id)));
    expect(logins.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(await refusal(login(w, id))).toEqual(invalid);
    expect(await w.status('write', 'auth/approle/role/r/secret-id-accessor/lookup', { secret_id_accessor: accessor })).toBe(404);
  });

  it('takes no use of a secret id where it is refused', async () => {
    const w = await approleWorld({ secret_id_num_uses: 1, secret_id_bound_cidrs: ['10.0.0.0/8'] });
    const { id } = await secretId(w);
    expect((await refusal(login(w, id, '11.0.0.1')))[1]).toBe(
      'source address "11.0.0.1" unauthorized through CIDR restrictions on the role',
    );
    expect((await refusal(login(w, id)))[1]).toBe('the CIDR restrictions on the role need an address, and this login has none');
    expect((await login(w, id, '10.1.1.1')).auth?.policies).toEqual(['default']);
  });

  it('ends with the time of the secret id', async () => {
    const w = await approleWorld({ secret_id_ttl: '1h' });
    const { id } = await secretId(w);
    seconds(w, hour - 1);
    await login(w, id);
    seconds(w, 1);
    expect(await refusal(login(w, id))).toEqual(invalid);
  });

  it('asks for the addresses of role and secret id, and binds the token to those of the secret id', async () => {
    const w = await approleWorld({ secret_id_bound_cidrs: ['10.0.0.0/8'], token_bound_cidrs: ['10.0.0.0/8'] });
    expect((await refusal(secretId(w, { cidr_list: '192.168.0.0/16' })))[1]).toContain('failed to verify subset relationship');
    expect((await refusal(secretId(w, { token_bound_cidrs: ['0.0.0.0/0'] })))[1]).toContain(
      'failed to verify subset relationship',
    );
    const { id } = await secretId(w, { cidr_list: '10.1.0.0/16', token_bound_cidrs: '10.2.0.0/16' });
    expect((await refusal(login(w, id, '10.9.0.1')))[1]).toContain('on the secret ID');
    const token = authOf((await login(w, id, '10.1.0.1')).auth).client_token;
    const from = (address: string) =>
      w.send('read', 'auth/token/lookup-self', {}, token, { address, port: 1 }).then(
        () => true,
        () => false,
      );
    expect(await from('10.2.0.1')).toBe(true);
    expect(await from('10.1.0.1')).toBe(false);
    await w.write('auth/approle/role/r', { token_bound_cidrs: ['10.3.0.0/16'] });
    expect((await refusal(login(w, id, '10.1.0.1')))[1]).toContain('no longer within those of the role');
  });

  it('binds the token to its own address where the role says so', async () => {
    const w = await approleWorld({ token_strictly_bind_ip: true });
    const { id } = await secretId(w);
    const token = authOf((await login(w, id, '10.1.0.1')).auth).client_token;
    const from = (address: string) =>
      w.send('read', 'auth/token/lookup-self', {}, token, { address, port: 1 }).then(
        () => true,
        () => false,
      );
    expect(await from('10.1.0.1')).toBe(true);
    expect(await from('10.1.0.2')).toBe(false);
    expect((await refusal(login(w, id)))[1]).toContain('binds tokens to the address of their login');
  });

  it('needs no secret id where the role does not', async () => {
    const w = await approleWorld({ bind_secret_id: false, secret_id_bound_cidrs: ['10.0.0.0/8'] });
    expect((await login(w, null, '10.0.0.1')).auth?.policies).toEqual(['default']);
    expect((await refusal(login(w, null, '11.0.0.1')))[0]).toBe(400);
    expect(await refusal(secretId(w))).toEqual([400, 'bind_secret_id is not set on the role']);
  });

  it('gives a batch token where role or mount say so', async () => {
    const w = await approleWorld({ token_type: 'batch', token_ttl: '1h' });
    const { id } = await secretId(w);
    const batch = authOf((await login(w, id)).auth);
    expect(batch).toMatchObject({ token_type: 'batch', renewable: false, accessor: '' });
    expect(await works(w, batch.client_token)).toBe(true);
    await w.delete('auth/approle/role/r');
    expect(await works(w, batch.client_token)).toBe(false);
  });
});

describe('the tokens of a login', () => {
  it('end when the role is gone, and those they made too', async () => {
    const w = await approleWorld({ token_policies: ['default', 'maker'] });
    await w.write('sys/policies/acl/maker', { policy: 'path "auth/token/create" { capabilities = ["update"] }' });
    const { id } = await secretId(w);
    const token = authOf((await login(w, id)).auth).client_token;
    const child = (await newToken(w, {}, token)).client_token;
    expect(await works(w, child)).toBe(true);
    const known = await roleId(w);
    await w.delete('auth/approle/role/r');
    expect(await works(w, token)).toBe(false);
    expect(await works(w, child)).toBe(false);
    expect(await refusal(w.write('auth/token/renew', { token }))).toEqual([400, 'token not found']);
    // A new role of the same name is another one: neither the old secret id nor the old role id lead to it, and no old token works again.
    await w.write('auth/approle/role/r', { role_id: known, token_policies: ['default'] });
    expect(await refusal(login(w, id))).toEqual(invalid);
    expect(await works(w, token)).toBe(false);
  });

  it('end when the role expires, as logins do', async () => {
    const w = await approleWorld({ token_ttl: '9h', expires: '2026-01-01T01:00:00Z' });
    const { id } = await secretId(w);
    const token = authOf((await login(w, id)).auth).client_token;
    seconds(w, hour - 1);
    expect(await works(w, token)).toBe(true);
    seconds(w, 1);
    expect(await works(w, token)).toBe(false);
    expect(await refusal(login(w, id))).toEqual([
      400,
      'the role expired at 2026-01-01T01:00:00Z; ask its owner for a later date',
    ]);
    expect(await refusal(login(w, 'wrong'))).toEqual(invalid);
  });

  it('end when the mount goes, and are removed bit by bit', async () => {
    const w = await approleWorld();
    const { id } = await secretId(w);
    const tokens: string[] = [];
    for (let count = 0; count < 205; count++) tokens.push(authOf((await login(w, id)).auth).client_token);
    await w.write('cubbyhole/a', { x: 'y' }, tokens[0]);
    await w.delete('sys/auth/approle');
    for (const token of [tokens[0] ?? '', tokens.at(-1) ?? '']) expect(await works(w, token)).toBe(false);
    await w.system.tidy(w.clock.time + 1);
    const left = [...w.medium.entries.keys()].filter((key) =>
      /^(core\/token\/(id|by-mount|revoking)|mount\/cubbyhole)\//.test(key),
    );
    expect(left).toHaveLength(1);
  });

  it('are renewed as role and mount say at that time', async () => {
    const w = await approleWorld({ token_ttl: '10m', token_max_ttl: '1h' });
    const { id } = await secretId(w);
    const token = authOf((await login(w, id)).auth).client_token;
    const renew = async () => (await w.write('auth/token/renew', { token })).auth?.lease_duration;
    expect(await renew()).toBe(600);
    await w.write('auth/approle/role/r', { token_ttl: '20m' });
    expect(await renew()).toBe(1200);
    await w.write('sys/auth/approle/tune', { max_lease_ttl: '15m' });
    expect(await renew()).toBe(900);
    await w.write('auth/approle/role/r', { token_period: '5m' });
    expect(await renew()).toBe(300);
    await w.write('auth/approle/role/r', { token_period: 0 });
    seconds(w, 299);
    expect(await renew()).toBe(601);
  });
});
