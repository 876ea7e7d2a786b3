import { describe, expect, it } from 'vitest';
import { createSink, sinkSettingsSchema, sinkTypes } from '../../src/audit/registry.ts';
import type { SpecSchema } from '../../src/kinds/kind.ts';
import { compileSchema } from '../../src/kinds/validate.ts';

type Options = Readonly<Record<string, string>>;
const make = (type: string, options: Options, name = 'sink') => createSink({ name, type, options });
const fits = compileSchema(sinkSettingsSchema);
const fault = (message: RegExp) =>
  expect.objectContaining({ code: 'settings', message: expect.stringMatching(message) as string }) as Error;

describe('the registry of sinks', () => {
  const declared: readonly [string, Options, Options][] = [
    ['file', { path: '/x' }, { file_path: '/x' }],
    ['file', { path: '/x', timeout: '7s' }, { file_path: '/x' }],
    ['syslog', {}, { facility: 'AUTH', tag: 'secretctl', transport: 'unix', receiver: 'unix /dev/log' }],
    [
      'syslog',
      { transport: 'tcp', address: '[::1]:601', facility: 'LOCAL3', tag: 'vault' },
      { facility: 'LOCAL3', tag: 'vault', transport: 'tcp', receiver: 'tcp ::1:601' },
    ],
    ['syslog', { transport: 'unix-stream', path: '/s' }, { transport: 'unix-stream', receiver: 'unix /s' }],
    ['syslog', { transport: 'udp', address: 'logs.test:514', hostname: 'me', maxMessageSize: '480' }, { transport: 'udp' }],
    [
      'syslog',
      { transport: 'tls', address: 'logs.test:6514', caFile: 'a', certFile: 'b', keyFile: 'c', serverName: 'd' },
      { transport: 'tls' },
    ],
    ['socket', { address: '192.0.2.1:9000' }, { address: '192.0.2.1:9000', socket_type: 'tcp', write_timeout: '2s' }],
    ['socket', { address: '/s', socketType: 'unix', timeout: '1500ms' }, { socket_type: 'unix', write_timeout: '1.5s' }],
    ['socket', { address: 'h:1', socketType: 'udp', maxMessageSize: '1400' }, { socket_type: 'udp' }],
  ];
  for (const [type, options, shown] of declared) {
    it(`makes a ${type} sink of ${JSON.stringify(options)}`, () => {
      expect(make(type, options)).toMatchObject({ name: 'sink', type, options: shown, accepts: shown });
      const { maxMessageSize, ...rest } = options;
      const settings = maxMessageSize === undefined ? rest : { ...rest, maxMessageSize: Number(maxMessageSize) };
      expect(fits({ type, ...settings })).toBe(true);
    });
  }

  const refused: readonly [string, Options, RegExp, boolean?][] = [
    ['nothing', {}, /the type "nothing" is unknown \(known: file, syslog, socket\)/],
    ['toString', {}, /the type "toString" is unknown/],
    ['file', {}, /"path" is missing/],
    ['file', { path: '' }, /"path" is missing/],
    ['file', { path: '/x', mode: '0777' }, /unknown option "mode"/],
    ['file', { path: '/x', timeout: '2m' }, /"timeout" must be a duration up to 60s/, true],
    ['file', { path: '/x', timeout: '0s' }, /"timeout" must be a duration/, true],
    ['syslog', { transport: 'smtp' }, /"transport" must be one of unix, unix-stream, udp, tcp, tls/],
    ['syslog', { transport: 'tcp' }, /"address" is missing/, true],
    ['syslog', { transport: 'tcp', address: 'nowhere' }, /"address" must be HOST:PORT/, true],
    ['syslog', { transport: 'tcp', address: 'h:0' }, /"address" must be HOST:PORT/, true],
    ['syslog', { transport: 'tcp', address: 'h:65536' }, /"address" must be HOST:PORT/, true],
    ['syslog', { transport: 'udp', address: 'h:1', path: '/dev/log' }, /"path" is not used with the transport udp/, true],
    ['syslog', { address: 'h:1' }, /"address" is not used with the transport unix/, true],
    ['syslog', { transport: 'tcp', address: 'h:1', caFile: '/ca' }, /"caFile" is not used with the transport tcp/, true],
    ['syslog', { transport: 'tls', address: 'h:1', certFile: '/c' }, /"certFile" and "keyFile" go together/, true],
    ['syslog', { facility: 'SECRETS' }, /"facility" must be one of KERN/],
    ['syslog', { facility: 'constructor' }, /"facility" must be one of KERN/],
    ['syslog', { tag: 'a tag' }, /"tag" must be 1 to 48 printable ASCII characters/],
    ['syslog', { hostname: 'naïve' }, /"hostname" must be 1 to 255 printable/],
    ['syslog', { transport: 'udp', address: 'h:1', maxMessageSize: '70000' }, /from 480 to 65507/, true],
    ['socket', {}, /"address" is missing/],
    ['socket', { address: '/s' }, /"address" must be HOST:PORT/, true],
    ['socket', { address: 'h:1', maxMessageSize: '9000' }, /"maxMessageSize" is not used with the socket type tcp/, true],
  ];
  for (const [type, options, message, fitsSchema = false] of refused) {
    it(`refuses a ${type} sink of ${JSON.stringify(options)}`, () => {
      expect(() => make(type, options)).toThrow(fault(message));
      const { maxMessageSize, ...rest } = options;
      const settings = maxMessageSize === undefined ? rest : { ...rest, maxMessageSize: Number(maxMessageSize) };
      expect(fits({ type, ...settings })).toBe(fitsSchema);
    });
  }

  it('refuses a name that is no identifier', () => {
    expect(() => make('file', { path: '/x' }, 'a/b')).toThrow(fault(/"a\/b" is not an identifier/));
  });

  it('finds relative paths below the folder of the settings', () => {
    const sink = createSink({ name: 'file', type: 'file', options: { path: 'audit/log' } }, { directory: '/etc/secretctl' });
    expect(sink.options).toEqual({ file_path: '/etc/secretctl/audit/log' });
  });

  it('gives network sinks two seconds and files five, unless told', () => {
    expect(make('file', { path: '/x' }).timeout).toBe(5000);
    expect(make('syslog', {}).timeout).toBe(2000);
    expect(make('socket', { address: 'h:1' }).timeout).toBe(2000);
    expect(make('socket', { address: 'h:1', timeout: '250ms' }).timeout).toBe(250);
  });

  it('describes every option', () => {
    for (const { properties } of Object.values(sinkTypes)) {
      for (const property of Object.values<SpecSchema>(properties)) expect(property.description).toMatch(/\w/);
    }
  });
});
