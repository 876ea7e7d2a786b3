import type { AddressInfo, Server } from 'node:net';
import { Fault } from '../base/error.ts';
import { listenOnUnixSocket } from './unix-socket.ts';

/** Port 0: a free one. */
export type Address = { readonly host: string; readonly port: number } | { readonly socketPath: string };

/** Lets a server listen, and tells where it does: `http://127.0.0.1:8200`. Throws Fault `listen`. */
export async function bind(server: Server, address: Address, scheme: 'http' | 'https'): Promise<string> {
  if ('socketPath' in address) {
    await listenOnUnixSocket(server, address.socketPath);
    return `unix://${address.socketPath}`;
  }
  const { host, port } = address;
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const hint =
        error.code === 'EADDRINUSE'
          ? 'Another process listens there: end it, or name another address.'
          : 'The address must be one of this machine; ports below 1024 belong to the system.';
      reject(new Fault('listen', `can't listen on ${host}:${port}: ${error.code ?? error.name}`, { hint }));
    };
    server.once('error', onError);
    server.listen({ host, port }, () => {
      server.off('error', onError);
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  return `${scheme}://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
}
