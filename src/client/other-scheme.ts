import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { Fault } from '../base/error.ts';
import type { Endpoint } from './endpoint.ts';

/** Milliseconds in which a port has to say what it speaks. */
const patience = 2000;

/**
 * Asked after a failure: does the port speak TLS where its address says HTTP, or the reverse? Sends no token and nothing
 * of a request. Null: neither is certain.
 */
export async function otherScheme(endpoint: Endpoint): Promise<Fault | null> {
  if (endpoint.socketPath !== null) return null;
  if (endpoint.secure) return (await answersInPlain(endpoint)) ? speaksPlain(endpoint.address) : null;
  return (await answersInTls(endpoint)) ? speaksTls(endpoint.address) : null;
}

/** What a server says that takes a plain request at a TLS port for what it is. */
export function isRefusalOfPlain(status: number, body: Uint8Array): boolean {
  return (
    status === 400 && /HTTP request (?:was sent )?to (?:an )?HTTPS (?:server|port)/i.test(Buffer.from(body).toString('latin1'))
  );
}

/** The fault of an `http://` address whose port speaks TLS. */
export function speaksTls(address: string): Fault {
  return new Fault('tls', `the server speaks TLS, and ${address} is an address without`, {
    hint: `Its address is ${address.replace(/^http:/, 'https:')}`,
  });
}

function speaksPlain(address: string): Fault {
  return new Fault('tls', `the server speaks plain HTTP without TLS, and ${address} is an address with it`, {
    hint: `If the way to it is safe without, its address is ${address.replace(/^https:/, 'http:')}`,
  });
}

async function answersInTls({ host, port }: Endpoint): Promise<boolean> {
  // Whose certificate it is does not matter: nothing is sent.
  const socket = connectSecure({ host, port, rejectUnauthorized: false });
  return first(socket, (decide) => {
    socket.once('secureConnect', () => decide(true));
    // A server that wants another version, or a certificate of the client, says so in TLS.
    socket.once('error', ({ message }: Error) => decide(/\balert\b/i.test(message)));
  });
}

async function answersInPlain({ host, port }: Endpoint): Promise<boolean> {
  const socket = connectPlain({ host, port });
  return first(socket, (decide) => {
    // A request without a host is none: every server refuses it at once, and none does anything.
    socket.once('connect', () => socket.write('OPTIONS * HTTP/1.1\r\nconnection: close\r\n\r\n'));
    socket.once('data', (bytes: Buffer) => decide(bytes.subarray(0, 7).toString('latin1') === 'HTTP/1.'));
    socket.once('error', () => decide(false));
  });
}

async function first(socket: Socket, ask: (decide: (answer: boolean) => void) => void): Promise<boolean> {
  try {
    return await new Promise<boolean>((resolve) => {
      ask(resolve);
      socket.setTimeout(patience, () => resolve(false));
      socket.once('close', () => resolve(false));
    });
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}
