import { Fault } from '../base/error.ts';
import { ioCode } from '../base/io-reason.ts';
import { SinkFailure } from './sink.ts';

/** A way to a receiver of lines. */
export interface Transport {
  /** Where it leads to, for people. */
  readonly label: string;
  /** Throws where there is no way to the receiver, and soon after `signal` aborts. */
  connect(signal: AbortSignal): Promise<Connection>;
}

export interface Connection {
  /** Why nothing can be sent any more; null: it can, as far as is known. */
  readonly broken: string | null;
  /** Hands packets to the system in their order; resolves when it has taken them all. Throws SinkFailure. */
  send(packets: readonly Uint8Array[]): Promise<void>;
  /** Ends it once everything was sent. */
  close(): Promise<void>;
  /** Ends it now; what is being sent fails. */
  abort(): void;
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (ECONNREFUSED)',
  ECONNRESET: 'the receiver broke the connection off (ECONNRESET)',
  EPIPE: 'the receiver closed the connection (EPIPE)',
  ETIMEDOUT: 'the receiver does not answer (ETIMEDOUT)',
  EHOSTUNREACH: 'the host cannot be reached (EHOSTUNREACH)',
  ENETUNREACH: 'the network cannot be reached (ENETUNREACH)',
  ENOTFOUND: 'the name of the host is unknown (ENOTFOUND)',
  ENOENT: 'there is no socket (ENOENT)',
  EPROTOTYPE: 'the socket there is of the other kind, a stream or for datagrams (EPROTOTYPE)',
  EMSGSIZE: 'a message is larger than the system sends; set maxMessageSize lower (EMSGSIZE)',
};

/** What the system or TLS says of a connection, in words. */
export function connectionReason(error: unknown): string {
  const code = error instanceof Fault ? null : ioCode(error);
  const known = code === null ? undefined : reasons[code];
  if (known !== undefined) return known;
  const message = error instanceof Error ? error.message : String(error);
  return code === null || message.includes(code) ? message : `${message} (${code})`;
}

/** Waits no longer than until `signal` aborts. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(aborted());
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

export function aborted(): Error {
  return new Error('it was given up');
}

/** A batch of which nothing was sent (`sent` 0), or nobody knows how much. */
export function sendFailure(sent: number, error: unknown): SinkFailure {
  return new SinkFailure(sent === 0 ? 'unwritten' : 'unknown', connectionReason(error), { cause: error });
}
