import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { clearInterval, setInterval } from 'node:timers';
import type { System } from './assemble.ts';
import { Fault } from './base/error.ts';
import { ioReason } from './base/io-reason.ts';
import { defaultLimits } from './http/limits.ts';
import type { CertificateMaterial } from './http/certificate.ts';
import { listen, type Listener, type ListenerOptions } from './http/listener.ts';
import { nodeWarning } from './server/environment.ts';
import { machine } from './machine.ts';
import type { Log } from './server/log.ts';
import type { Node } from './server/node.ts';
import { describe } from './server/trouble.ts';
import type { ListenerSettings, Settings, TlsSettings } from './settings.ts';

export interface RunOptions {
  readonly log: Log;
  readonly stop: AbortSignal;
  /** Milliseconds. */
  readonly grace: number;
  started(bound: readonly Listener[]): Promise<void>;
  reload(bound: readonly Listener[]): Promise<void>;
}

const hour = 3_600_000;

/** Listens until it is told to stop, then ends what is under way. */
export async function run(node: Node, listeners: readonly ListenerOptions[], options: RunOptions): Promise<void> {
  const { log } = options;
  const warning = nodeWarning(process.version);
  if (warning !== null) log('warn', warning);
  const bound: Listener[] = [];
  // What the end waits for may be nothing that keeps a process alive (a client that sends nothing more, a timer): it must
  // not end in the middle of it.
  const alive = setInterval(() => undefined, hour);
  const onHangup = (): void => {
    options.reload(bound).catch((error: unknown) => log('error', 'not everything was read again', { reason: describe(error) }));
  };
  try {
    for (const listener of listeners) bound.push(await listen(node, listener));
    for (const { address } of bound) log('info', 'listening', { address });
    process.on('SIGHUP', onHangup);
    await node.start();
    await options.started(bound);
    if (node.status().sealed)
      log(
        'warn',
        node.status().unsealing !== null
          ? 'the store is sealed'
          : 'the store is not initialized: secretctl operator init makes its keys',
      );
    await aborted(options.stop);
    log('info', 'stopping: requests under way may end');
    await Promise.all(bound.map((listener) => listener.close(options.grace)));
  } finally {
    process.off('SIGHUP', onHangup);
    await Promise.all(bound.map((listener) => listener.close(0)));
    try {
      await node.stop();
    } finally {
      clearInterval(alive);
    }
  }
}

/** A listener with the way to its certificate. */
export interface TcpListener {
  readonly options: ListenerOptions;
  /** Reads the certificate again; null: it has none. */
  readonly material: (() => CertificateMaterial) | null;
}

export function tcpListener(
  directory: string,
  { host, port, tls, trustedProxies }: ListenerSettings,
  settings: Settings,
  log: Log,
): TcpListener {
  const material = tls === null ? null : () => tlsMaterial(directory, tls);
  return {
    options: { ...common(settings, log), address: { host, port }, tls: material?.() ?? null, trustedProxies },
    material,
  };
}

export function common(settings: Settings | null, log: Log): Omit<ListenerOptions, 'address' | 'tls' | 'trustedProxies'> {
  const { maxBodyBytes, requestTimeout, maxConnections } = settings?.server.limits ?? {};
  return {
    ...machine,
    limits: {
      ...defaultLimits,
      maxBodyBytes: maxBodyBytes ?? defaultLimits.maxBodyBytes,
      requestTimeout: (requestTimeout ?? defaultLimits.requestTimeout / 1000) * 1000,
      maxConnections: maxConnections ?? defaultLimits.maxConnections,
    },
    log,
  };
}

function tlsMaterial(directory: string, { certFile, keyFile, clientCaFile, minVersion }: TlsSettings): CertificateMaterial {
  const read = (path: string): Buffer => {
    try {
      return readFileSync(resolve(directory, path));
    } catch (error) {
      throw new Fault('settings', `${resolve(directory, path)} can't be read: ${ioReason(error)}`, {
        hint: 'It is named in the tls part of a listener in settings.yaml.',
      });
    }
  };
  return {
    cert: read(certFile),
    key: read(keyFile),
    ...(clientCaFile === null ? {} : { clientCa: read(clientCaFile) }),
    minVersion,
  };
}

/** SIGHUP: certificates and, while the store is served, audit files. Each is tried, whatever becomes of the others. */
export async function reload(
  bound: readonly Listener[],
  listeners: readonly TcpListener[],
  system: System | null,
  log: Log,
): Promise<void> {
  const work = listeners.map(async ({ material }, index) => {
    if (material !== null) bound[index]?.reloadCertificate(material());
  });
  const outcomes = await Promise.allSettled([...work, system?.reopenAudit()]);
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  for (const { reason } of failed) log('error', 'not everything was read again', { reason: describe(reason) });
  log('info', `${failed.length === 0 ? '' : 'all other '}certificates and audit files were read again`);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve_) => signal.addEventListener('abort', () => resolve_(), { once: true }));
}
