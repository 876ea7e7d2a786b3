import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRandomness, parseUsernameTemplate } from '../../../src/engines/database/username-template.ts';
import { databasePlugins } from '../../../src/engines/database/plugins/index.ts';
import { RequestError } from '../../../src/protocol/request-error.ts';
import { runs } from '../property.ts';

const now = Date.UTC(2026, 10, 5, 13, 4, 9, 81);
/** Every byte drawn is a 7. */
const random = { bytes: (length: number) => new Uint8Array(length).fill(7) };
const made = (template: string, DisplayName = 'userpass-ann', RoleName = 'reporting') =>
  parseUsernameTemplate(template)({ DisplayName, RoleName }, random, now);

describe('a user name template', () => {
  it.each([
    ['plain', 'plain'],
    ['v-{{.RoleName}}', 'v-reporting'],
    ['{{ .DisplayName | truncate 4 }}_{{ .RoleName | uppercase }}', 'user_REPORTING'],
    ['{{ printf "%s:%s:%d%%" .RoleName (.DisplayName | truncate 2) (unix_time) }}', 'reporting:us:1793883849%'],
    ['{{unix_time_millis}}', '1793883849081'],
    ['{{ .DisplayName | replace "-" "_" | lowercase }}', 'userpass_ann'],
    ['{{ truncate_sha256 12 .DisplayName }}', 'userpass-ann'],
    ['{{ truncate_sha256 9 .RoleName }}', 'reporting'],
    ['{{ "abc" | sha256 | truncate 8 }}', 'ba7816bf'],
    ['{{ "abc" | base64 }}', 'YWJj'],
    ['{{ timestamp "2006-01-02 15:04:05" }}', '2026-11-05 13:04:09'],
    ['{{ `a}}b` }}', 'a}}b'],
    ['{{ "say \\"}}\\"" }}', 'say "}}"'],
  ])('makes of %s the name %s', (template, name) => {
    expect(made(template)).toBe(name);
  });

  it('draws what is random from the randomness that it is given', () => {
    expect(made('{{random 20}}')).toMatch(/^(.)\1{19}$/);
    expect(made('{{uuid}}')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('makes of a text that is too long for truncate_sha256 one that still tells it from others', () => {
    const [a, b] = [
      made('{{truncate_sha256 12 .DisplayName}}', 'a'.repeat(40)),
      made('{{truncate_sha256 12 .DisplayName}}', 'a'.repeat(41)),
    ];
    expect([a.length, b.length]).toEqual([12, 12]);
    expect(a).not.toBe(b);
  });

  it.each([
    ['{{ .Name }}', 'its fields are .DisplayName and .RoleName'],
    ['{{ .RoleName', 'a "{{" that nothing closes'],
    ['{{ }}', 'an empty "{{ }}"'],
    ['{{ env "HOME" }}', 'the function "env"; there are printf, random'],
    ['{{ constructor }}', 'the function "constructor"'],
    ['{{ truncate 4 }}', 'truncate takes a length and a text'],
    ['{{ .RoleName | }}', 'a "|" that no function follows'],
    ['{{ (.RoleName }}', 'a "(" that nothing closes'],
    ['{{ .RoleName .DisplayName }}', 'where nothing is expected'],
    ['{{ "\\q" }}', 'an escape that is none'],
    ['{{ .RoleName ; }}', `can't be read from ";" on`],
    ['x'.repeat(1025), 'at most 1024 characters'],
    ['{{.RoleName}}'.repeat(65), 'at most 64 parts'],
  ])('that cannot be read is refused: %s', (template, message) => {
    expect(() => made(template)).toThrow(message);
    expect(() => made(template)).toThrow(RequestError);
  });

  it.each(['{{random 0}}', '{{random 513}}', '{{truncate "x" .RoleName}}', '{{truncate_sha256 8 .RoleName}}'])(
    'that makes no name of what it is given is refused: %s',
    (template) => {
      expect(() => made(template)).toThrow(RequestError);
    },
  );

  it('of whatever characters is read or refused, and nothing else', () => {
    const part = fc.constantFrom('{{', '}}', '|', '(', ')', '.RoleName', 'random', 'printf', '"', '`', '\\', ' ', '8', 'é', 'x');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        try {
          expect(typeof made(parts.join(''))).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(RequestError);
        }
      }),
      runs(500, 100_000),
    );
  });
});

describe('what of a name is random', () => {
  const check = (template: string, parts = { DisplayName: '', RoleName: '' }) =>
    checkRandomness(parseUsernameTemplate(template), parts, now);

  it.each(['{{random 8}}', 'v-{{.RoleName}}-{{uuid}}', '{{ random 20 | sha256 | truncate 9 }}', 'é{{random 4}}-{{random 4}}'])(
    'is enough: %s',
    (template) => {
      expect(() => check(template)).not.toThrow();
    },
  );

  it.each([
    ['app', 0],
    ['{{.RoleName}}-{{unix_time_millis}}', 0],
    ['é{{random 7}}', 7],
    ['{{ printf "v-%s" (random 20) | truncate 9 }}', 7],
  ])('is too little: %s', (template, count) => {
    expect(() => check(template)).toThrow(`names of which ${count} characters are random`);
  });

  it.each(databasePlugins.map(({ name, usernameTemplate }) => [name, usernameTemplate]))(
    'is enough in the usual names of %s, however long those are of which they are made',
    (_, template) => {
      const long = 'x'.repeat(128);
      expect(() => check(template, { DisplayName: long, RoleName: long })).not.toThrow();
    },
  );
});
