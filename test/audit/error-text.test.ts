import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { shownText } from '../../src/audit/error-text.ts';
import { formatLine, Redactor } from '../../src/audit/line.ts';
import { ValueHash } from '../../src/audit/value-hash.ts';
import { parsePolicy } from '../../src/policy/hcl.ts';
import { auditKey, boot, entryOf, requestTo } from './entries.ts';
import { runs } from './property.ts';

const hashes = new ValueHash(auditKey);
const shown = (text: string, data: JsonObject, exempt: readonly string[] = []) =>
  shownText(text, [{ data, token: null, exempt }], hashes);

describe('the text of an error', () => {
  const cases: readonly [string, string, JsonObject, string][] = [
    [
      'an excerpt of a value',
      'line 1: unexpected secret-path here',
      { policy: 'path "secret-path" {' },
      'line 1: unexpected [hidden] here',
    ],
    [
      'what it quotes, however short',
      'unexpected "ab", expected "="',
      { policy: 'xxabxx' },
      'unexpected "[hidden]", expected "="',
    ],
    ['quotes of other kinds', "invalid 'x1' and `y2`", { a: 'x1', b: ['y2'] }, "invalid '[hidden]' and `[hidden]`"],
    ['a quote that JSON escaped', 'invalid value "a\\nb\\"c"', { ttl: 'a\nb"c' }, 'invalid value "[hidden]"'],
    ['a short value that stands as a word', 'role 1234 is unknown', { pin: '1234' }, 'role [hidden] is unknown'],
    ['a number', 'must be at most 100, not 48151623', { n: 48151623 }, 'must be at most 100, not [hidden]'],
    ['values deep in lists and objects', 'no entity e-4711-x', { a: [{ b: { c: 'e-4711-x' } }] }, 'no entity [hidden]'],
    ['only a part of a longer word', 'field "username" must be text', { a: 'name' }, 'field "username" must be text'],
    ['nothing of names', 'missing role_id', { role_id: '' }, 'missing role_id'],
    ['nothing that is not there', 'field "ttl" must be a duration', { ttl: 'soon' }, 'field "ttl" must be a duration'],
  ];
  for (const [what, text, data, expected] of cases) {
    it(`hides of what was sent ${what}`, () => {
      expect(shown(text, data)).toBe(expected);
    });
  }

  it('hides the token too', () => {
    const sent = [{ data: {}, token: 'hvs.CAESIJ4711', exempt: [] }];
    expect(shownText('bad token hvs.CAESIJ4711', sent, hashes)).toBe('bad token [hidden]');
  });

  it('shows values that entries show in the clear', () => {
    expect(shown('no user "alice"', { username: 'alice' }, ['username'])).toBe('no user "alice"');
  });

  it('that quotes nothing is shown whatever was sent, so that nobody hides a denial', () => {
    for (const text of ['permission denied', 'unsupported path', 'unsupported operation', 'Vault is sealed', 'internal error']) {
      expect(shown(text, { text, part: text.slice(0, 8) })).toBe(text);
    }
  });

  it('is shown as its keyed hash where too much was sent, or too deeply nested, to be compared', () => {
    const text = 'invalid value';
    expect(shown(text, { large: 'x'.repeat(2_000_000) })).toBe(hashes.of(text));
    let deep: JsonObject = { password: 'invalid' };
    for (let depth = 0; depth < 100; depth++) deep = { deep };
    expect(shown(text, deep)).toBe(hashes.of(text));
    expect(shown('"a" '.repeat(100), { a: 'x' })).toBe(hashes.of('"a" '.repeat(100)));
  });

  it('shows no value of six characters or more, and no quoted one, wherever it stands in the text', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), fc.array(fc.string({ maxLength: 20 })), (values, between) => {
        const data = { values };
        const text = values.map((one, at) => `${between[at] ?? ' '}${one}`).join(' of ');
        const result = shown(text, data).replaceAll('[hidden]', '\0');
        for (const one of values) if (one.length >= 6) expect(result).not.toContain(one);
        for (const one of values) expect(shown(`is ${JSON.stringify(one)}.`, data)).toBe('is "[hidden]".');
      }),
      runs(300, 10_000),
    );
  });

  it('takes time in proportion to what was sent, whatever that is', () => {
    const nasty = ['x'.repeat(250_000), '"'.repeat(120_000), 'ab '.repeat(80_000), 'xxxxxy'.repeat(40_000)];
    const texts = ['x'.repeat(5000), '"x" '.repeat(30), 'ab '.repeat(1500), 'xxxxxy'.repeat(700)];
    for (const policy of nasty) for (const text of texts) expect(shown(text, { policy }).length).toBeLessThan(60_000);
    const many = Array.from({ length: 40_000 }, (_, at) => `${at}`);
    for (const text of texts) expect(shown(text, { many })).not.toBe('');
  });
});

describe('the entry of a refused request', () => {
  const place = { seq: 7, prev: 'ab'.repeat(32), time: 0, boot, epoch: 3 };

  it('holds nothing of a policy that could not be read', () => {
    const policies = [
      'path "secret/canary-path/*" { capabilities = ["canary-capability"] }',
      'path "secret/x" { canary_key = 1 }',
      'canary-block "x" {}',
      'path "secret/x" { allowed_parameters = { "canary-name" = ["canary-value"] canary-junk',
      'path "canary-1" {} path "canary-1" {',
    ];
    for (const policy of policies) {
      let message = '';
      try {
        parsePolicy(policy);
      } catch (error) {
        message = (error as Error).message;
      }
      const request = requestTo('sys/policies/acl/p', { operation: 'write', data: { policy } });
      const line = formatLine(new Redactor(hashes).redact(entryOf({ request, error: message || 'canary' })), place);
      expect(message === '' ? 'canary' : line).not.toBe('');
      if (message !== '') expect(line).not.toMatch(/canary/);
    }
  });

  it('hides in warnings too, and in errors about a request inside another', () => {
    const request = requestTo('kv/x', { data: { ttl: 'canary-ttl' } });
    const reply = { data: null, warnings: ['TTL "canary-ttl" was capped', 'something else'] };
    const redactor = new Redactor(hashes);
    expect(JSON.parse(redactor.redact(entryOf({ request, reply })).response)).toMatchObject({
      warnings: ['TTL "[hidden]" was capped', 'something else'],
    });
    const inner = { quotable: { changes: [{ data: { policy: 'canary-policy' } }] }, error: 'create Policy/p: bad canary-policy' };
    expect(redactor.redact(entryOf({ request: requestTo('sys/apply'), ...inner })).error).toBe('"create Policy/p: bad [hidden]"');
  });
});
