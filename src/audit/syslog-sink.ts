import { hostname } from 'node:os';
import { unixDatagramTransport, udpTransport } from './datagram-transport.ts';
import { NetworkSink } from './network-sink.ts';
import type { SinkType } from './registry.ts';
import { commonAccepts, maxMessageSizeSchema, timeoutSchema, type SinkOptions } from './sink-options.ts';
import { tcpTransport, tlsTransport, unixStreamTransport } from './stream-transport.ts';
import { facilities, octetCounted, syslogMessages, type SyslogOrigin } from './syslog-message.ts';
import type { Transport } from './connection.ts';

const transports = ['unix', 'unix-stream', 'udp', 'tcp', 'tls'] as const;
type TransportName = (typeof transports)[number];

const defaultPath = '/dev/log';
const defaultTimeout = 2000;
// Of a UDP datagram over IPv4.
const mostInDatagram = 65_507;
const mostInMessage = 1_048_576;

/**
 * Syslog, RFC 5424. Over TCP and TLS messages are framed by octet counting (RFC 6587, RFC 5425), over a unix stream each
 * ends in a newline; a datagram is a message.
 */
export const syslogSinkType: SinkType = {
  properties: {
    transport: {
      enum: transports,
      default: 'unix',
      description: 'How messages travel; unix is a socket for datagrams, as /dev/log.',
    },
    path: { type: 'string', minLength: 1, description: `unix, unix-stream: the socket (default ${defaultPath}).` },
    address: { type: 'string', minLength: 1, description: 'udp, tcp, tls: HOST:PORT of the receiver.' },
    facility: {
      enum: Object.keys(facilities),
      default: 'AUTH',
      description: 'The facility of the messages.',
    },
    tag: { type: 'string', pattern: '^[!-~]{1,48}$', default: 'secretctl', description: 'The APP-NAME of the messages.' },
    hostname: {
      type: 'string',
      pattern: '^[!-~]{1,255}$',
      description: "The HOSTNAME of the messages (default: the machine's).",
    },
    caFile: { type: 'string', minLength: 1, description: "tls: the authorities of the receiver's certificate (PEM)." },
    certFile: { type: 'string', minLength: 1, description: 'tls: our certificate, where the receiver asks for one (PEM).' },
    keyFile: { type: 'string', minLength: 1, description: 'tls: its private key (PEM).' },
    serverName: { type: 'string', minLength: 1, description: "tls: the name in the receiver's certificate (default: the host)." },
    maxMessageSize: maxMessageSizeSchema,
    timeout: timeoutSchema,
  },
  required: [],
  create({ name, type }, options, timer) {
    const chosen = options.choice('transport', transports, 'unix');
    const transport = transportOf(chosen, options);
    const facility = (options.text('facility') ?? 'AUTH').toUpperCase();
    const facilityNumber = Object.hasOwn(facilities, facility) ? facilities[facility] : undefined;
    if (facilityNumber === undefined) throw options.problem('facility', `must be one of ${Object.keys(facilities).join(', ')}`);
    const origin: SyslogOrigin = {
      facility: facilityNumber,
      hostname:
        printable(options, 'hostname', 255) ??
        (hostname()
          .replace(/[^!-~]/g, '')
          .slice(0, 255) ||
          '-'),
      appName: printable(options, 'tag', 48) ?? 'secretctl',
      process: String(process.pid),
    };
    const isStream = chosen === 'tcp' || chosen === 'tls' || chosen === 'unix-stream';
    const limit = isStream || chosen === 'unix' ? mostInMessage : mostInDatagram;
    const most = options.count('maxMessageSize', { least: 480, most: limit, otherwise: 8000 });
    const shown = { facility, tag: origin.appName, transport: chosen, receiver: transport.label };
    return new NetworkSink({
      name,
      type,
      options: shown,
      accepts: { ...commonAccepts, ...shown },
      timeout: options.timeout(defaultTimeout),
      timer,
      transport,
      packets: (lines) => framed(chosen, syslogMessages(lines, origin, most)),
    });
  },
};

const newline = Buffer.from('\n');

function framed(chosen: TransportName, messages: readonly Buffer[]): readonly Uint8Array[] {
  if (chosen === 'tcp' || chosen === 'tls') return messages.map(octetCounted);
  return chosen === 'unix-stream' ? messages.map((message) => Buffer.concat([message, newline])) : messages;
}

function transportOf(chosen: TransportName, options: SinkOptions): Transport {
  const isUnix = chosen === 'unix' || chosen === 'unix-stream';
  options.unusable(isUnix ? ['address'] : ['path'], `with the transport ${chosen}`);
  if (chosen !== 'tls') options.unusable(['caFile', 'certFile', 'keyFile', 'serverName'], `with the transport ${chosen}`);
  switch (chosen) {
    case 'unix':
      return unixDatagramTransport(options.path('path') ?? defaultPath);
    case 'unix-stream':
      return unixStreamTransport(options.path('path') ?? defaultPath);
    case 'udp':
      return udpTransport(options.address('address'));
    case 'tcp':
      return tcpTransport(options.address('address'));
    case 'tls': {
      const certFile = options.path('certFile');
      const keyFile = options.path('keyFile');
      if ((certFile === null) !== (keyFile === null)) throw options.problem('certFile', 'and "keyFile" go together');
      return tlsTransport(options.address('address'), {
        caFile: options.path('caFile'),
        certFile,
        keyFile,
        serverName: options.text('serverName'),
      });
    }
  }
}

/** Text as RFC 5424 allows it in a header. */
function printable(options: SinkOptions, name: string, most: number): string | null {
  const value = options.text(name);
  if (value !== null && (value.length > most || !/^[!-~]+$/.test(value))) {
    throw options.problem(name, `must be 1 to ${most} printable ASCII characters without spaces`);
  }
  return value;
}
