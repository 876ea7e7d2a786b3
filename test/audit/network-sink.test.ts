import { describe, expect, it } from 'vitest';
import { createSink } from '../../src/audit/registry.ts';
import { receiverConformance, type ReceiverPlace } from './conformance.ts';
import {
  certificates,
  linesOf,
  octetCountedMessages,
  type Receiver,
  tcpReceiver,
  tlsReceiver,
  udpReceiver,
  unixDatagramReceiver,
  unixStreamReceiver,
} from './receivers.ts';

const tls = { caFile: `${certificates}/ca.pem` };

/** How what a receiver got reads as lines. */
type Decode = (packets: readonly Buffer[]) => Buffer;

const octets: Decode = ([stream]) => linesOf(octetCountedMessages(stream as Buffer));
const newlines: Decode = ([stream]) => {
  const messages: Buffer[] = [];
  const bytes = stream as Buffer;
  for (let start = 0, end = bytes.indexOf(0x0a); end !== -1; start = end + 1, end = bytes.indexOf(0x0a, start)) {
    messages.push(bytes.subarray(start, end));
  }
  return linesOf(messages);
};
const bare: Decode = (packets) => Buffer.concat(packets);

function placeAt(receiver: Receiver, type: string, options: Readonly<Record<string, string>>, decode: Decode): ReceiverPlace {
  const lines = () => decode(receiver.packets());
  const count = () => lines().reduce((sum, byte) => sum + (byte === 0x0a ? 1 : 0), 0);
  return {
    sink: () => createSink({ name: 'remote', type, options }),
    async content(expected = 0) {
      await receiver.until(() => count() >= expected);
      return lines();
    },
    stop: () => receiver.stop(),
    restart: () => receiver.restart(),
  };
}

const over = (
  type: string,
  name: string,
  receive: () => Promise<Receiver>,
  options: (address: string) => Readonly<Record<string, string>>,
  decode: Decode,
): void =>
  receiverConformance(type, name, async () => {
    const receiver = await receive();
    return placeAt(receiver, type, options(receiver.address), decode);
  });

over('syslog', 'tcp', tcpReceiver, (address) => ({ transport: 'tcp', address }), octets);
over(
  'syslog',
  'tls',
  () => tlsReceiver(),
  (address) => ({ transport: 'tls', address, ...tls }),
  octets,
);
over('syslog', 'udp', udpReceiver, (address) => ({ transport: 'udp', address }), linesOf);
over('syslog', 'a unix socket for datagrams', unixDatagramReceiver, (path) => ({ transport: 'unix', path }), linesOf);
over('syslog', 'a unix stream', unixStreamReceiver, (path) => ({ transport: 'unix-stream', path }), newlines);
over('socket', 'tcp', tcpReceiver, (address) => ({ address }), bare);
over('socket', 'udp', udpReceiver, (address) => ({ socketType: 'udp', address }), bare);
over('socket', 'a unix stream', unixStreamReceiver, (address) => ({ socketType: 'unix', address }), bare);

describe('TLS', () => {
  const at = (address: string, options: Readonly<Record<string, string>> = {}) =>
    createSink({ name: 'remote', type: 'syslog', options: { transport: 'tls', address, ...options } });

  it('refuses a receiver whose certificate is not trusted, or has another name', async () => {
    const receiver = await tlsReceiver();
    const other = await tlsReceiver('other');
    await expect(at(receiver.address).open()).rejects.toMatchObject({
      code: 'audit-unavailable',
      message: expect.stringMatching(/^tls 127\.0\.0\.1:\d+: .*(certificate|issuer)/) as string,
    });
    await expect(at(other.address, tls).open()).rejects.toMatchObject({ code: 'audit-unavailable' });
    expect(await at(other.address, tls).check()).toMatch(/altnames|IP/);
    const named = at(other.address, { ...tls, serverName: 'other.test' });
    expect(await named.open()).toEqual({ head: null, torn: 0 });
    await named.close();
    expect(receiver.packets()[0]).toHaveLength(0);
    await Promise.all([receiver.stop(), other.stop()]);
  });

  it('shows a certificate of its own to a receiver that asks for one', async () => {
    const receiver = await tlsReceiver('server', true);
    const ours = { ...tls, certFile: `${certificates}/client.pem`, keyFile: `${certificates}/client-key.pem` };
    const sink = at(receiver.address, ours);
    await sink.open();
    await sink.append(Buffer.from('{"line":1}\n'));
    await receiver.until((bytes) => bytes.includes('{"line":1}'));
    expect(octetCountedMessages(receiver.packets()[0] as Buffer)).toHaveLength(1);
    await sink.close();
    await receiver.stop();
  });

  it('says which of its files is missing', async () => {
    await expect(at('127.0.0.1:9', { caFile: '/nowhere/ca.pem' }).open()).rejects.toMatchObject({
      message: expect.stringContaining('/nowhere/ca.pem cannot be read: it does not exist') as string,
    });
  });
});
