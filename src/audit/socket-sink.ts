import { udpTransport } from './datagram-transport.ts';
import { NetworkSink } from './network-sink.ts';
import type { SinkType } from './registry.ts';
import { commonAccepts, maxMessageSizeSchema, timeoutSchema } from './sink-options.ts';
import { tcpTransport, unixStreamTransport } from './stream-transport.ts';
import { cut } from './syslog-message.ts';

const socketTypes = ['tcp', 'udp', 'unix'] as const;
const defaultTimeout = 2000;
const mostInDatagram = 65_507;

/**
 * The lines as they are, each with its newline. Over UDP a datagram holds one line; a line that is too long stands in
 * several, of which only the last ends in a newline: joined, the datagrams are the lines again.
 */
export const socketSinkType: SinkType = {
  properties: {
    socketType: { enum: socketTypes, default: 'tcp', description: 'The kind of socket; unix is a stream.' },
    address: { type: 'string', minLength: 1, description: 'HOST:PORT of the receiver, or the path of its unix socket.' },
    maxMessageSize: maxMessageSizeSchema,
    timeout: timeoutSchema,
  },
  required: ['address'],
  create({ name, type }, options, timer) {
    const socketType = options.choice('socketType', socketTypes, 'tcp');
    const timeout = options.timeout(defaultTimeout);
    const most = options.count('maxMessageSize', { least: 480, most: mostInDatagram, otherwise: 8000 });
    if (socketType !== 'udp') options.unusable(['maxMessageSize'], `with the socket type ${socketType}`);
    const path = options.path('address') ?? '';
    const shown = {
      address: socketType === 'unix' ? path : options.required('address'),
      socket_type: socketType,
      write_timeout: `${timeout / 1000}s`,
    };
    return new NetworkSink({
      name,
      type,
      options: shown,
      accepts: { ...commonAccepts, ...shown },
      timeout,
      timer,
      transport:
        socketType === 'unix'
          ? unixStreamTransport(path)
          : { tcp: tcpTransport, udp: udpTransport }[socketType](options.address('address')),
      packets: (lines) => (socketType === 'udp' ? datagrams(lines, most) : [lines]),
    });
  },
};

function datagrams(lines: Uint8Array, most: number): readonly Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let start = 0; start < lines.byteLength;) {
    const end = lines.indexOf(0x0a, start) + 1;
    packets.push(...cut(lines.subarray(start, end), most));
    start = end;
  }
  return packets;
}
