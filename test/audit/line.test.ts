import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json, type JsonObject } from '../../src/base/json.ts';
import type { AuditEntry } from '../../src/core/ports.ts';
import type { Reply } from '../../src/protocol/reply.ts';
import type { Request } from '../../src/protocol/request.ts';
import type { AuditedHeaders } from '../../src/audit/request-headers.ts';
import { ValueHash } from '../../src/audit/value-hash.ts';
import { formatLine, maxLineBytes, Redactor } from '../../src/audit/line.ts';
import { auditKey, boot, caller, entryOf, kvMount, requestTo } from './entries.ts';
import { runs } from './property.ts';

const hashes = new ValueHash(auditKey);
const place = { seq: 7, prev: 'ab'.repeat(32), time: Date.UTC(2026, 10, 24, 12, 30, 5, 42), boot, epoch: 3 };

function lineOf(entry: AuditEntry): string {
  return formatLine(new Redactor(hashes).redact(entry), place);
}

function parsed(entry: AuditEntry): Record<string, JsonObject> {
  return JSON.parse(lineOf(entry)) as Record<string, JsonObject>;
}

const mountWith = (config: Partial<typeof kvMount.config>) => ({ ...kvMount, config: { ...kvMount.config, ...config } });

describe('an audit line', () => {
  it("has the ten members, and a request's as Vault names them", () => {
    const request = requestTo('kv/team/data/app', { operation: 'write', data: { data: { password: 'p' } }, wrapTtl: 60 });
    expect(parsed(entryOf({ request, verb: 'create' }))).toEqual({
      seq: 7,
      time: '2026-11-24T12:30:05.042000000Z',
      boot,
      epoch: 3,
      prev: 'ab'.repeat(32),
      type: 'request',
      auth: {
        accessor: hashes.of('accessor-of-alice'),
        display_name: 'approle-alice',
        entity_id: '',
        identity_policies: ['team'],
        metadata: { role_name: 'alice' },
        policies: ['default', 'payments', 'team'],
        policy_results: { allowed: true, granting_policies: [{ name: 'payments', type: 'acl' }] },
        token_policies: ['default', 'payments'],
        token_type: 'service',
      },
      request: {
        id: request.id,
        operation: 'create',
        mount_type: 'kv',
        mount_accessor: 'kv_1a2b3c',
        mount_class: 'secret',
        mount_point: 'kv/team/',
        client_token: hashes.of('hvs.token-of-alice'),
        client_token_accessor: hashes.of('accessor-of-alice'),
        path: 'kv/team/data/app',
        data: { data: { password: hashes.of('p') } },
        remote_address: '192.0.2.7',
        remote_port: 40_001,
        wrap_ttl: 60,
      },
      response: null,
      error: null,
    });
  });

  it('of a response repeats the request and adds status, data and warnings', () => {
    const line = parsed(
      entryOf({ type: 'response', reply: { status: 200, data: { keys: ['a'] }, warnings: ['w'], leaseId: 'kv/1' } }),
    );
    expect(line['request']?.['path']).toBe('kv/team/data/app');
    expect(line['response']).toEqual({
      auth: null,
      data: { keys: [hashes.of('a')] },
      mount_accessor: 'kv_1a2b3c',
      mount_class: 'secret',
      mount_point: 'kv/team/',
      mount_type: 'kv',
      secret: { lease_id: 'kv/1' },
      status: 200,
      warnings: ['w'],
    });
  });

  it('of a login shows the new token and its accessor as keyed hashes only', () => {
    const auth = {
      client_token: 'hvs.new-token',
      accessor: 'new-accessor',
      policies: ['default'],
      token_policies: ['default'],
      identity_policies: [],
      metadata: null,
      lease_duration: 3600,
      renewable: true,
      entity_id: '',
      token_type: 'service' as const,
      orphan: true,
      num_uses: 0,
    };
    const text = lineOf(entryOf({ type: 'response', auth: null, reply: { auth } }));
    expect(text).not.toMatch(/new-token|new-accessor/);
    const shown = (JSON.parse(text) as { response: { auth: JsonObject } }).response.auth;
    expect(shown['client_token']).toBe(hashes.of('hvs.new-token'));
    expect(shown['accessor']).toBe(hashes.of('new-accessor'));
  });

  it('of a wrapped reply shows where it waits, and the wrapping token and its accessor as keyed hashes only', () => {
    const wrapInfo = {
      token: 'hvs.wrapping-token',
      accessor: 'wrapping-accessor',
      ttl: 300,
      creationTime: Date.UTC(2026, 10, 24, 12, 30, 5, 42),
      creationPath: 'auth/approle/login',
      wrappedAccessor: 'wrapped-accessor',
    };
    const text = lineOf(entryOf({ type: 'response', reply: { wrapInfo } }));
    expect(text).not.toMatch(/wrapping-token|wrapping-accessor|wrapped-accessor/);
    const { response } = JSON.parse(text) as { response: JsonObject };
    expect(response['wrap_info']).toEqual({
      token: hashes.of('hvs.wrapping-token'),
      accessor: hashes.of('wrapping-accessor'),
      ttl: 300,
      creation_time: '2026-11-24T12:30:05.042000000Z',
      creation_path: 'auth/approle/login',
      wrapped_accessor: hashes.of('wrapped-accessor'),
    });
    const bare = lineOf(entryOf({ type: 'response', reply: { wrapInfo: { ...wrapInfo, wrappedAccessor: '' } } }));
    expect((JSON.parse(bare) as { response: { wrap_info: JsonObject } }).response.wrap_info['wrapped_accessor']).toBeNull();
  });

  it('of a reply without the envelope hashes its values, and shows nothing of bytes', () => {
    const shown = (reply: Reply) => parsed(entryOf({ type: 'response', reply }))['response']?.['data'];
    expect(shown({ json: { sealed: false, nonce: 'canary', keys: ['k'] } })).toEqual({
      sealed: hashes.of(false),
      nonce: hashes.of('canary'),
      keys: [hashes.of('k')],
    });
    expect(shown({ json: ['k', 1] })).toEqual([hashes.of('k'), hashes.of(1)]);
    const body = { contentType: 'application/gzip', bytes: Buffer.from('canary') };
    expect(shown({ body })).toBeNull();
    expect(lineOf(entryOf({ type: 'response', reply: { body } }))).not.toMatch(/canary|Y2FuYXJ5/);
  });

  describe('about request headers', () => {
    const lineWith = (headers: Request['headers'], config: AuditedHeaders): Record<string, JsonObject> => {
      const request = requestTo('kv/team/data/app', headers === undefined ? {} : { headers });
      return JSON.parse(formatLine(new Redactor(hashes, config).redact(entryOf({ request })), place)) as Record<
        string,
        JsonObject
      >;
    };
    const sent = { 'x-forwarded-for': '192.0.2.9', 'user-agent': 'canary/1', 'x-secret': 'canary' };

    it('shows those that are configured, as they are or as keyed hashes, and no others', () => {
      const line = lineWith(sent, {
        'user-agent': { hmac: true },
        'x-forwarded-for': { hmac: false },
        'x-absent': { hmac: false },
      });
      expect(line['request']?.['headers']).toEqual({ 'user-agent': [hashes.of('canary/1')], 'x-forwarded-for': ['192.0.2.9'] });
      expect(JSON.stringify(line)).not.toContain('canary');
      expect(canonicalJson(line as JsonObject)).toBe(JSON.stringify(line));
    });

    it('has no member for them where none was sent or none is configured', () => {
      for (const line of [
        lineWith(sent, {}),
        lineWith({}, { a: { hmac: false } }),
        lineWith(undefined, { a: { hmac: false } }),
      ]) {
        expect(line['request']).not.toHaveProperty('headers');
      }
    });

    it('shows each of several values', () => {
      const several = { 'x-tag': ['a', 'b'] } as unknown as Request['headers'];
      expect(lineWith(several, { 'x-tag': { hmac: false } })['request']?.['headers']).toEqual({ 'x-tag': ['a', 'b'] });
    });

    it('never shows what opens something, whatever is configured', () => {
      for (const name of ['x-vault-token', 'authorization', 'proxy-authorization', 'cookie']) {
        const line = lineWith({ [name]: 'Bearer canary' }, { [name]: { hmac: false } });
        expect(line['request']?.['headers']).toEqual({ [name]: [hashes.of('Bearer canary')] });
      }
    });
  });

  it('of a denial says that no policy allowed it', () => {
    const line = parsed(entryOf({ auth: { ...caller, granting: [] }, error: 'permission denied' }));
    expect(line['auth']?.['policy_results']).toEqual({ allowed: false, granting_policies: [] });
    expect(line['error']).toBe('permission denied');
  });

  it('carries the facts of an entry that is about no request in request.facts', () => {
    const entry = entryOf({
      type: 'apply-begin',
      request: null,
      mount: null,
      auth: null,
      facts: { plan: 'sha256:00', changes: 3 },
    });
    expect(parsed(entry)['request']).toEqual({ facts: { plan: 'sha256:00', changes: 3 } });
  });

  it('carries the facts of an entry about a request beside the members of that request', () => {
    const line = parsed(entryOf({ type: 'apply-commit', request: requestTo('sys/apply'), facts: { revision: 8 } }));
    expect(line['request']).toMatchObject({ path: 'sys/apply', facts: { revision: 8 } });
  });

  it('shows scalars of exempt names in the clear, in the innermost object and in lists, and nothing below them', () => {
    const mount = mountWith({ auditNonHmacRequestKeys: ['user'], auditNonHmacResponseKeys: ['keys'] });
    const data = { user: 'alice', nested: { user: ['a', 1, true] }, deeper: { user: { password: 'p' } } };
    const line = parsed(
      entryOf({ mount, request: requestTo('kv/team/data/app', { data }), reply: { data: { keys: ['k'], user: 'u' } } }),
    );
    expect(line['request']?.['data']).toEqual({
      user: 'alice',
      nested: { user: ['a', 1, true] },
      deeper: { user: { password: hashes.of('p') } },
    });
    expect(line['response']?.['data']).toEqual({ keys: ['k'], user: hashes.of('u') });
  });

  it('keeps a member named __proto__ and hashes what is in it', () => {
    const data = JSON.parse('{"__proto__": {"password": "p"}, "constructor": 1}') as JsonObject;
    expect(lineOf(entryOf({ request: requestTo('kv/team/data/app', { data }) }))).toContain(
      `"data":{"__proto__":{"password":"${hashes.of('p')}"},"constructor":"${hashes.of(1)}"}`,
    );
  });

  it('hashes bytes that a handler put into its data by mistake', () => {
    const data = {
      raw: Buffer.from('canary'),
      list: [new Uint8Array([1, 2])],
      big: 12345678901234567890n,
    } as unknown as JsonObject;
    const line = parsed(entryOf({ reply: { data } }));
    expect(line['response']?.['data']).toEqual({
      raw: hashes.of(Buffer.from('canary').toString('base64')),
      list: [hashes.of('AQI=')],
      big: hashes.of('12345678901234567890'),
    });
  });

  it('shows data that is too large by its size and keyed hash', () => {
    const numbers = Array.from({ length: 10_000 }, (_, at) => at);
    const hollow = Array.from({ length: 100_000 }, () => ({}));
    const cases: JsonObject[] = [{ numbers }, { hollow }, { hollow: hollow.map(() => []) }, { hollow: hollow.map(() => null) }];
    for (const data of cases) {
      const shown = parsed(entryOf({ request: requestTo('kv/team/data/app', { data }) }))['request']?.['data'];
      expect(shown).toEqual({ cut: { bytes: JSON.stringify(data).length, hmac: hashes.of(data) } });
    }
  });

  it('shows data that is nested too deeply, or has a name without canonical form, cut', () => {
    let deep: Json = 'bottom';
    for (let depth = 0; depth < 100; depth++) deep = { deep };
    for (const data of [{ deep }, { '\ud800': 'value' }] as JsonObject[]) {
      const shown = parsed(entryOf({ reply: { data } }))['response']?.['data'] as JsonObject;
      expect(Object.keys(shown)).toEqual(['cut']);
    }
    const bottomless = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as Json;
    expect(parsed(entryOf({ reply: { data: { bottomless } } }))['response']?.['data']).toEqual({
      cut: { bytes: null, hmac: null },
    });
  });

  it('never exceeds its bound, whatever an entry holds', () => {
    const long = '\u0001é'.repeat(300_000);
    const many = Array.from({ length: 20_000 }, (_, at) => `policy-${at}-${'é'.repeat(20)}`);
    const auth = { ...caller, displayName: long, policies: many, metadata: { long }, entityId: long, tokenType: long };
    const request = requestTo('kv', { id: long, path: long, data: { [long]: 1 }, token: long });
    const reply = { data: { long, many }, warnings: many, leaseId: long };
    const line = lineOf(entryOf({ request, auth, reply, error: long, facts: { long, many } }));
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(maxLineBytes);
    expect(line).toContain('(cut: 600000 characters)');
  });

  it('is canonical JSON for any entry, also with text that has no canonical form', () => {
    fc.assert(
      fc.property(anyEntry(), (entry) => {
        const line = lineOf(entry);
        expect(canonicalJson(JSON.parse(line) as Json)).toBe(line);
        expect(line).not.toMatch(/[\r\n]/);
      }),
      runs(300, 10_000),
    );
  });

  it('never shows a secret of any type, wherever a request or a reply carries it', () => {
    const secret = fc.oneof(
      fc.uuid().map((text) => `canary-${text}`),
      fc.integer({ min: 1e12, max: 9e15 }),
      fc.double({ min: 0.1, max: 0.9, noNaN: true }).map((number) => number + 1e9),
    );
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 8 }), fc.infiniteStream(fc.nat(5)), (secrets, shapes) => {
        const wrap = (value: unknown): JsonObject => {
          const shape = shapes.next().value as number;
          const wrapped: unknown[] = [
            { value },
            { a: { b: [value] } },
            { list: [1, [value, null]] },
            { value: JSON.stringify(value) },
            { deep: { deep: { value } } },
          ];
          return (wrapped[shape] ?? { bytes: Buffer.from(String(value)) }) as JsonObject;
        };
        const data = Object.fromEntries(secrets.map((value, at) => [`k${at}`, wrap(value)]));
        const token = `canary-token-${String(secrets[0])}`;
        const line = lineOf(entryOf({ request: requestTo('kv/team/data/app', { data, token }), reply: { data } }));
        for (const value of secrets) {
          expect(line).not.toContain(String(value));
          expect(line).not.toContain(Buffer.from(String(value)).toString('base64'));
        }
        expect(line).not.toContain('canary');
      }),
      runs(200, 5000),
    );
  });

  it('says of a caller what is so at the time, though the text of a caller is kept', () => {
    const redactor = new Redactor(hashes);
    const accessors = ['one', 'two', caller.accessor];
    const callers = accessors.flatMap((accessor) => [
      { ...caller, accessor },
      { ...caller, accessor, policies: ['default'] },
      { ...caller, accessor, tokenPolicies: ['other'] },
      { ...caller, accessor, displayName: 'bob' },
      { ...caller, accessor, entityId: 'e' },
      { ...caller, accessor, tokenType: 'batch' },
      { ...caller, accessor, metadata: { role_name: 'bob' } },
      { ...caller, accessor, metadata: { role: 'alice' } },
      { ...caller, accessor, granting: [] },
      { ...caller, accessor, granting: [{ name: 'team', type: 'acl' }] },
    ]);
    for (const auth of [...callers, ...callers.toReversed()]) {
      const kept = redactor.redact(entryOf({ auth })).auth;
      expect(kept).toBe(new Redactor(hashes).redact(entryOf({ auth })).auth);
      expect(redactor.redact(entryOf({ auth: structuredClone(auth) })).auth).toBe(kept);
    }
  });

  it('gives the later entry of a request what only it knows, though the text of a request is made once', () => {
    const redactor = new Redactor(hashes);
    const request = requestTo('kv/team/data/app', { operation: 'write' });
    const first = redactor.redact(entryOf({ request, verb: null, mount: null }));
    const second = redactor.redact(entryOf({ type: 'response', request, verb: 'create' }));
    expect(JSON.parse(first.request)).toMatchObject({ operation: 'update', mount_type: null });
    expect(JSON.parse(second.request)).toMatchObject({ operation: 'create', mount_type: 'kv' });
  });
});

function anyEntry(): fc.Arbitrary<AuditEntry> {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom('\ud800', 'a\udfffb', '\u2028', '"\\'));
  const json = fc.jsonValue({ noUnicodeString: false }).map((value) => ({ value }) as JsonObject);
  const data = fc.oneof(json, fc.dictionary(text, text));
  return fc
    .record({
      data,
      reply: data,
      text,
      path: text,
      metadata: fc.dictionary(text, text),
      policies: fc.array(text),
      port: fc.nat(65_535),
    })
    .map((any) =>
      entryOf({
        type: 'response',
        request: requestTo(any.path, { data: any.data, id: any.text, remote: { address: any.text, port: any.port } }),
        auth: { ...caller, displayName: any.text, metadata: any.metadata, policies: any.policies },
        reply: { data: any.reply, warnings: any.policies },
        error: any.text,
        facts: any.data,
      }),
    );
}
